//! The value of an `index` entry, written once per chunk when its generation ends.
//!
//! Version u8 (1), generation u32, last offset i64, max timestamp i64 (or the complement of the
//! time of the last append: see [`Chunk`]), bytes u64; big-endian, 29 bytes.

use barnabas_protocol::state::ids::Offset;

use crate::log::Chunk;

const VERSION: u8 = 1;
const LEN: usize = 29;

/// A chunk entry that cannot be decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::log) enum BadChunk {
    #[error("chunk entry of version {0}; this version reads 1")]
    Version(u8),
    #[error("malformed chunk entry")]
    Malformed,
}

/// The value; `first` is in the key.
pub(in crate::log) fn encode(chunk: &Chunk) -> [u8; LEN] {
    let mut value = [VERSION; LEN];
    value[1..5].copy_from_slice(&chunk.generation.to_be_bytes());
    value[5..13].copy_from_slice(&chunk.last.0.to_be_bytes());
    value[13..21].copy_from_slice(&chunk.max_timestamp.to_be_bytes());
    value[21..].copy_from_slice(&chunk.bytes.to_be_bytes());
    value
}

pub(in crate::log) fn decode(first: Offset, value: &[u8]) -> Result<Chunk, BadChunk> {
    match value.first() {
        Some(&VERSION) => {}
        Some(&version) => return Err(BadChunk::Version(version)),
        None => return Err(BadChunk::Malformed),
    }
    let value: &[u8; LEN] = value.try_into().map_err(|_| BadChunk::Malformed)?;
    let chunk = Chunk {
        first,
        last: Offset(i64::from_be_bytes(field(value, 5))),
        generation: u32::from_be_bytes(field(value, 1)),
        max_timestamp: i64::from_be_bytes(field(value, 13)),
        bytes: u64::from_be_bytes(field(value, 21)),
    };
    if chunk.last < first { Err(BadChunk::Malformed) } else { Ok(chunk) }
}

fn field<const N: usize>(value: &[u8; LEN], at: usize) -> [u8; N] {
    std::array::from_fn(|i| value[at + i])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn survives(first in 0..1i64 << 60, len in 0..1i64 << 60, generation: u32, max_timestamp: i64, bytes: u64) {
            let chunk = Chunk { first: Offset(first), last: Offset(first + len), generation, max_timestamp, bytes };
            prop_assert_eq!(decode(Offset(first), &encode(&chunk)), Ok(chunk));
        }
    }

    #[test]
    fn rejects() {
        let chunk =
            Chunk { first: Offset(5), last: Offset(7), generation: 1, max_timestamp: 0, bytes: 9 };
        let good = encode(&chunk);
        let mut other = good;
        other[0] = 2;
        assert_eq!(decode(Offset(5), &other), Err(BadChunk::Version(2)));
        assert_eq!(decode(Offset(5), &good[..28]), Err(BadChunk::Malformed));
        assert_eq!(decode(Offset(5), &[]), Err(BadChunk::Malformed));
        assert_eq!(decode(Offset(8), &good), Err(BadChunk::Malformed));
    }
}
