//! The keys that a request names: one key, or all from `key` up to `range_end`.

use std::ops::Bound;

use bytes::Bytes;

/// A key, or a range of keys, as etcd's `key` and `range_end` fields spell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyRange {
    /// Exactly this key.
    One(Bytes),
    /// From `start` on, below `end`; to the last key if there is no end.
    Span { start: Bytes, end: Option<Bytes> },
}

impl KeyRange {
    /// `range_end` empty: one key; a single zero byte: no upper bound.
    pub(crate) fn new(key: Vec<u8>, range_end: Vec<u8>) -> Self {
        let start = Bytes::from(key);
        match range_end.as_slice() {
            [] => Self::One(start),
            [0] => Self::Span { start, end: None },
            _ => Self::Span { start, end: Some(Bytes::from(range_end)) },
        }
    }

    /// Whether no key at all can be in it.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Span { start, end: Some(end) } if start >= end)
    }

    /// Whether `key` is in it.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        match self {
            Self::One(one) => one == key,
            Self::Span { start, end } => {
                &start[..] <= key && end.as_ref().is_none_or(|end| key < &end[..])
            }
        }
    }

    /// The bounds for an ordered map. Only for ranges that are not [`empty`](Self::is_empty):
    /// `BTreeMap` panics on inverted bounds.
    pub(crate) fn bounds(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        match self {
            Self::One(key) => (Bound::Included(key), Bound::Included(key)),
            Self::Span { start, end } => (
                Bound::Included(start),
                end.as_ref().map_or(Bound::Unbounded, |end| Bound::Excluded(&end[..])),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn range_end_spells_one_key_a_span_or_everything_above() {
        let range = |key: &str, end: &str| KeyRange::new(key.into(), end.into());
        assert!(range("b", "").contains(b"b"));
        assert!(!range("b", "").contains(b"ba"));
        assert!(range("b", "c").contains(b"bz"));
        assert!(!range("b", "c").contains(b"c"));
        assert!(range("b", "\0").contains(b"zzz"));
        assert!(!range("b", "\0").contains(b"a"));
        assert!(range("c", "b").is_empty());
        assert!(range("b", "b").is_empty());
        assert!(!range("b", "b").contains(b"b"));
    }
}
