//! Compiles the schema of the cluster state (`proto/state/*.proto`) to structs (`prost`) and to
//! their JSON form (`pbjson`).

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

const SCHEMA: &str = "proto/state";
const PACKAGE: &str = ".barnabas.state";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={SCHEMA}");
    println!("cargo:rerun-if-env-changed=PROTOC");
    require_protoc()?;
    let mut files = fs::read_dir(SCHEMA)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<PathBuf>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "proto"));
    files.sort();
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("state.descriptors");
    prost_build::Config::new()
        .file_descriptor_set_path(&descriptors)
        .btree_map([PACKAGE])
        .compile_protos(&files, &[PathBuf::from(SCHEMA)])?;
    pbjson_build::Builder::new()
        .register_descriptors(&fs::read(descriptors)?)?
        .preserve_proto_field_names()
        .emit_fields()
        .ignore_unknown_fields()
        .btree_map([PACKAGE])
        .build(&[PACKAGE])?;
    Ok(())
}

/// Says what to install where the Protocol Buffers compiler is missing, instead of failing
/// somewhere in `prost-build`.
fn require_protoc() -> Result<(), String> {
    let protoc = env::var("PROTOC").unwrap_or_else(|_| "protoc".to_owned());
    match Command::new(&protoc).arg("--version").output() {
        Ok(output) if output.status.success() => Ok(()),
        outcome => Err(format!(
            "the Protocol Buffers compiler `{protoc}` does not run ({}). Install it, \
             for example with: apt-get install protobuf-compiler libprotobuf-dev",
            outcome.map_or_else(|e| e.to_string(), |output| output.status.to_string())
        )),
    }
}
