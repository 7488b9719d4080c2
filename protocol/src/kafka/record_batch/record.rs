//! Single records inside a batch.

use super::error::{BatchError, FormatError};
use super::header::{BatchHeader, TimestampType};
use super::varint::Cursor;
use crate::state::ids::Offset;
use bytes::Bytes;

/// A header of a record: a key, which is text and may occur several times, and a value.
pub type RecordHeader = (Bytes, Option<Bytes>);

/// A record. Key, value and headers share the bytes that they were read from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Offset relative to the batch's base offset.
    pub offset_delta: i32,
    /// Milliseconds relative to the batch's base timestamp.
    pub timestamp_delta: i64,
    /// What the record is about; none is not the same as empty.
    pub key: Option<Bytes>,
    /// The content; none is a tombstone.
    pub value: Option<Bytes>,
    /// The headers in their order, repeated keys included.
    pub headers: Vec<RecordHeader>,
}

impl Record {
    /// The record's offset in the partition.
    #[must_use]
    pub fn offset(&self, batch: &BatchHeader) -> Offset {
        offset(batch, self.offset_delta)
    }

    /// The record's timestamp, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp(&self, batch: &BatchHeader) -> i64 {
        timestamp(batch, self.timestamp_delta)
    }
}

/// The sums below wrap: a batch may lie about its numbers, but may not stop the broker.
pub(super) fn offset(batch: &BatchHeader, delta: i32) -> Offset {
    Offset(batch.base_offset.0.wrapping_add(i64::from(delta)))
}

pub(super) fn timestamp(batch: &BatchHeader, delta: i64) -> i64 {
    match batch.timestamp_type() {
        TimestampType::CreateTime => batch.base_timestamp.wrapping_add(delta),
        TimestampType::LogAppendTime => batch.max_timestamp,
    }
}

/// A record in place, its form checked.
pub(super) struct RecordView<'a> {
    pub(super) offset_delta: i32,
    pub(super) timestamp_delta: i64,
    pub(super) key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    header_count: i32,
    headers: &'a [u8],
}

impl<'a> RecordView<'a> {
    /// Takes the record at the front.
    #[inline]
    fn parse(records: &mut Cursor<'a>) -> Result<Self, FormatError> {
        let length = usize::try_from(records.varint()?).map_err(|_| FormatError::Length)?;
        let mut record = Cursor::new(records.bytes(length)?);
        // The record's attributes: unused.
        record.byte()?;
        let timestamp_delta = record.varlong()?;
        let offset_delta = record.varint()?;
        let key = record.nullable_bytes()?;
        let value = record.nullable_bytes()?;
        let header_count = record.varint()?;
        let headers = record.bytes(record.remaining())?;
        let view = Self { offset_delta, timestamp_delta, key, value, header_count, headers };
        view.check_headers()?;
        Ok(view)
    }

    #[inline]
    fn check_headers(&self) -> Result<(), FormatError> {
        if usize::try_from(self.header_count).map_or(true, |count| count > self.headers.len()) {
            return Err(FormatError::HeaderCount);
        }
        let mut headers = Cursor::new(self.headers);
        for _ in 0..self.header_count {
            next_header(&mut headers)?;
        }
        if headers.remaining() == 0 { Ok(()) } else { Err(FormatError::Trailing) }
    }

    /// The record with shares of `source`, which it was parsed from.
    fn to_record(&self, source: &Bytes) -> Record {
        let share = |part: &[u8]| source.slice_ref(part);
        let mut headers = Cursor::new(self.headers);
        Record {
            offset_delta: self.offset_delta,
            timestamp_delta: self.timestamp_delta,
            key: self.key.map(share),
            value: self.value.map(share),
            headers: std::iter::from_fn(|| next_header(&mut headers).ok())
                .map(|(key, value)| (share(key), value.map(share)))
                .collect(),
        }
    }
}

fn next_header<'a>(headers: &mut Cursor<'a>) -> Result<(&'a [u8], Option<&'a [u8]>), FormatError> {
    let key = headers.nullable_bytes()?.ok_or(FormatError::HeaderKey)?;
    Ok((key, headers.nullable_bytes()?))
}

/// Visits `count` records, and checks that they have their form and fill the bytes.
pub(super) fn walk(
    records: &[u8],
    count: i32,
    mut visit: impl FnMut(i32, &RecordView<'_>) -> Result<(), BatchError>,
) -> Result<(), BatchError> {
    let mut cursor = Cursor::new(records);
    for index in 0..count {
        let record =
            RecordView::parse(&mut cursor).map_err(|error| BatchError::Record { index, error })?;
        visit(index, &record)?;
    }
    match cursor.remaining() {
        0 => Ok(()),
        trailing => Err(BatchError::TrailingBytes(trailing)),
    }
}

/// The records of a batch, ending after the first error.
#[derive(Clone, Debug)]
pub struct RecordIter {
    rest: Bytes,
    index: i32,
    count: i32,
}

impl RecordIter {
    pub(super) fn new(records: Bytes, count: i32) -> Self {
        Self { rest: records, index: 0, count }
    }
}

impl Iterator for RecordIter {
    type Item = Result<Record, BatchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        if index >= self.count {
            let trailing = std::mem::take(&mut self.rest).len();
            return (trailing > 0).then_some(Err(BatchError::TrailingBytes(trailing)));
        }
        let mut cursor = Cursor::new(&self.rest);
        match RecordView::parse(&mut cursor) {
            Ok(view) => {
                let record = view.to_record(&self.rest);
                let consumed = self.rest.len() - cursor.remaining();
                self.rest = self.rest.slice(consumed..);
                self.index += 1;
                Some(Ok(record))
            }
            Err(error) => {
                self.rest = Bytes::new();
                self.index = self.count;
                Some(Err(BatchError::Record { index, error }))
            }
        }
    }
}
