//! The variable-length integers inside records: zigzag, seven bits a byte, least significant first.

use super::error::FormatError;

/// Takes bytes off the front of a slice; every step checks what is left.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, FormatError> {
        let (&first, rest) = self.rest.split_first().ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub(super) fn bytes(&mut self, len: usize) -> Result<&'a [u8], FormatError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(FormatError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<i32, FormatError> {
        i32::try_from(self.varlong()?).map_err(|_| FormatError::Varint)
    }

    #[inline]
    pub(super) fn varlong(&mut self) -> Result<i64, FormatError> {
        // Nearly all numbers in a record take one byte or two.
        let raw = match *self.rest {
            [first, ref rest @ ..] if first < 0x80 => {
                self.rest = rest;
                u64::from(first)
            }
            [first, second, ref rest @ ..] if second < 0x80 => {
                self.rest = rest;
                u64::from(first & 0x7f) | u64::from(second) << 7
            }
            _ => self.long_varlong()?,
        };
        Ok((raw >> 1) as i64 ^ -((raw & 1) as i64))
    }

    #[cold]
    fn long_varlong(&mut self) -> Result<u64, FormatError> {
        let mut raw = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return Err(FormatError::Varint);
            }
            raw |= bits << shift;
            if byte < 0x80 {
                return Ok(raw);
            }
        }
        Err(FormatError::Varint)
    }

    /// Bytes after their length; none for a negative one.
    #[inline]
    pub(super) fn nullable_bytes(&mut self) -> Result<Option<&'a [u8]>, FormatError> {
        usize::try_from(self.varint()?).ok().map(|len| self.bytes(len)).transpose()
    }
}

/// Appends a number as [`Cursor::varlong`] reads it.
pub(super) fn put_varlong(out: &mut Vec<u8>, value: i64) {
    let mut raw = (value << 1) as u64 ^ (value >> 63) as u64;
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

/// Appends bytes after their length, or the length -1.
pub(super) fn put_nullable_bytes(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varlong(out, -1),
        Some(bytes) => {
            put_varlong(out, bytes.len() as i64);
            out.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip(value: i64) {
            let mut bytes = Vec::new();
            put_varlong(&mut bytes, value);
            let mut cursor = Cursor::new(&bytes);
            prop_assert_eq!(cursor.varlong(), Ok(value));
            prop_assert_eq!(cursor.remaining(), 0);
            let narrow = Cursor::new(&bytes).varint();
            prop_assert_eq!(narrow.ok(), i32::try_from(value).ok());
        }
    }

    #[test]
    fn too_long_is_refused() {
        assert_eq!(Cursor::new(&[0xff; 11]).varlong(), Err(FormatError::Varint));
        assert_eq!(Cursor::new(&[0x80; 9]).varlong(), Err(FormatError::Truncated));
        let mut ten = [0x80; 10];
        ten[9] = 2;
        assert_eq!(Cursor::new(&ten).varlong(), Err(FormatError::Varint));
    }
}
