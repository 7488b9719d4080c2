//! A bounded, zero-copy cursor over one frame.

use bytes::Bytes;
use uuid::Uuid;

use super::DecodeError;
use crate::kafka::primitives::{Str, varint};

/// The longest string of the protocol; longer ones do not fit the two-byte length of the older
/// versions.
const MAX_STRING_BYTES: usize = i16::MAX as usize;

/// Decoded memory allowed for any frame, however small.
const BUDGET_BASE: usize = 64 << 10;
/// Decoded bytes allowed for each byte of the frame, up to [`BUDGET_FULL_RATIO_BYTES`]. A
/// one-letter topic name takes 2 bytes on the wire and 32 as a [`Str`], so honest frames stay below
/// 20.
const BUDGET_RATIO: usize = 32;
/// Frames larger than this are large because of records, which are not copied: what is beyond
/// counts less.
const BUDGET_FULL_RATIO_BYTES: usize = 1 << 20;
/// Decoded bytes allowed for each byte of the frame beyond [`BUDGET_FULL_RATIO_BYTES`].
const BUDGET_TAIL_RATIO: usize = 8;

/// Reads one frame from front to back.
///
/// Strings, byte sequences and records are slices of the frame (they keep the whole frame alive:
/// use [`Str::detach`] for what outlives the request). Arrays are paid from a budget that follows
/// from the length of the frame, before they are allocated.
#[derive(Debug)]
pub struct Reader {
    frame: Bytes,
    position: usize,
    /// The end of what may be read: the end of the frame, or of the tagged field that is being
    /// read.
    limit: usize,
    budget: usize,
}

impl Reader {
    /// A reader at the start of `frame`.
    pub fn new(frame: Bytes) -> Self {
        let (limit, budget) = (frame.len(), Self::budget_for(frame.len()));
        Self { frame, position: 0, limit, budget }
    }

    /// The decoded memory in bytes, without the frame itself, that a frame of `frame_bytes` may
    /// take.
    pub fn budget_for(frame_bytes: usize) -> usize {
        let full = frame_bytes.min(BUDGET_FULL_RATIO_BYTES);
        let tail = frame_bytes - full;
        BUDGET_BASE
            .saturating_add(full * BUDGET_RATIO)
            .saturating_add(tail.saturating_mul(BUDGET_TAIL_RATIO))
    }

    /// The memory in bytes that may still be taken.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// The number of bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.limit - self.position
    }

    /// Checks that the whole frame was read.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }

    /// Pays for an array of `count` elements of `element_bytes` each in memory and at least
    /// `min_wire_bytes` on the wire. After this the array may be allocated.
    pub(crate) fn charge(
        &mut self,
        count: usize,
        element_bytes: usize,
        min_wire_bytes: usize,
    ) -> Result<(), DecodeError> {
        // Elements without any byte would make the count a free choice of the sender.
        self.require(count.saturating_mul(min_wire_bytes.max(1)))?;
        self.pay(count.saturating_mul(element_bytes))
    }

    /// Takes `needed` bytes from the budget.
    fn pay(&mut self, needed: usize) -> Result<(), DecodeError> {
        let budget = self.budget;
        self.budget =
            budget.checked_sub(needed).ok_or(DecodeError::BudgetExceeded { needed, budget })?;
        Ok(())
    }

    fn require(&self, needed: usize) -> Result<(), DecodeError> {
        let remaining = self.remaining();
        if needed > remaining { Err(DecodeError::Truncated { needed, remaining }) } else { Ok(()) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let rest = &self.frame[self.position..self.limit];
        let Some(bytes) = rest.first_chunk::<N>() else {
            return Err(DecodeError::Truncated { needed: N, remaining: rest.len() });
        };
        self.position += N;
        Ok(*bytes)
    }

    /// Reads a boolean; every byte but zero is true, as in Kafka.
    pub fn bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.i8()? != 0)
    }

    /// Reads one byte.
    pub fn i8(&mut self) -> Result<i8, DecodeError> {
        self.array().map(i8::from_be_bytes)
    }

    /// Reads two bytes, big endian.
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    /// Reads two bytes without a sign, big endian.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    /// Reads four bytes, big endian.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    /// Reads eight bytes, big endian.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    /// Reads a floating-point number of eight bytes, big endian.
    pub fn f64(&mut self) -> Result<f64, DecodeError> {
        self.array().map(f64::from_be_bytes)
    }

    /// Reads the sixteen bytes of a UUID.
    pub fn uuid(&mut self) -> Result<Uuid, DecodeError> {
        self.array().map(Uuid::from_bytes)
    }

    /// Reads an unsigned variable-length integer of at most 32 bits.
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let (value, read) = varint::read_u32(&self.frame[self.position..self.limit])?;
        self.position += read;
        Ok(value)
    }

    /// Takes the next `length` bytes as a slice of the frame.
    pub fn take(&mut self, length: usize) -> Result<Bytes, DecodeError> {
        self.require(length)?;
        let start = self.position;
        self.position += length;
        Ok(self.frame.slice(start..self.position))
    }

    /// Reads a nullable string: two-byte length, or length plus one as a varint when `flexible`.
    /// What is not UTF-8 becomes U+FFFD, as in Kafka, in a copy that the budget pays for.
    pub fn string(&mut self, flexible: bool) -> Result<Option<Str>, DecodeError> {
        let length =
            if flexible { self.compact_length()? } else { plain_length(self.i16()?.into())? };
        let Some(length) = length else { return Ok(None) };
        if length > MAX_STRING_BYTES {
            return Err(DecodeError::StringTooLong(length));
        }
        match Str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(Some(text)),
            Err(bytes) => {
                self.pay(Str::max_lossy_bytes(length))?;
                Ok(Some(Str::from_utf8_lossy(&bytes)))
            }
        }
    }

    /// Reads a nullable byte sequence.
    pub fn bytes(&mut self, flexible: bool) -> Result<Option<Bytes>, DecodeError> {
        match self.length(flexible)? {
            Some(length) => self.take(length).map(Some),
            None => Ok(None),
        }
    }

    /// Reads the length of a byte sequence or the number of elements of an array; `None` stands for
    /// null.
    pub fn length(&mut self, flexible: bool) -> Result<Option<usize>, DecodeError> {
        if flexible { self.compact_length() } else { plain_length(self.i32()?) }
    }

    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.unsigned_varint()?.checked_sub(1).map(|length| length as usize))
    }

    /// Reads a section of tagged fields. `read` gets each tag and says whether it knows it; fields
    /// it does not know are skipped.
    pub fn tagged_fields(
        &mut self,
        mut read: impl FnMut(&mut Self, u32) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let size = self.unsigned_varint()? as usize;
            self.require(size)?;
            let (outer, end) = (self.limit, self.position + size);
            self.limit = end;
            if read(self, tag)? && self.position != end {
                return Err(DecodeError::TagSizeMismatch { tag, unread: self.remaining() });
            }
            self.position = end;
            self.limit = outer;
        }
        Ok(())
    }
}

fn plain_length(length: i32) -> Result<Option<usize>, DecodeError> {
    match length {
        -1 => Ok(None),
        length => {
            usize::try_from(length).map(Some).map_err(|_| DecodeError::NegativeLength(length))
        }
    }
}
