//! Zstandard.

use super::{Failure, capped};
use std::io;
use zstd::stream::read::Decoder;

/// The level that Kafka's clients take where none is given.
const DEFAULT_LEVEL: i32 = 3;

/// Largest window that a frame may ask for, as a power of two: what level 22 makes, and what the
/// reference library allows, too. The decoder reserves it as address space, and touches what it
/// fills.
const MAX_WINDOW_LOG: u32 = 27;

pub(super) fn compress(data: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    zstd::stream::encode_all(data, level.unwrap_or(DEFAULT_LEVEL))
}

pub(super) fn decompress(data: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::with_buffer(data)?;
    decoder.window_log_max(MAX_WINDOW_LOG)?;
    let mut out = Vec::new();
    capped(decoder, limit, &mut out)?;
    Ok(out)
}
