//! The broker in a container, through testcontainers: an image made here from the built binary,
//! pulling nothing.
//!
//! Needs a Docker engine; says so where there is none, and fails instead with `REQUIRE_DOCKER=1`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::binary;
use barnabas_integration_tests::clients::{run_python, skip, succeed};
use barnabas_integration_tests::ports;
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

const IMAGE: &str = "barnabas-integration-test";
const INSIDE: u16 = 9092;

#[tokio::test]
async fn a_container_serves_clients() {
    if let Some(reason) = no_engine() {
        return skip("REQUIRE_DOCKER", &reason);
    }
    let tag = std::process::id().to_string();
    import_image(&tag);
    let port = ports::free();
    let container = GenericImage::new(IMAGE, &tag)
        .with_exposed_port(INSIDE.tcp())
        .with_wait_for(WaitFor::seconds(0))
        .with_mapped_port(port, INSIDE.tcp())
        .with_startup_timeout(Duration::from_secs(60))
        .with_cmd([
            "dev".to_owned(),
            "--override".to_owned(),
            format!("listeners=PLAINTEXT://0.0.0.0:{INSIDE}"),
            "--override".to_owned(),
            format!("advertised.listeners=PLAINTEXT://127.0.0.1:{port}"),
        ])
        .start()
        .await
        .expect("the container starts");
    run_python("confluent_basic.py", &format!("127.0.0.1:{port}"), &["keyed_by_customer"]);
    container.rm().await.expect("the container can be removed");
    succeed(Command::new("docker").args(["rmi", &format!("{IMAGE}:{tag}")]));
}

/// Why there is no engine to run containers on, if so.
fn no_engine() -> Option<String> {
    match Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        Err(error) => Some(format!("no docker: {error}")),
    }
}

/// Makes an image of the binary and the libraries that it loads, and nothing else.
fn import_image(tag: &str) {
    let dir = tempfile::tempdir().expect("a directory");
    let binary = binary().expect("the binary is built");
    fs::create_dir(dir.path().join("tmp")).expect("a directory");
    copy(&binary, &dir.path().join("barnabas"));
    for library in libraries(&binary) {
        let inside = library.strip_prefix("/").expect("an absolute path").to_owned();
        copy(&library, &dir.path().join(inside));
    }
    let archive = dir.path().with_extension("tar");
    succeed(Command::new("tar").arg("-C").arg(dir.path()).arg("-cf").arg(&archive).arg("."));
    let entry = r#"ENTRYPOINT ["/barnabas"]"#;
    let name = format!("{IMAGE}:{tag}");
    let mut import = Command::new("docker");
    import.args(["import", "--change", entry, "--change", "WORKDIR /tmp"]);
    succeed(import.arg(&archive).arg(&name));
    fs::remove_file(archive).expect("the archive can be removed");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().expect("a folder")).expect("a folder can be made");
    fs::copy(from, to).expect("a file can be copied");
}

/// What `ldd` names: the loader and the shared libraries, by their absolute paths.
fn libraries(binary: &Path) -> Vec<PathBuf> {
    let output = succeed(Command::new("ldd").arg(binary));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().filter(|w| w.starts_with('/')).map(PathBuf::from).collect()
}
