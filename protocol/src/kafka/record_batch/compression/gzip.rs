//! gzip, which may consist of several members.

use super::{Failure, capped};
use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use std::io::{self, Write};

const MAGIC: &[u8] = &[0x1f, 0x8b];

pub(super) fn compress(data: &[u8], level: Option<i32>) -> io::Result<Vec<u8>> {
    let level = level.and_then(|level| u32::try_from(level).ok());
    let level = level.map_or_else(Compression::default, |level| Compression::new(level.min(9)));
    let mut encoder = GzEncoder::new(Vec::new(), level);
    encoder.write_all(data)?;
    encoder.finish()
}

pub(super) fn decompress(data: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let mut rest = data;
    // Kafka ignores what follows the last member.
    loop {
        let mut member = GzDecoder::new(rest);
        capped(&mut member, limit, &mut out)?;
        rest = member.into_inner();
        if !rest.starts_with(MAGIC) {
            return Ok(out);
        }
    }
}
