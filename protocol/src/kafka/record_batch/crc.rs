//! What a change at the front of a long message does to its CRC-32C, without reading the message.
//!
//! CRCs are linear: the difference of two checksums depends on the difference of the messages
//! alone. Bytes that follow a difference shift it, which is a multiplication by a power of x modulo
//! the CRC's polynomial. The `crc32c` crate can do the same, but takes as long as for reading some
//! hundred kilobytes.

/// Castagnoli's polynomial with its bits reversed, as CRC-32C has them: the highest bit stands for
/// 1, the next for x.
const POLYNOMIAL: u32 = 0x82f6_3b78;
const ONE: u32 = 1 << 31;

/// `x^8`, squared again and again: entry k shifts by `2^k` bytes.
const SHIFTS: [u32; usize::BITS as usize] = {
    let mut shifts = [1 << 23; usize::BITS as usize];
    let mut k = 1;
    while k < shifts.len() {
        shifts[k] = multiply(shifts[k - 1], shifts[k - 1]);
        k += 1;
    }
    shifts
};

/// The product of two polynomials, modulo the CRC's.
const fn multiply(a: u32, mut b: u32) -> u32 {
    let mut product = 0;
    let mut bit = 0;
    while bit < u32::BITS {
        // Masks instead of branches: the bits are random.
        product ^= b & ((a >> (31 - bit)) & 1).wrapping_neg();
        b = (b >> 1) ^ (POLYNOMIAL & (b & 1).wrapping_neg());
        bit += 1;
    }
    product
}

/// What the difference of two checksums becomes when `len` equal bytes follow.
pub(super) fn shift(difference: u32, len: usize) -> u32 {
    let mut power = ONE;
    for (k, by) in SHIFTS.iter().enumerate() {
        if len >> k & 1 == 1 {
            power = multiply(power, *by);
        }
    }
    multiply(power, difference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn shifts_as_the_checksum_does(a: [u8; 40], b: [u8; 40], len in 0..100_000usize, byte: u8) {
            let tail = vec![byte; len];
            let crc = |head| crc32c::crc32c_append(crc32c::crc32c(head), &tail);
            let difference = crc32c::crc32c(&a) ^ crc32c::crc32c(&b);
            prop_assert_eq!(crc(&a), crc(&b) ^ shift(difference, len));
        }
    }
}
