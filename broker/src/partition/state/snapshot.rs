//! The stored form of a partition's producers, so that duplicates are recognised after a restart.
//!
//! Version 1, big-endian: `version u8`, `count u32`, then per producer `id i64`, `epoch i16`,
//! `batches u8` and per batch `first i32`, `last i32`, `base offset i64`, `offset delta i32`,
//! `timestamp i64`.

use std::collections::VecDeque;

use barnabas_protocol::state::ids::{Offset, ProducerId};
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::producers::{ProducedBatch, ProducerEntry, Producers, REMEMBERED_BATCHES};

const VERSION: u8 = 1;
const BATCH_BYTES: usize = 4 + 4 + 8 + 4 + 8;

/// A snapshot that cannot be read; producer state is then rebuilt from the log itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by a newer release.
    #[error("producer snapshot has version {0}, this release reads {VERSION}")]
    Version(u8),
    /// Shorter than it says.
    #[error("producer snapshot is cut short")]
    Truncated,
    /// Longer than it says, or with impossible counts.
    #[error("producer snapshot is malformed")]
    Malformed,
}

/// Writes what the producers of a partition have in its log before `end`; batches that are still on
/// their way to the log are left out.
#[must_use]
pub fn encode(producers: &Producers, end: Offset) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(VERSION);
    out.put_u32(producers.iter().count() as u32);
    for (id, entry) in producers.iter() {
        out.put_i64(id.0);
        out.put_i16(entry.epoch);
        let written = || entry.batches.iter().filter(|batch| batch.base_offset < end);
        out.put_u8(written().count() as u8);
        for batch in written() {
            out.put_i32(batch.first_sequence);
            out.put_i32(batch.last_sequence);
            out.put_i64(batch.base_offset.0);
            out.put_i32(batch.offset_delta);
            out.put_i64(batch.timestamp_ms);
        }
    }
    out.freeze()
}

/// Reads what [`encode`] wrote.
pub fn decode(mut from: &[u8]) -> Result<Producers, SnapshotError> {
    let version = from.try_get_u8().map_err(|_| SnapshotError::Truncated)?;
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let count = from.try_get_u32().map_err(|_| SnapshotError::Truncated)?;
    let mut producers = Producers::default();
    for _ in 0..count {
        let (id, entry) = decode_producer(&mut from)?;
        producers.restore(id, entry);
    }
    if from.is_empty() { Ok(producers) } else { Err(SnapshotError::Malformed) }
}

fn decode_producer(from: &mut &[u8]) -> Result<(ProducerId, ProducerEntry), SnapshotError> {
    if from.len() < 11 {
        return Err(SnapshotError::Truncated);
    }
    let (id, epoch, count) = (from.get_i64(), from.get_i16(), usize::from(from.get_u8()));
    if count > REMEMBERED_BATCHES {
        return Err(SnapshotError::Malformed);
    }
    if from.len() < count * BATCH_BYTES {
        return Err(SnapshotError::Truncated);
    }
    let batches: VecDeque<_> = (0..count)
        .map(|_| ProducedBatch {
            first_sequence: from.get_i32(),
            last_sequence: from.get_i32(),
            base_offset: Offset(from.get_i64()),
            offset_delta: from.get_i32(),
            timestamp_ms: from.get_i64(),
        })
        .collect();
    Ok((ProducerId(id), ProducerEntry { epoch, batches }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_producers() -> impl Strategy<Value = Producers> {
        let batch = (any::<i32>(), any::<i32>(), 0..i64::MAX, any::<i32>(), any::<i64>());
        let entry = (any::<i16>(), proptest::collection::vec(batch, 0..=REMEMBERED_BATCHES));
        proptest::collection::hash_map(any::<i64>(), entry, 0..20).prop_map(|map| {
            let mut producers = Producers::default();
            for (id, (epoch, batches)) in map {
                let batches = batches
                    .into_iter()
                    .map(|(first_sequence, last_sequence, base, offset_delta, timestamp_ms)| {
                        ProducedBatch {
                            first_sequence,
                            last_sequence,
                            base_offset: Offset(base),
                            offset_delta,
                            timestamp_ms,
                        }
                    })
                    .collect();
                producers.restore(ProducerId(id), ProducerEntry { epoch, batches });
            }
            producers
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(producers in any_producers()) {
            prop_assert_eq!(decode(&encode(&producers, Offset(i64::MAX))), Ok(producers));
        }

        #[test]
        fn a_cut_snapshot_is_refused(producers in any_producers(), keep in 0.0..1.0f64) {
            let whole = encode(&producers, Offset(i64::MAX));
            let cut = (whole.len() as f64 * keep) as usize;
            prop_assert!(decode(&whole[..cut]).is_err());
        }

        #[test]
        fn garbage_never_panics(garbage in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&garbage);
        }
    }

    #[test]
    fn a_batch_on_its_way_to_the_log_is_left_out() {
        let batch = |base| ProducedBatch {
            first_sequence: 0,
            last_sequence: 0,
            base_offset: Offset(base),
            offset_delta: 0,
            timestamp_ms: 0,
        };
        let entry = |bases: &[i64]| ProducerEntry {
            epoch: 1,
            batches: bases.iter().map(|&base| batch(base)).collect(),
        };
        let (mut all, mut written) = (Producers::default(), Producers::default());
        all.restore(ProducerId(1), entry(&[4, 5, 6]));
        written.restore(ProducerId(1), entry(&[4, 5]));
        assert_eq!(decode(&encode(&all, Offset(6))), Ok(written));
    }

    #[test]
    fn a_newer_version_and_trailing_bytes_are_refused() {
        assert_eq!(decode(&[2, 0, 0, 0, 0]), Err(SnapshotError::Version(2)));
        assert_eq!(decode(&[1, 0, 0, 0, 0, 9]), Err(SnapshotError::Malformed));
    }
}
