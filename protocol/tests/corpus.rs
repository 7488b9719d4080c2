//! What the fuzz targets have found interesting so far, once more: see `protocol/fuzz`. Needs no
//! nightly toolchain.

#[allow(unreachable_pub, reason = "the fuzz targets are outside of this crate")]
#[path = "../fuzz/src/checks.rs"]
mod checks;

use std::fs;
use std::path::Path;

use barnabas_protocol::kafka::record_batch::Compression;

/// Runs a check on every input of a target's corpus: a line of hexadecimal digits each.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let corpus = fs::read_to_string(folder.join(format!("{target}.hex"))).expect("a corpus");
    for line in corpus.lines() {
        // Shown when the check panics.
        println!("{target} {line}");
        check(&decoded(line));
    }
    assert!(corpus.lines().count() > 4, "the corpus of {target} is not what it was");
}

fn decoded(line: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a hexadecimal digit") as u8;
    line.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

#[test]
fn frames() {
    replay("frame", checks::frame);
}

#[test]
fn requests() {
    replay("request", checks::request);
}

#[test]
fn responses() {
    replay("response", checks::response);
}

#[test]
fn record_batches() {
    replay("record_batch", checks::record_batch);
}

#[test]
fn compressed_data() {
    replay("decompress_gzip", |data| checks::decompress(Compression::Gzip, data));
    replay("decompress_snappy", |data| checks::decompress(Compression::Snappy, data));
    replay("decompress_lz4", |data| checks::decompress(Compression::Lz4, data));
    replay("decompress_zstd", |data| checks::decompress(Compression::Zstd, data));
}
