//! A batch with its place in the log.

use super::crc::shift;
use super::error::BatchError;
use super::header::BatchHeader;
use bytes::Bytes;

/// A batch as the log keeps it: a header of its own, patched, and the rest of the producer's bytes,
/// shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// The patched header.
    pub header: [u8; BatchHeader::LEN],
    /// The records, as they came.
    pub body: Bytes,
}

impl StoredBatch {
    /// Size of the whole batch in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.header.len() + self.body.len()
    }

    /// Whether there are no bytes: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The patched header, parsed.
    ///
    /// # Errors
    /// Only if `header` was not made by [`RecordBatch::stored`](super::RecordBatch::stored).
    pub fn parse_header(&self) -> Result<BatchHeader, BatchError> {
        BatchHeader::parse(&self.header)
    }

    /// The batch in one piece. Copies: for tests and tools.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        [&self.header, &self.body[..]].concat().into()
    }
}

/// Up to here, in bytes, a pass over the records is the quicker way to their checksum.
const SHIFT_FROM: usize = 4 * 1024;

/// Gives `changed` its checksum. `checked` is the header that `body` came with, its checksum known
/// to be right: so a large body need not be read again.
pub(super) fn reseal(checked: &BatchHeader, changed: BatchHeader, body: &[u8]) -> BatchHeader {
    let head = |header: &BatchHeader| crc32c::crc32c(&header.to_bytes()[BatchHeader::CRC_START..]);
    let crc = if body.len() < SHIFT_FROM {
        crc32c::crc32c_append(head(&changed), body)
    } else {
        checked.crc ^ shift(head(&changed) ^ head(checked), body.len())
    };
    BatchHeader { crc, ..changed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn resealing_is_the_checksum_of_all(len in 0..3 * SHIFT_FROM, max_timestamp: i64, attributes: i16) {
            let body: Vec<u8> = (0..len).map(|i| (i * 31 / 8) as u8).collect();
            let mut bytes = vec![0; BatchHeader::LEN];
            bytes[16] = 2;
            bytes[8..12].copy_from_slice(&(len as i32 + 49).to_be_bytes());
            let mut checked = BatchHeader::parse(&bytes).unwrap();
            bytes.extend_from_slice(&body);
            checked.crc = crc32c::crc32c(&bytes[21..]);
            let changed = reseal(&checked, BatchHeader { max_timestamp, attributes, ..checked }, &body);
            bytes[..61].copy_from_slice(&changed.to_bytes());
            prop_assert_eq!(changed.crc, crc32c::crc32c(&bytes[21..]));
        }
    }
}
