//! The format of what is on disk: one column family, three kinds of keys (numbers big-endian, so
//! that they sort).
//!
//! ```text
//! m                             Meta: who the server is, how often it started, compacted revision
//! l  lease id (8)               TTL in seconds (8)
//! r  revision (8)  sub (4)      create revision (8), version (8), lease (8), key length (4), key, value
//! ```
//!
//! Every value begins with [`FORMAT`]. What does not decode is refused, never guessed.

use bytes::Bytes;

use super::{history::Version, mvcc::EntryId};

/// The version of all values.
const FORMAT: u8 = 1;
/// Where [`Meta`] is.
pub(crate) const META_KEY: &[u8] = b"m";
/// What the keys of leases begin with.
pub(crate) const LEASES: u8 = b'l';
/// What the keys of versions begin with.
pub(crate) const REVISIONS: u8 = b'r';

/// What the server calls itself in every response header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) cluster_id: u64,
    pub(crate) member_id: u64,
    /// Grows with every start, as etcd's does.
    pub(crate) raft_term: u64,
}

/// What is known beside keys and leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) identity: Identity,
    /// The compacted revision, -1 if there is none.
    pub(crate) compacted: i64,
}

impl Meta {
    /// A new server's.
    pub(crate) fn new((cluster_id, member_id): (u64, u64)) -> Self {
        // The first start makes it term 2, as a new etcd's first election does.
        Self { identity: Identity { cluster_id, member_id, raft_term: 1 }, compacted: -1 }
    }

    /// Its value.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Identity { cluster_id, member_id, raft_term } = self.identity;
        let mut value = vec![FORMAT];
        for number in [cluster_id, member_id, raft_term] {
            value.extend(number.to_be_bytes());
        }
        value.extend(self.compacted.to_be_bytes());
        value
    }

    /// `None` if it is not one.
    pub(crate) fn decode(mut value: &[u8]) -> Option<Self> {
        value = value.strip_prefix(&[FORMAT])?;
        let identity = Identity {
            cluster_id: u64::from_be_bytes(take(&mut value)?),
            member_id: u64::from_be_bytes(take(&mut value)?),
            raft_term: u64::from_be_bytes(take(&mut value)?),
        };
        let compacted = i64::from_be_bytes(take(&mut value)?);
        value.is_empty().then_some(Self { identity, compacted })
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = from.split_first_chunk()?;
    *from = tail;
    Some(*head)
}

/// The key of lease `id`.
pub(crate) fn lease_key(id: i64) -> [u8; 9] {
    let mut key = [LEASES; 9];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}

/// The value of a lease of `ttl` seconds.
pub(crate) fn encode_ttl(ttl: i64) -> [u8; 9] {
    let mut value = [FORMAT; 9];
    value[1..].copy_from_slice(&ttl.to_be_bytes());
    value
}

/// Id and TTL of a lease; `None` if it is not one.
pub(crate) fn decode_lease(key: &[u8], value: &[u8]) -> Option<(i64, i64)> {
    let id = i64::from_be_bytes(key.strip_prefix(&[LEASES])?.try_into().ok()?);
    let ttl = i64::from_be_bytes(value.strip_prefix(&[FORMAT])?.try_into().ok()?);
    Some((id, ttl))
}

/// The key of a version.
pub(crate) fn entry_key((revision, sub): EntryId) -> [u8; 13] {
    let mut key = [REVISIONS; 13];
    key[1..9].copy_from_slice(&revision.to_be_bytes());
    key[9..].copy_from_slice(&sub.to_be_bytes());
    key
}

/// What [`entry_key`] made; `None` if it is not one.
pub(crate) fn decode_entry_id(key: &[u8]) -> Option<EntryId> {
    let mut rest = key.strip_prefix(&[REVISIONS])?;
    let revision = i64::from_be_bytes(take(&mut rest)?);
    let sub = u32::from_be_bytes(take(&mut rest)?);
    rest.is_empty().then_some((revision, sub))
}

/// Puts the value of a version of `key` into `value`, a buffer to be used again.
pub(crate) fn encode_version(value: &mut Vec<u8>, key: &[u8], version: &Version) {
    let key_length = u32::try_from(key.len()).expect("requests are far smaller");
    value.clear();
    value.push(FORMAT);
    for number in [version.create_revision, version.version, version.lease] {
        value.extend(number.to_be_bytes());
    }
    value.extend(key_length.to_be_bytes());
    value.extend(key);
    value.extend(&version.value);
}

/// The key and version that [`encode_version`] made; `None` if it is not one.
pub(crate) fn decode_version(
    mod_revision: i64,
    sub: u32,
    value: Bytes,
) -> Option<(Bytes, Version)> {
    let mut rest = value.strip_prefix(&[FORMAT])?;
    let create_revision = i64::from_be_bytes(take(&mut rest)?);
    let version = i64::from_be_bytes(take(&mut rest)?);
    let lease = i64::from_be_bytes(take(&mut rest)?);
    let key_length = u32::from_be_bytes(take(&mut rest)?) as usize;
    let (key, content) = rest.split_at_checked(key_length)?;
    let (key, content) = (value.slice_ref(key), value.slice_ref(content));
    Some((key, Version { mod_revision, sub, create_revision, version, lease, value: content }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn versions_survive_the_disk_format(
            revision in 0..i64::MAX, sub: u32, create: i64, version: i64, lease: i64,
            key: Vec<u8>, content: Vec<u8>,
        ) {
            let it = Version {
                mod_revision: revision, sub, create_revision: create, version, lease,
                value: content.into(),
            };
            let mut value = Vec::new();
            encode_version(&mut value, &key, &it);
            prop_assert_eq!(decode_entry_id(&entry_key((revision, sub))), Some((revision, sub)));
            let decoded = decode_version(revision, sub, value.into());
            prop_assert_eq!(decoded, Some((Bytes::from(key), it)));
        }

        #[test]
        fn garbage_is_refused_not_believed(value: Vec<u8>) {
            let _ = decode_version(1, 0, value.clone().into());
            let _ = Meta::decode(&value);
            let _ = decode_entry_id(&value);
            let _ = decode_lease(&value, &value);
        }
    }

    #[test]
    fn unknown_formats_and_short_values_are_refused() {
        assert_eq!(decode_lease(&lease_key(-7), &encode_ttl(60)), Some((-7, 60)));
        assert_eq!(decode_lease(&lease_key(7)[..8], &encode_ttl(60)), None);
        let meta = Meta::new((1, 2));
        assert_eq!(Meta::decode(&meta.encode()), Some(meta));
        let mut later = meta.encode();
        later[0] = FORMAT + 1;
        assert_eq!(Meta::decode(&later), None);
        assert_eq!(Meta::decode(&meta.encode()[..20]), None);
        assert_eq!(decode_version(1, 0, Bytes::from_static(&[FORMAT; 20])), None);
        let mut long_key = vec![FORMAT];
        long_key.extend([0; 24]);
        long_key.extend(u32::MAX.to_be_bytes());
        assert_eq!(decode_version(1, 0, long_key.into()), None);
    }
}
