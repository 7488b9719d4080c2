//! The directory: a lock, and a RocksDB with every version of every key since the last compaction.
//!
//! One column family, three kinds of keys (numbers big-endian, so that they sort):
//!
//! ```text
//! m                             Meta: who the server is, how often it started, compacted revision
//! l  lease id (8)               TTL in seconds (8)
//! r  revision (8)  sub (4)      create revision (8), version (8), lease (8), key length (4), key, value
//! ```
//!
//! Every value begins with [`FORMAT`]. Versions are only ever added, and dropped by compaction; the
//! index over them is in memory and rebuilt when the directory is opened.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use rocksdb::{DB, IteratorMode, Options, WriteBatch, WriteOptions};

use super::{
    EmbeddedError,
    history::{Commit, Version},
    machine::{Effects, LeaseChange, Machine},
    mvcc::{EntryId, Store},
};

/// The version of all values.
const FORMAT: u8 = 1;
const META_KEY: &[u8] = b"m";
const LEASES: u8 = b'l';
const REVISIONS: u8 = b'r';

/// A key and its value.
type Entry = (Box<[u8]>, Box<[u8]>);

/// What the server calls itself in every response header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) cluster_id: u64,
    pub(crate) member_id: u64,
    /// Grows with every start, as etcd's does.
    pub(crate) raft_term: u64,
}

/// The open directory.
#[derive(Debug)]
pub(crate) struct Disk {
    db: DB,
    meta: Meta,
    /// Held as long as the directory is open.
    _lock: File,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meta {
    identity: Identity,
    compacted: i64,
}

impl Disk {
    /// Locks and opens `dir`, creating it if needed. `new_ids` become cluster and member id of a new
    /// directory. Blocking.
    ///
    /// # Errors
    /// [`EmbeddedError::Locked`] if another process has it open; what the file system, RocksDB or a
    /// value of an unknown shape refuse.
    pub(crate) fn open(dir: &Path, new_ids: (u64, u64)) -> Result<Self, EmbeddedError> {
        let lock = lock(dir)?;
        let db = DB::open(&options(), dir.join("rocksdb"))?;
        let mut meta = match db.get(META_KEY)? {
            Some(value) => Meta::decode(&value).ok_or_else(|| corrupt("the meta record"))?,
            None => Meta::new(new_ids),
        };
        meta.identity.raft_term += 1;
        db.put_opt(META_KEY, meta.encode(), &synced())?;
        Ok(Self { db, meta, _lock: lock })
    }

    /// Who this server is.
    pub(crate) fn identity(&self) -> Identity {
        self.meta.identity
    }

    /// Reads everything back. Blocking.
    ///
    /// # Errors
    /// What RocksDB refuses, and [`EmbeddedError::Corrupt`].
    pub(crate) fn load(&self) -> Result<Machine, EmbeddedError> {
        Ok(Machine::new(self.load_store()?, &self.load_leases()?, self.first_lease_id()))
    }

    /// Lease ids that no earlier start of this server can have given out: they would need 2^32 in
    /// one start.
    fn first_lease_id(&self) -> i64 {
        let term = i64::try_from(self.meta.identity.raft_term & 0x3fff_ffff).unwrap_or(1);
        (term << 32) + 1
    }

    fn load_store(&self) -> Result<Store, EmbeddedError> {
        let mut store = Store::compacted_at(self.meta.compacted);
        let mut changes = Vec::new();
        let mut current = None;
        for entry in self.prefix(REVISIONS) {
            let (id, value) = entry?;
            let (revision, sub) = decode_entry_id(&id).ok_or_else(|| corrupt("an entry's key"))?;
            if current.is_some_and(|current| current != revision) {
                restore(&mut store, current, std::mem::take(&mut changes))?;
            }
            current = Some(revision);
            let change = decode_version(revision, sub, value.into());
            changes.push(change.ok_or_else(|| corrupt("an entry"))?);
        }
        restore(&mut store, current, changes)?;
        Ok(store)
    }

    fn load_leases(&self) -> Result<Vec<(i64, i64)>, EmbeddedError> {
        let decode = |key: &[u8], value: &[u8]| {
            let id = i64::from_be_bytes(key.get(1..)?.try_into().ok()?);
            let [FORMAT, ttl @ ..] = value else { return None };
            Some((id, i64::from_be_bytes(ttl.try_into().ok()?)))
        };
        self.prefix(LEASES)
            .map(|entry| {
                let (key, value) = entry?;
                decode(&key, &value).ok_or_else(|| corrupt("a lease"))
            })
            .collect()
    }

    /// The entries whose keys begin with `prefix`, in order.
    fn prefix(&self, prefix: u8) -> impl Iterator<Item = Result<Entry, rocksdb::Error>> {
        let from = IteratorMode::From(&[prefix], rocksdb::Direction::Forward);
        let in_prefix = move |entry: &Result<Entry, rocksdb::Error>| {
            entry.as_ref().map_or(true, |(key, _)| key.first() == Some(&prefix))
        };
        self.db.iterator(from).take_while(in_prefix)
    }

    /// Writes `effects` in one batch and returns when they are on the disk. Blocking.
    ///
    /// # Errors
    /// What RocksDB reports; whether the effects are on disk is then unknown.
    pub(crate) fn write(&mut self, effects: &Effects) -> Result<(), rocksdb::Error> {
        let mut batch = WriteBatch::default();
        effects.commits.iter().for_each(|commit| add_commit(&mut batch, commit));
        for change in &effects.leases {
            match change {
                LeaseChange::Granted { id, ttl } => batch.put(lease_key(*id), encode_ttl(*ttl)),
                LeaseChange::Removed { id } => batch.delete(lease_key(*id)),
            }
        }
        effects.dropped.iter().for_each(|id| batch.delete(entry_key(*id)));
        if let Some(compacted) = effects.compacted {
            self.meta.compacted = compacted;
            batch.put(META_KEY, self.meta.encode());
        }
        self.db.write_opt(batch, &synced())
    }
}

/// How many bytes the files in `dir` take; 0 if it cannot be read. Blocking.
pub(crate) fn size_bytes(dir: &Path) -> i64 {
    let sizes = |dir| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum::<u64>()
    };
    i64::try_from(sizes(dir.join("rocksdb"))).unwrap_or(i64::MAX)
}

fn restore(
    store: &mut Store,
    revision: Option<i64>,
    changes: Vec<(Bytes, Version)>,
) -> Result<(), EmbeddedError> {
    let Some(revision) = revision else { return Ok(()) };
    let live = revision < store.history().compacted();
    if !live && revision != store.revision() + 1 {
        return Err(corrupt(&format!("revision {revision} follows {}", store.revision())));
    }
    store.restore(revision, changes);
    Ok(())
}

fn corrupt(what: &str) -> EmbeddedError {
    EmbeddedError::Corrupt { what: what.to_owned() }
}

fn lock(dir: &Path) -> Result<File, EmbeddedError> {
    let failed = |source| EmbeddedError::Directory { dir: PathBuf::from(dir), source };
    fs::create_dir_all(dir).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(EmbeddedError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Small and quiet: a few MiB of write buffer, no periodic work, logs that do not grow.
fn options() -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.set_write_buffer_size(4 << 20);
    options.set_max_write_buffer_number(2);
    options.set_arena_block_size(256 << 10);
    options.set_max_total_wal_size(16 << 20);
    options.set_max_background_jobs(2);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options.set_keep_log_file_num(2);
    options.set_max_log_file_size(1 << 20);
    options.set_manifest_preallocation_size(64 << 10);
    let mut blocks = rocksdb::BlockBasedOptions::default();
    // Values are read when the directory is opened, never after.
    blocks.set_block_cache(&rocksdb::Cache::new_lru_cache(256 << 10));
    options.set_block_based_table_factory(&blocks);
    options
}

fn synced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    options
}

impl Meta {
    fn new((cluster_id, member_id): (u64, u64)) -> Self {
        // The first start makes it term 2, as a new etcd's first election does.
        Self { identity: Identity { cluster_id, member_id, raft_term: 1 }, compacted: -1 }
    }

    fn encode(&self) -> Vec<u8> {
        let Identity { cluster_id, member_id, raft_term } = self.identity;
        let mut value = vec![FORMAT];
        for number in [cluster_id, member_id, raft_term] {
            value.extend(number.to_be_bytes());
        }
        value.extend(self.compacted.to_be_bytes());
        value
    }

    fn decode(mut value: &[u8]) -> Option<Self> {
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

fn lease_key(id: i64) -> [u8; 9] {
    let mut key = [LEASES; 9];
    key[1..].copy_from_slice(&id.to_be_bytes());
    key
}

fn encode_ttl(ttl: i64) -> [u8; 9] {
    let mut value = [FORMAT; 9];
    value[1..].copy_from_slice(&ttl.to_be_bytes());
    value
}

fn entry_key((revision, sub): EntryId) -> [u8; 13] {
    let mut key = [REVISIONS; 13];
    key[1..9].copy_from_slice(&revision.to_be_bytes());
    key[9..].copy_from_slice(&sub.to_be_bytes());
    key
}

fn decode_entry_id(key: &[u8]) -> Option<EntryId> {
    let mut rest = key.strip_prefix(&[REVISIONS])?;
    let revision = i64::from_be_bytes(take(&mut rest)?);
    let sub = u32::from_be_bytes(take(&mut rest)?);
    rest.is_empty().then_some((revision, sub))
}

fn add_commit(batch: &mut WriteBatch, commit: &Commit) {
    let mut value = Vec::new();
    for change in &commit.changes {
        encode_version(&mut value, &change.key, &change.version);
        batch.put(entry_key((change.version.mod_revision, change.version.sub)), &value);
    }
}

fn encode_version(value: &mut Vec<u8>, key: &[u8], version: &Version) {
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

fn decode_version(mod_revision: i64, sub: u32, value: Bytes) -> Option<(Bytes, Version)> {
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
        }
    }

    #[test]
    fn unknown_formats_and_short_values_are_refused() {
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
