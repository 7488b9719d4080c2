//! What etcd stores: keys, values and the revisions that name their states.

use bytes::Bytes;
use std::fmt;

/// Declares a newtype over etcd's `int64`.
macro_rules! revision {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

revision! {
    /// A state of the whole store: it grows by one with every transaction that changes something.
    Revision
}
revision! {
    /// The revision at which a key was last created; it names one life of the key. Never 0 for a
    /// key that exists.
    CreateRevision
}
revision! {
    /// The revision at which a key was last written. Never 0 for a key that exists.
    ModRevision
}

/// Names a lease; keys attached to it go when it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeaseId(pub i64);

impl LeaseId {
    /// What a key carries that is attached to no lease.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As etcdctl prints it.
        write!(f, "{:x}", self.0)
    }
}

/// A key with its value and what etcd knows about both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The full key, with the cluster's prefix.
    pub key: Bytes,
    /// The value's bytes.
    pub value: Bytes,
    /// When this life of the key began.
    pub create_revision: CreateRevision,
    /// When the key was last written.
    pub mod_revision: ModRevision,
    /// Writes since it was created, counting that one.
    pub version: i64,
    /// The lease it is attached to, or [`LeaseId::NONE`].
    pub lease: LeaseId,
}

impl From<etcd_client::KeyValue> for KeyValue {
    fn from(kv: etcd_client::KeyValue) -> Self {
        let (create, modified, version, lease) =
            (kv.create_revision(), kv.mod_revision(), kv.version(), kv.lease());
        let (key, value) = kv.into_key_value();
        Self {
            key: key.into(),
            value: value.into(),
            create_revision: CreateRevision(create),
            mod_revision: ModRevision(modified),
            version,
            lease: LeaseId(lease),
        }
    }
}

/// All keys under a prefix as they were at one revision, in key order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The revision that all entries belong to.
    pub revision: Revision,
    /// The keys and values, sorted by key.
    pub entries: Vec<KeyValue>,
}

/// The keys from `from` up to but without `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    /// The first key; never empty, which would mean nothing to etcd.
    pub(crate) from: Bytes,
    /// The first key that does not belong to it any more; `\0` = all keys from `from` on.
    pub(crate) to: Bytes,
}

impl KeyRange {
    /// All keys that start with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> Self {
        let first = if prefix.is_empty() { &b"\0"[..] } else { prefix };
        Self { from: Bytes::copy_from_slice(first), to: prefix_end(prefix).into() }
    }
}

impl fmt::Display for KeyRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = String::from_utf8_lossy(&self.from);
        if *self.to == *prefix_end(&self.from) {
            return write!(f, "{from}*");
        }
        write!(f, "{from} to {}", String::from_utf8_lossy(&self.to))
    }
}

/// The smallest key greater than all keys that start with `prefix`; `\0` (etcd's "no end") where
/// there is none.
fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let Some(last) = prefix.iter().rposition(|&byte| byte < 0xff) else { return vec![0] };
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    end
}

/// The smallest key greater than `key`.
pub(crate) fn key_after(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_past_all_its_keys() {
        assert_eq!(prefix_end(b"/a/"), b"/a0");
        assert_eq!(prefix_end(b"a\xff\xff"), b"b");
        assert_eq!(prefix_end(b"\xff\xff"), b"\0");
        assert_eq!(prefix_end(b""), b"\0");
    }

    #[test]
    fn ranges_are_logged_as_text() {
        assert_eq!(KeyRange::prefix(b"/a/").to_string(), "/a/*");
        let range = KeyRange { from: Bytes::from("/a/"), to: Bytes::from("/c") };
        assert_eq!(range.to_string(), "/a/ to /c");
    }

    #[test]
    fn nothing_sorts_between_a_key_and_the_next() {
        assert_eq!(key_after(b"/a"), b"/a\0");
    }
}
