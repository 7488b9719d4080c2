//! Variable-length integers: seven bits a byte, lowest first; signed values in zigzag order.
//!
//! Overlong encodings within the length of the type are accepted, as Kafka does; bits that do not
//! fit are an error.

use crate::kafka::codec::DecodeError;

/// The longest encodings in bytes.
const MAX_U32: usize = 5;
const MAX_U64: usize = 10;

/// Reads an unsigned 32-bit integer from the start of `bytes`; returns it and the number of bytes
/// it took.
pub fn read_u32(bytes: &[u8]) -> Result<(u32, usize), DecodeError> {
    let (value, read) = read(bytes, MAX_U32)?;
    Ok((u32::try_from(value).map_err(|_| DecodeError::VarintOverflow)?, read))
}

/// Reads a zigzag 32-bit integer (`VARINT`); returns it and the number of bytes it took.
pub fn read_i32(bytes: &[u8]) -> Result<(i32, usize), DecodeError> {
    let (value, read) = read_u32(bytes)?;
    Ok(((value >> 1).cast_signed() ^ -(value & 1).cast_signed(), read))
}

/// Reads a zigzag 64-bit integer (`VARLONG`); returns it and the number of bytes it took.
pub fn read_i64(bytes: &[u8]) -> Result<(i64, usize), DecodeError> {
    let (value, read) = read(bytes, MAX_U64)?;
    Ok(((value >> 1).cast_signed() ^ -(value & 1).cast_signed(), read))
}

fn read(bytes: &[u8], max: usize) -> Result<(u64, usize), DecodeError> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(max).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shifted = bits << (7 * index);
        if shifted >> (7 * index) != bits {
            return Err(DecodeError::VarintOverflow);
        }
        value |= shifted;
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    match bytes.len() {
        remaining if remaining < max => {
            Err(DecodeError::Truncated { needed: remaining + 1, remaining })
        }
        _ => Err(DecodeError::VarintOverflow),
    }
}

/// An encoded integer of up to 64 bits, on the stack.
#[derive(Debug, Clone, Copy)]
pub struct VarintBytes {
    bytes: [u8; MAX_U64],
    length: usize,
}

impl VarintBytes {
    /// The encoded bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Encodes an unsigned 32-bit integer.
pub fn u32_bytes(value: u32) -> VarintBytes {
    encode(value.into())
}

/// Encodes a zigzag 32-bit integer (`VARINT`).
pub fn i32_bytes(value: i32) -> VarintBytes {
    u32_bytes(((value << 1) ^ (value >> 31)).cast_unsigned())
}

/// Encodes a zigzag 64-bit integer (`VARLONG`).
pub fn i64_bytes(value: i64) -> VarintBytes {
    encode(((value << 1) ^ (value >> 63)).cast_unsigned())
}

fn encode(mut value: u64) -> VarintBytes {
    let mut encoded = VarintBytes { bytes: [0; MAX_U64], length: 0 };
    loop {
        let low = value.to_le_bytes()[0];
        value >>= 7;
        let more = if value == 0 { 0 } else { 0x80 };
        encoded.bytes[encoded.length] = (low & 0x7f) | more;
        encoded.length += 1;
        if more == 0 {
            return encoded;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_encodings() {
        for (value, bytes) in [(0, &[0][..]), (127, &[0x7f]), (128, &[0x80, 1]), (300, &[0xac, 2])]
        {
            assert_eq!(u32_bytes(value).as_slice(), bytes);
        }
        assert_eq!(u32_bytes(u32::MAX).as_slice(), [0xff, 0xff, 0xff, 0xff, 0x0f]);
        assert_eq!(i32_bytes(-1).as_slice(), [1]);
        assert_eq!(i64_bytes(i64::MIN).as_slice().len(), 10);
    }

    #[test]
    fn overflow_and_truncation_are_told_apart() {
        assert_eq!(read_u32(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(DecodeError::VarintOverflow));
        assert_eq!(read_u32(&[0x80, 0x80, 0x80, 0x80, 0x80, 0]), Err(DecodeError::VarintOverflow));
        assert_eq!(read_i64(&[0xff; 10]), Err(DecodeError::VarintOverflow));
        assert_eq!(read_u32(&[0x80]), Err(DecodeError::Truncated { needed: 2, remaining: 1 }));
        assert_eq!(read_u32(&[]), Err(DecodeError::Truncated { needed: 1, remaining: 0 }));
        assert_eq!(read_u32(&[0x80, 0]), Ok((0, 2)));
    }

    proptest! {
        #[test]
        fn round_trips(unsigned: u32, int: i32, long: i64) {
            prop_assert_eq!(read_u32(u32_bytes(unsigned).as_slice()).map(|r| r.0), Ok(unsigned));
            prop_assert_eq!(read_i32(i32_bytes(int).as_slice()).map(|r| r.0), Ok(int));
            prop_assert_eq!(read_i64(i64_bytes(long).as_slice()).map(|r| r.0), Ok(long));
        }

        #[test]
        fn reads_any_bytes(bytes: Vec<u8>) {
            for read in [read_u32(&bytes).map(|r| r.1), read_i64(&bytes).map(|r| r.1)].into_iter().flatten() {
                prop_assert!(read <= bytes.len());
            }
        }
    }
}
