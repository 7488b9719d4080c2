//! LZ4 frames. Kafka's Java client reads independent blocks only, so that is what we write; we read
//! linked ones, too.

use super::{Failure, capped};
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};
use std::io::{self, Write};

pub(super) fn compress(data: &[u8]) -> io::Result<Vec<u8>> {
    let info = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max64KB);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(data)?;
    encoder.finish().map_err(io::Error::from)
}

pub(super) fn decompress(data: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    capped(FrameDecoder::new(data), limit, &mut out)?;
    Ok(out)
}
