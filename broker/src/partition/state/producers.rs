//! What idempotent producers have written to one partition (KIP-98): the last five batches of each,
//! so that a retry is recognised and a gap is refused.
//!
//! Pure: the caller brings the headers of batches in the order in which they are written.

use std::collections::{HashMap, VecDeque};

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::{Offset, ProducerId};

/// Batches remembered per producer; clients may have at most this many requests in flight.
pub const REMEMBERED_BATCHES: usize = 5;

/// One batch of a producer that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducedBatch {
    /// Sequence number of the first record.
    pub first_sequence: i32,
    /// Sequence number of the last record; smaller than the first where the numbers wrapped around.
    pub last_sequence: i32,
    /// Offset of the first record.
    pub base_offset: Offset,
    /// Records less one.
    pub offset_delta: i32,
    /// Largest timestamp in the batch, in milliseconds.
    pub timestamp_ms: i64,
}

/// Why a producer's batch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SequenceError {
    /// A newer producer with this id exists.
    #[error(
        "producer {producer} has epoch {current}, and the batch carries the older epoch {given}"
    )]
    StaleEpoch {
        /// The producer's id.
        producer: ProducerId,
        /// The newest epoch seen.
        current: i16,
        /// The epoch in the batch.
        given: i16,
    },
    /// Records of this producer are missing before this batch.
    #[error("producer {producer} sent sequence number {given} where {expected} comes next")]
    OutOfOrder {
        /// The producer's id.
        producer: ProducerId,
        /// The first sequence number in the batch.
        given: i32,
        /// The sequence number that would continue the log.
        expected: i32,
    },
}

/// What to do with a producer's batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceCheck {
    /// It continues the producer's sequence.
    Append,
    /// It was written before; answer with the place where it stands.
    Duplicate(ProducedBatch),
}

/// One producer: its epoch and its last batches, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// The newest epoch seen.
    pub epoch: i16,
    /// At most [`REMEMBERED_BATCHES`], oldest first.
    pub batches: VecDeque<ProducedBatch>,
}

/// All producers known to one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers(HashMap<ProducerId, ProducerEntry>);

impl Producers {
    /// Decides on a batch that carries a producer id, as `ProducerAppendInfo` of Kafka does.
    pub fn check(&self, header: &BatchHeader) -> Result<SequenceCheck, SequenceError> {
        let producer = header.producer_id;
        let Some(entry) = self.0.get(&producer) else { return Ok(SequenceCheck::Append) };
        let (given, first) = (header.producer_epoch, header.base_sequence);
        if given < entry.epoch {
            return Err(SequenceError::StaleEpoch { producer, current: entry.epoch, given });
        }
        let expected = if given > entry.epoch {
            0
        } else {
            let last = last_sequence(header);
            let same = |b: &&ProducedBatch| b.first_sequence == first && b.last_sequence == last;
            if let Some(&duplicate) = entry.batches.iter().find(same) {
                return Ok(SequenceCheck::Duplicate(duplicate));
            }
            let Some(newest) = entry.batches.back() else { return Ok(SequenceCheck::Append) };
            add_sequence(newest.last_sequence, 1)
        };
        if first == expected {
            Ok(SequenceCheck::Append)
        } else {
            Err(SequenceError::OutOfOrder { producer, given: first, expected })
        }
    }

    /// Remembers a batch that was written at `header.base_offset`. Batches without a producer are
    /// ignored.
    pub fn record(&mut self, header: &BatchHeader) {
        if !header.has_producer() {
            return;
        }
        let epoch = header.producer_epoch;
        let entry = self
            .0
            .entry(header.producer_id)
            .or_insert_with(|| ProducerEntry { epoch, batches: VecDeque::new() });
        if entry.epoch != epoch {
            entry.epoch = epoch;
            entry.batches.clear();
        }
        if header.is_control() {
            return;
        }
        if entry.batches.len() == REMEMBERED_BATCHES {
            entry.batches.pop_front();
        }
        entry.batches.push_back(ProducedBatch {
            first_sequence: header.base_sequence,
            last_sequence: last_sequence(header),
            base_offset: header.base_offset,
            offset_delta: header.last_offset_delta,
            timestamp_ms: header.max_timestamp,
        });
    }

    /// Forgets producers whose last batch is older than `oldest_ms` (`producer.id.expiration.ms`),
    /// and those of whom nothing was ever written.
    pub fn expire(&mut self, oldest_ms: i64) {
        self.0.retain(|_, entry| entry.batches.back().is_some_and(|b| b.timestamp_ms >= oldest_ms));
    }

    /// Forgets batches at or past `end`, which were given offsets but could not be written.
    pub fn rollback_to(&mut self, end: Offset) {
        for entry in self.0.values_mut() {
            entry.batches.retain(|batch| batch.base_offset < end);
        }
    }

    /// All producers, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&ProducerId, &ProducerEntry)> {
        self.0.iter()
    }

    /// Puts back a producer read from a snapshot.
    pub fn restore(&mut self, producer: ProducerId, entry: ProducerEntry) {
        self.0.insert(producer, entry);
    }
}

fn last_sequence(header: &BatchHeader) -> i32 {
    add_sequence(header.base_sequence, header.last_offset_delta)
}

/// Sequence numbers wrap from `i32::MAX` to 0.
fn add_sequence(sequence: i32, increment: i32) -> i32 {
    ((i64::from(sequence) + i64::from(increment)) % (i64::from(i32::MAX) + 1)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::state::blank_header;

    fn batch(epoch: i16, first: i32, count: i32, base: i64) -> BatchHeader {
        BatchHeader {
            producer_id: ProducerId(7),
            producer_epoch: epoch,
            base_sequence: first,
            last_offset_delta: count - 1,
            records_count: count,
            base_offset: Offset(base),
            ..blank_header()
        }
    }

    fn wrote(batches: &[BatchHeader]) -> Producers {
        let mut producers = Producers::default();
        batches.iter().for_each(|b| producers.record(b));
        producers
    }

    #[test]
    fn a_retry_of_any_of_the_last_five_batches_is_a_duplicate() {
        let written: Vec<_> = (0..6).map(|i| batch(0, i * 10, 10, i64::from(i) * 10)).collect();
        let producers = wrote(&written);
        for retried in &written[1..] {
            let SequenceCheck::Duplicate(found) = producers.check(retried).expect("known") else {
                panic!("{retried:?} is a retry")
            };
            assert_eq!(found.base_offset, retried.base_offset);
        }
        assert!(producers.check(&written[0]).is_err(), "forgotten: its sequence is out of order");
    }

    #[test]
    fn a_gap_is_refused_and_the_next_number_is_accepted() {
        let producers = wrote(&[batch(0, 0, 3, 0)]);
        assert_eq!(producers.check(&batch(0, 3, 1, 0)), Ok(SequenceCheck::Append));
        let gap = producers.check(&batch(0, 4, 1, 0));
        let expected = SequenceError::OutOfOrder { producer: ProducerId(7), given: 4, expected: 3 };
        assert_eq!(gap, Err(expected));
    }

    #[test]
    fn sequence_numbers_wrap_to_zero() {
        let producers = wrote(&[batch(0, i32::MAX - 1, 2, 0)]);
        assert_eq!(producers.check(&batch(0, 0, 1, 2)), Ok(SequenceCheck::Append));
        let across = wrote(&[batch(0, i32::MAX, 3, 0)]);
        assert_eq!(across.check(&batch(0, 2, 1, 3)), Ok(SequenceCheck::Append));
    }

    #[test]
    fn a_new_epoch_starts_at_zero_and_an_old_one_is_fenced() {
        let producers = wrote(&[batch(3, 0, 5, 0)]);
        assert_eq!(producers.check(&batch(4, 0, 1, 5)), Ok(SequenceCheck::Append));
        assert!(matches!(
            producers.check(&batch(4, 1, 1, 5)),
            Err(SequenceError::OutOfOrder { expected: 0, .. })
        ));
        assert!(matches!(
            producers.check(&batch(2, 5, 1, 5)),
            Err(SequenceError::StaleEpoch { current: 3, .. })
        ));
    }

    #[test]
    fn a_producer_that_is_silent_or_never_got_through_is_forgotten() {
        let mut producers = wrote(&[batch(0, 0, 3, 0)]);
        producers.expire(0);
        assert_eq!(producers.iter().count(), 1);
        producers.expire(1);
        assert_eq!(producers.iter().count(), 0);
        let mut producers = wrote(&[batch(0, 0, 3, 0)]);
        producers.rollback_to(Offset(0));
        producers.expire(0);
        assert_eq!(producers.iter().count(), 0);
    }

    #[test]
    fn an_unknown_producer_may_start_anywhere() {
        assert_eq!(Producers::default().check(&batch(0, 42, 1, 0)), Ok(SequenceCheck::Append));
    }
}
