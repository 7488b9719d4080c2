//! Decompression bombs take no more memory than the limits allow. Alone in its process, because it
//! measures that.

#![allow(clippy::unwrap_used)]

use barnabas_protocol::kafka::record_batch::{Compression, CompressionError, DecompressLimits};
use std::io::{self, Read, Write};

const MIB: usize = 1024 * 1024;
const LIMITS: DecompressLimits = DecompressLimits { max_bytes: 32 * MIB, max_ratio: 1000 };

fn zeros(len: usize, mut into: impl Write) {
    io::copy(&mut io::repeat(0).take(len as u64), &mut into).unwrap();
}

/// Ten gigabytes in one megabyte (zstd) or ten (gzip): a hundred frames of a hundred megabytes.
fn zstd() -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    zeros(100 * MIB, &mut encoder);
    encoder.finish().unwrap().repeat(100)
}

fn gzip() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    zeros(100 * MIB, &mut encoder);
    encoder.finish().unwrap().repeat(100)
}

fn lz4() -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    zeros(256 * MIB, &mut encoder);
    encoder.finish().unwrap()
}

/// The frames of snappy-java around a thousand times the same block.
fn snappy() -> Vec<u8> {
    let block = snap::raw::Encoder::new().compress_vec(&vec![0; MIB]).unwrap();
    let mut bomb = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for _ in 0..1000 {
        bomb.extend_from_slice(&u32::try_from(block.len()).unwrap().to_be_bytes());
        bomb.extend_from_slice(&block);
    }
    bomb
}

/// Largest memory that this process has had so far, in bytes.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[test]
fn bombs_are_refused_in_bounded_memory() {
    let bombs = [
        (Compression::Zstd, zstd()),
        (Compression::Gzip, gzip()),
        (Compression::Lz4, lz4()),
        (Compression::Snappy, snappy()),
    ];
    let before = peak_memory();
    for (codec, bomb) in bombs {
        let read = codec.decompress(&bomb, &LIMITS);
        let over = CompressionError::OverLimit { codec: codec.name(), limit: LIMITS.max_bytes };
        assert_eq!(read, Err(over), "{} bytes", bomb.len());
    }
    // A buffer that grows to the limit by doubling, and its old half while it moves.
    let taken = peak_memory() - before;
    assert!(taken < 3 * LIMITS.max_bytes, "{} MiB", taken / MIB);
}
