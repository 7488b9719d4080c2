//! A batch and its span in the log, from its header.

use barnabas_protocol::kafka::record_batch::{BatchHeader, StoredBatch};
use barnabas_protocol::state::ids::Offset;

/// Not a record batch, or not one with offsets.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::log) struct Malformed;

/// Where a batch lies, and what its chunk counts of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::log) struct BatchSpan {
    pub(in crate::log) first: Offset,
    pub(in crate::log) last: Offset,
    pub(in crate::log) max_timestamp: i64,
    pub(in crate::log) bytes: usize,
}

impl BatchSpan {
    /// From a header, and the size that the batch really has.
    pub(in crate::log) fn new(header: &BatchHeader, bytes: usize) -> Result<Self, Malformed> {
        let last = header.base_offset.0.checked_add(i64::from(header.last_offset_delta));
        let (first, last) = (header.base_offset, last.map(Offset).ok_or(Malformed)?);
        if first.0 < 0 || last < first || header.size() != Some(bytes) {
            return Err(Malformed);
        }
        Ok(Self { first, last, max_timestamp: header.max_timestamp, bytes })
    }

    /// From the bytes of a batch, of which only the header is looked at.
    pub(in crate::log) fn of(batch: &[u8]) -> Result<Self, Malformed> {
        let header = BatchHeader::parse(batch).map_err(|_| Malformed)?;
        Self::new(&header, batch.len())
    }
}

/// A batch and its span.
pub(in crate::log) struct SpannedBatch {
    pub(in crate::log) batch: StoredBatch,
    pub(in crate::log) span: BatchSpan,
}

impl SpannedBatch {
    pub(in crate::log) fn new(batch: StoredBatch) -> Result<Self, Malformed> {
        let header = batch.parse_header().map_err(|_| Malformed)?;
        Ok(Self { span: BatchSpan::new(&header, batch.len())?, batch })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::common::{batch, whole};

    #[test]
    fn a_place_is_what_the_header_says() {
        let span = BatchSpan::of(&whole(&batch(7, 3, 10, 0))).unwrap();
        assert_eq!((span.first, span.last, span.bytes), (Offset(7), Offset(9), 71));
    }

    #[test]
    fn rejects() {
        let rejected = |bytes: &[u8]| BatchSpan::of(bytes).map(|_| ()) == Err(Malformed);
        let good = whole(&batch(7, 3, 10, 0));
        assert!(rejected(&good[..60]), "too short for a header");
        assert!(rejected(&good[..70]), "another length than it says");
        assert!(rejected(&whole(&batch(-7, 3, 10, 0))), "a negative offset");
        assert!(rejected(&whole(&batch(i64::MAX, 3, 10, 0))), "an offset beyond all");
        assert!(rejected(&whole(&batch(7, 0, 10, 0))), "ends before it begins");
    }
}
