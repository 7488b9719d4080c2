//! A cheap-to-clone UTF-8 string over shared bytes.
#![allow(unsafe_code)]

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

use bytes::Bytes;

/// A string of the protocol: a slice of the frame it came from, cloned by counting references.
///
/// A decoded `Str` keeps its whole frame in memory; [`Str::detach`] what is kept beyond the
/// request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Str(Bytes);

impl Str {
    /// Takes `bytes` as a string if they are UTF-8; otherwise gives them back.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, Bytes> {
        if std::str::from_utf8(&bytes).is_ok() { Ok(Self(bytes)) } else { Err(bytes) }
    }

    /// A copy of `bytes` with U+FFFD in the place of what is not UTF-8, exactly as Java's `new
    /// String(bytes, UTF_8)` makes it, by which Kafka reads strings: like Rust, one U+FFFD for each
    /// sequence that could have begun a character; but surrogates, which Rust takes for three wrong
    /// bytes, are one sequence in Java.
    pub fn from_utf8_lossy(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(Self::max_lossy_bytes(bytes.len()));
        let mut rest = bytes;
        while let Some(chunk) = rest.utf8_chunks().next() {
            text.push_str(chunk.valid());
            rest = &rest[chunk.valid().len()..];
            let invalid = surrogate_length(rest).unwrap_or_else(|| chunk.invalid().len());
            if invalid > 0 {
                text.push(char::REPLACEMENT_CHARACTER);
                rest = &rest[invalid..];
            }
        }
        text.into()
    }

    /// The longest text, in bytes, that [`Str::from_utf8_lossy`] makes of `length` bytes.
    pub(crate) const fn max_lossy_bytes(length: usize) -> usize {
        length * char::REPLACEMENT_CHARACTER.len_utf8()
    }

    /// A string that needs no memory of its own.
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        // SAFETY: every constructor takes valid UTF-8, and `Bytes` are immutable.
        unsafe { std::str::from_utf8_unchecked(&self.0) }
    }

    /// The bytes of the text, shared.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// A copy with memory of its own, which does not hold on to the frame this string came from.
    pub fn detach(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }
}

/// The bytes of the surrogate at the start of `bytes`, which may be cut off after the second of
/// three; none if there is no surrogate.
fn surrogate_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0xed, 0xa0..=0xbf, 0x80..=0xbf, ..] => Some(3),
        [0xed, 0xa0..=0xbf, ..] => Some(2),
        _ => None,
    }
}

impl Deref for Str {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Str {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for Str {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Str> for String {
    fn from(text: Str) -> Self {
        text.as_str().to_owned()
    }
}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

// Order and hash as `str` does, which `Borrow` promises.
impl Ord for Str {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other)
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn valid_text_is_shared() {
        let valid = Bytes::from_static("groß".as_bytes());
        let text = Str::from_utf8(valid.clone()).unwrap();
        assert_eq!(text.as_ptr(), valid.as_ptr());
        let invalid = Bytes::from_static(b"caf\xc3");
        assert_eq!(Str::from_utf8(invalid.clone()), Err(invalid));
    }

    #[test]
    fn the_rest_is_replaced() {
        for (bytes, text) in [
            (&b"B\xfcro-PC"[..], "B\u{fffd}ro-PC"),
            (b"\xed\xa0\xbf\xed\xb0\x80", "\u{fffd}\u{fffd}"),
            (b"\xed\xa0A\xed\xb0", "\u{fffd}A\u{fffd}"),
            (b"\xe2\x82 \xf0\x90\x80", "\u{fffd} \u{fffd}"),
            (b"\xc0\x80", "\u{fffd}\u{fffd}"),
            ("größer".as_bytes(), "größer"),
        ] {
            assert_eq!(Str::from_utf8_lossy(bytes), text);
        }
    }

    /// Every sequence of up to four of these bytes, which stand for all that a decoder tells apart,
    /// against the hashes of what Java 17 makes of them: FNV-1a, fed 0x100 after each text.
    #[test]
    fn replaces_as_java_does() {
        const BYTES: &[u8] =
            b"A\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xf7\xf8\xff";
        for (length, expected) in [
            (1, 0xdf61_8545_f4cb_65f4),
            (2, 0xa70e_1a81_e4fd_e195),
            (3, 0x0893_6a79_0167_21c4),
            (4, 0xb539_1195_7426_ecc7),
        ] {
            let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
            for number in 0..BYTES.len().pow(length) {
                let digit = |at| BYTES[number / BYTES.len().pow(at) % BYTES.len()];
                let bytes: Vec<u8> = (0..length).rev().map(digit).collect();
                let text = Str::from_utf8_lossy(&bytes);
                for value in text.bytes().map(u64::from).chain([0x100]) {
                    hash = (hash ^ value).wrapping_mul(0x0100_0000_01b3);
                }
            }
            assert_eq!(hash, expected, "{length} bytes");
        }
    }

    #[test]
    fn is_found_by_str_in_a_map() {
        let map = HashMap::from([(Str::from("topic"), 1)]);
        assert_eq!(map.get("topic"), Some(&1));
    }

    #[test]
    fn detached_text_is_equal_but_elsewhere() {
        let text = Str::from_utf8(Bytes::from_static(b"frame with topic").slice(11..)).unwrap();
        assert_eq!(text.detach(), text);
        assert_ne!(text.detach().as_ptr(), text.as_ptr());
    }
}
