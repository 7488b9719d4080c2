//! Snappy as Kafka's clients write it: in the frames of snappy-java (Java, librdkafka reads both),
//! or one bare block.
//!
//! A frame is a 16-byte header and chunks, each with its length in front. Every block begins with
//! its decompressed length, which decides how much memory is taken: it is held against what a block
//! of that size can give.

use super::Failure;
use std::io;

const MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
/// Magic, version and oldest compatible version: 1 and 1, big-endian.
const HEADER_LEN: usize = 16;
/// What snappy-java puts into a chunk, in bytes before compression.
const CHUNK: usize = 32 * 1024;
/// A copy of three bytes gives 64 at most, so nothing shrinks more than this.
const MAX_RATIO: usize = 22;

pub(super) fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = snap::raw::Encoder::new();
    let mut out = Vec::with_capacity(HEADER_LEN + data.len() / 2);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&1u32.to_be_bytes());
    out.extend_from_slice(&1u32.to_be_bytes());
    for chunk in data.chunks(CHUNK) {
        let length_at = out.len();
        let block_at = length_at + 4;
        out.resize(block_at + snap::raw::max_compress_len(chunk.len()), 0);
        let written = encoder.compress(chunk, &mut out[block_at..])?;
        let length = u32::try_from(written).map_err(io::Error::other)?;
        out[length_at..block_at].copy_from_slice(&length.to_be_bytes());
        out.truncate(block_at + written);
    }
    Ok(out)
}

pub(super) fn decompress(data: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    if !data.starts_with(MAGIC) {
        block(data, limit, &mut out)?;
        return Ok(out);
    }
    let mut chunks = data.get(HEADER_LEN..).ok_or_else(cut_off)?;
    while !chunks.is_empty() {
        let (length, rest) = chunks.split_first_chunk().ok_or_else(cut_off)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (chunk, rest) = rest.split_at_checked(length).ok_or_else(cut_off)?;
        block(chunk, limit, &mut out)?;
        chunks = rest;
    }
    Ok(out)
}

/// Decompresses one block behind what is already there.
fn block(data: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Failure> {
    let corrupt = |error: snap::Error| Failure::Corrupt(error.to_string());
    let length = snap::raw::decompress_len(data).map_err(corrupt)?;
    if length > data.len().saturating_mul(MAX_RATIO) {
        return Err(Failure::Corrupt(format!("{} bytes cannot hold {length}", data.len())));
    }
    let start = out.len();
    if length > limit - start {
        return Err(Failure::OverLimit);
    }
    out.resize(start + length, 0);
    let written = snap::raw::Decoder::new().decompress(data, &mut out[start..]).map_err(corrupt)?;
    out.truncate(start + written);
    Ok(())
}

fn cut_off() -> Failure {
    Failure::Corrupt("it is cut off".to_owned())
}
