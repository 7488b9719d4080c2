//! Keys of the column families. Numbers are big-endian, so that byte order is number order.
//!
//! | family | key |
//! |---|---|
//! | `log` | generation u32, log id u32, last offset of the batch u64 |
//! | `index` | log id u32, first offset of the chunk u64 |
//! | `partitions` | log id u32, kind of record u8 |
//!
//! The *last* offset is in the key so that one forward seek to an offset lands on the batch that
//! holds it.

use barnabas_protocol::state::ids::Offset;

use crate::log::LogId;

/// Not a key of this store.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed key")]
pub(in crate::log) struct BadKey;

/// The log id under which the store keeps records about itself; never given to a log.
pub(in crate::log) const STORE: LogId = LogId(u32::MAX);

/// Key of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::log) struct BatchKey {
    pub(in crate::log) generation: u32,
    pub(in crate::log) log: LogId,
    pub(in crate::log) last: Offset,
}

impl BatchKey {
    /// The lowest key of a generation.
    pub(in crate::log) const fn floor(generation: u32) -> Self {
        Self { generation, log: LogId(0), last: Offset(0) }
    }

    pub(in crate::log) fn encode(self) -> [u8; 16] {
        let mut key = [0; 16];
        key[..4].copy_from_slice(&self.generation.to_be_bytes());
        key[4..8].copy_from_slice(&self.log.0.to_be_bytes());
        key[8..].copy_from_slice(&self.last.0.cast_unsigned().to_be_bytes());
        key
    }

    pub(in crate::log) fn decode(key: &[u8]) -> Result<Self, BadKey> {
        let key: &[u8; 16] = key.try_into().map_err(|_| BadKey)?;
        let (generation, log, last) = (number(&key[..4]), number(&key[4..8]), number(&key[8..]));
        Ok(Self { generation: generation as u32, log: LogId(log as u32), last: offset(last)? })
    }
}

/// Key of one chunk's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::log) struct ChunkKey {
    pub(in crate::log) log: LogId,
    pub(in crate::log) first: Offset,
}

impl ChunkKey {
    pub(in crate::log) fn encode(self) -> [u8; 12] {
        let mut key = [0; 12];
        key[..4].copy_from_slice(&self.log.0.to_be_bytes());
        key[4..].copy_from_slice(&self.first.0.cast_unsigned().to_be_bytes());
        key
    }

    pub(in crate::log) fn decode(key: &[u8]) -> Result<Self, BadKey> {
        let key: &[u8; 12] = key.try_into().map_err(|_| BadKey)?;
        Ok(Self { log: LogId(number(&key[..4]) as u32), first: offset(number(&key[4..]))? })
    }
}

/// Key of one record about a log, or about the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::log) struct RecordKey {
    pub(in crate::log) log: LogId,
    pub(in crate::log) kind: u8,
}

impl RecordKey {
    pub(in crate::log) fn encode(self) -> [u8; 5] {
        let mut key = [self.kind; 5];
        key[..4].copy_from_slice(&self.log.0.to_be_bytes());
        key
    }

    pub(in crate::log) fn decode(key: &[u8]) -> Result<Self, BadKey> {
        let key: &[u8; 5] = key.try_into().map_err(|_| BadKey)?;
        Ok(Self { log: LogId(number(&key[..4]) as u32), kind: key[4] })
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

fn offset(number: u64) -> Result<Offset, BadKey> {
    i64::try_from(number).map(Offset).map_err(|_| BadKey)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn batch_keys_survive_and_keep_their_order(
            a in (any::<u32>(), any::<u32>(), 0..i64::MAX),
            b in (any::<u32>(), any::<u32>(), 0..i64::MAX),
        ) {
            let key = |(generation, log, last)| BatchKey { generation, log: LogId(log), last: Offset(last) };
            prop_assert_eq!(BatchKey::decode(&key(a).encode()), Ok(key(a)));
            prop_assert_eq!(key(a).encode().cmp(&key(b).encode()), a.cmp(&b));
        }

        #[test]
        fn chunk_keys_survive_and_keep_their_order(a in (any::<u32>(), 0..i64::MAX), b in (any::<u32>(), 0..i64::MAX)) {
            let key = |(log, first)| ChunkKey { log: LogId(log), first: Offset(first) };
            prop_assert_eq!(ChunkKey::decode(&key(a).encode()), Ok(key(a)));
            prop_assert_eq!(key(a).encode().cmp(&key(b).encode()), a.cmp(&b));
        }

        #[test]
        fn record_keys_survive(log: u32, kind: u8) {
            let key = RecordKey { log: LogId(log), kind };
            prop_assert_eq!(RecordKey::decode(&key.encode()), Ok(key));
        }
    }

    #[test]
    fn rejects_other_lengths_and_negative_offsets() {
        assert_eq!(BatchKey::decode(&[0; 15]), Err(BadKey));
        assert_eq!(BatchKey::decode(&[0xff; 16]), Err(BadKey));
        assert_eq!(ChunkKey::decode(&[0; 13]), Err(BadKey));
        assert_eq!(ChunkKey::decode(&[0xff; 12]), Err(BadKey));
        assert_eq!(RecordKey::decode(&[]), Err(BadKey));
    }
}
