//! A cheap-to-clone UTF-8 string over shared bytes.
#![allow(unsafe_code)]

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::str::Utf8Error;

use bytes::Bytes;

/// A string of the protocol: a slice of the frame it came from, cloned by counting references.
///
/// A decoded `Str` keeps its whole frame in memory; [`Str::detach`] what is kept beyond the request.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Str(Bytes);

impl Str {
    /// Takes `bytes` as a string if they are UTF-8.
    pub fn from_utf8(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
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
    fn refuses_what_is_not_utf8() {
        assert!(Str::from_utf8(Bytes::from_static(b"caf\xc3\xa9")).is_ok());
        assert!(Str::from_utf8(Bytes::from_static(b"caf\xc3")).is_err());
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
