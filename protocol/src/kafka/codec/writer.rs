//! Collects an encoded message as segments for one vectored write.

use bytes::{BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::EncodeError;
use crate::kafka::primitives::{Records, varint};

/// Writes a message.
///
/// Everything small goes into one buffer. Records are kept beside it, with the place in the buffer
/// where they belong, and are woven in by [`Writer::into_segments`]: they are never copied.
#[derive(Debug, Default)]
pub struct Writer {
    buffer: BytesMut,
    /// Record bytes, each with the offset in `buffer` in front of which it goes; offsets never
    /// decrease.
    inserts: Vec<(usize, Bytes)>,
    inserted_bytes: usize,
}

impl Writer {
    /// An empty writer.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes written so far, records included.
    pub fn len(&self) -> usize {
        self.buffer.len() + self.inserted_bytes
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that was written, in order. Only slices and record segments: no byte is copied here.
    pub fn into_segments(self) -> Vec<Bytes> {
        let buffer = self.buffer.freeze();
        let mut segments = Vec::with_capacity(2 * self.inserts.len() + 1);
        let mut start = 0;
        for (offset, records) in self.inserts {
            if offset > start {
                segments.push(buffer.slice(start..offset));
                start = offset;
            }
            segments.push(records);
        }
        if start < buffer.len() {
            segments.push(buffer.slice(start..));
        }
        segments
    }

    /// Writes a boolean as one byte.
    pub fn bool(&mut self, value: bool) {
        self.buffer.put_u8(value.into());
    }

    /// Writes one byte.
    pub fn i8(&mut self, value: i8) {
        self.buffer.put_i8(value);
    }

    /// Writes two bytes, big endian.
    pub fn i16(&mut self, value: i16) {
        self.buffer.put_i16(value);
    }

    /// Writes two bytes without a sign, big endian.
    pub fn u16(&mut self, value: u16) {
        self.buffer.put_u16(value);
    }

    /// Writes four bytes, big endian.
    pub fn i32(&mut self, value: i32) {
        self.buffer.put_i32(value);
    }

    /// Writes eight bytes, big endian.
    pub fn i64(&mut self, value: i64) {
        self.buffer.put_i64(value);
    }

    /// Writes a floating-point number as eight bytes, big endian.
    pub fn f64(&mut self, value: f64) {
        self.buffer.put_f64(value);
    }

    /// Writes the sixteen bytes of a UUID.
    pub fn uuid(&mut self, value: Uuid) {
        self.buffer.put_slice(value.as_bytes());
    }

    /// Writes an unsigned variable-length integer.
    pub fn unsigned_varint(&mut self, value: u32) {
        self.buffer.put_slice(varint::u32_bytes(value).as_slice());
    }

    /// Writes a nullable string.
    pub fn string(&mut self, value: Option<&str>, flexible: bool) -> Result<(), EncodeError> {
        let length = value
            .map(|text| i16::try_from(text.len()).map_err(|_| EncodeError::TooLong(text.len())));
        let length = length.transpose()?;
        match (flexible, length) {
            (true, length) => self.compact_length(length.map(i32::from)),
            (false, length) => self.i16(length.unwrap_or(-1)),
        }
        self.buffer.put_slice(value.unwrap_or_default().as_bytes());
        Ok(())
    }

    /// Writes a nullable byte sequence, copying it.
    pub fn bytes(&mut self, value: Option<&[u8]>, flexible: bool) -> Result<(), EncodeError> {
        self.length(value.map(<[u8]>::len), flexible)?;
        self.buffer.put_slice(value.unwrap_or_default());
        Ok(())
    }

    /// Writes nullable records, without copying them.
    pub fn records(&mut self, value: Option<&Records>, flexible: bool) -> Result<(), EncodeError> {
        self.length(value.map(Records::len), flexible)?;
        for segment in
            value.map_or(&[][..], Records::segments).iter().filter(|segment| !segment.is_empty())
        {
            self.inserted_bytes += segment.len();
            self.inserts.push((self.buffer.len(), segment.clone()));
        }
        Ok(())
    }

    /// Writes the length of a byte sequence or the number of elements of an array; `None` stands
    /// for null.
    pub fn length(&mut self, length: Option<usize>, flexible: bool) -> Result<(), EncodeError> {
        let length =
            length.map(|n| i32::try_from(n).map_err(|_| EncodeError::TooLong(n))).transpose()?;
        if flexible {
            self.compact_length(length)
        } else {
            self.i32(length.unwrap_or(-1))
        }
        Ok(())
    }

    /// A length plus one, so that zero stands for null.
    fn compact_length(&mut self, length: Option<i32>) {
        self.unsigned_varint(length.map_or(0, |length| length.unsigned_abs() + 1));
    }

    /// Writes one tagged field: its tag, its size in bytes, and what `write` writes.
    pub fn tagged_field(
        &mut self,
        tag: u32,
        write: impl FnOnce(&mut Self) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.unsigned_varint(tag);
        let (start, before) = (self.buffer.len(), self.len());
        let first_insert = self.inserts.len();
        write(self)?;
        let size = self.len() - before;
        let prefix =
            varint::u32_bytes(u32::try_from(size).map_err(|_| EncodeError::TooLong(size))?);
        // The size goes in front of bytes that are already written: append it and rotate it there.
        self.buffer.put_slice(prefix.as_slice());
        self.buffer[start..].rotate_right(prefix.as_slice().len());
        for (offset, _) in &mut self.inserts[first_insert..] {
            *offset += prefix.as_slice().len();
        }
        Ok(())
    }

    /// Overwrites the four bytes at `offset`, which must have been written as small data before any
    /// records.
    pub(crate) fn patch_i32(&mut self, offset: usize, value: i32) {
        self.buffer[offset..offset + 4].copy_from_slice(&value.to_be_bytes());
    }
}
