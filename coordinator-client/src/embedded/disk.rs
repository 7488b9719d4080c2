//! The directory: a lock, and a RocksDB with every version of every key since the last compaction.
//!
//! Versions are only ever added, and dropped by compaction; the index over them is in memory and
//! rebuilt when the directory is opened.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use rocksdb::{DB, IteratorMode, Options, WriteBatch, WriteOptions};

use super::{
    EmbeddedError,
    disk_format::{
        Identity, LEASES, META_KEY, Meta, REVISIONS, decode_entry_id, decode_lease, decode_version,
        encode_ttl, encode_version, entry_key, lease_key,
    },
    history::{Commit, Version},
    machine::{Effects, LeaseChange, Machine},
    mvcc::Store,
};

/// A key and its value.
type Entry = (Box<[u8]>, Box<[u8]>);

/// A directory that no other server can use as long as this is held.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    _lock: File,
}

/// The open store.
#[derive(Debug)]
pub(crate) struct Disk {
    db: DB,
    meta: Meta,
}

impl Directory {
    /// Creates `path` if needed, and locks it. Blocking.
    ///
    /// # Errors
    /// [`EmbeddedError::Locked`] if another server holds it; what the file system refuses.
    pub(crate) fn lock(path: PathBuf) -> Result<Self, EmbeddedError> {
        match lock(&path) {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(EmbeddedError::Locked { dir: path }),
            Err(TryLockError::Error(source)) => Err(EmbeddedError::Directory { dir: path, source }),
        }
    }

    /// Opens the store; only one at a time. `new_ids` become cluster and member id of a new one.
    /// Blocking.
    ///
    /// # Errors
    /// What RocksDB refuses, and [`EmbeddedError::Corrupt`].
    pub(crate) fn open(&self, new_ids: (u64, u64)) -> Result<Disk, EmbeddedError> {
        let db = DB::open(&options(), self.path.join("rocksdb"))?;
        let mut meta = match db.get(META_KEY)? {
            Some(value) => Meta::decode(&value).ok_or_else(|| corrupt("the meta record"))?,
            None => Meta::new(new_ids),
        };
        meta.identity.raft_term += 1;
        db.put_opt(META_KEY, meta.encode(), &synced())?;
        Ok(Disk { db, meta })
    }
}

impl Disk {
    /// Who this server is.
    pub(crate) fn identity(&self) -> Identity {
        self.meta.identity
    }

    /// Reads everything back, as of `now`. Blocking.
    ///
    /// # Errors
    /// What RocksDB refuses, and [`EmbeddedError::Corrupt`].
    pub(crate) fn load(&self, now: Duration) -> Result<Machine, EmbeddedError> {
        let (store, leases) = (self.load_store(now)?, self.load_leases()?);
        Ok(Machine::new(store, &leases, self.first_lease_id(), now))
    }

    /// Lease ids that no earlier start of this server can have given out: they would need 2^32 in
    /// one start.
    fn first_lease_id(&self) -> i64 {
        let term = i64::try_from(self.meta.identity.raft_term & 0x3fff_ffff).unwrap_or(1);
        (term << 32) + 1
    }

    fn load_store(&self, now: Duration) -> Result<Store, EmbeddedError> {
        let mut store = Store::compacted_at(self.meta.compacted);
        let mut changes = Vec::new();
        let mut current = None;
        for entry in self.prefix(REVISIONS) {
            let (id, value) = entry?;
            let (revision, sub) = decode_entry_id(&id).ok_or_else(|| corrupt("an entry's key"))?;
            if current.is_some_and(|current| current != revision) {
                restore(&mut store, current, std::mem::take(&mut changes), now)?;
            }
            current = Some(revision);
            let change = decode_version(revision, sub, value.into());
            changes.push(change.ok_or_else(|| corrupt("an entry"))?);
        }
        restore(&mut store, current, changes, now)?;
        Ok(store)
    }

    fn load_leases(&self) -> Result<Vec<(i64, i64)>, EmbeddedError> {
        self.prefix(LEASES)
            .map(|entry| {
                let (key, value) = entry?;
                decode_lease(&key, &value).ok_or_else(|| corrupt("a lease"))
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
    now: Duration,
) -> Result<(), EmbeddedError> {
    let Some(revision) = revision else { return Ok(()) };
    let live = revision < store.history().compacted();
    if !live && revision != store.revision() + 1 {
        return Err(corrupt(&format!("revision {revision} follows {}", store.revision())));
    }
    store.restore(revision, changes, now);
    Ok(())
}

fn corrupt(what: &str) -> EmbeddedError {
    EmbeddedError::Corrupt { what: what.to_owned() }
}

fn lock(dir: &Path) -> Result<File, TryLockError> {
    let open = || {
        fs::create_dir_all(dir)?;
        File::options().create(true).truncate(false).write(true).open(dir.join("lock"))
    };
    let file = open().map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
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

fn add_commit(batch: &mut WriteBatch, commit: &Commit) {
    let mut value = Vec::new();
    for change in &commit.changes {
        encode_version(&mut value, &change.key, &change.version);
        batch.put(entry_key((change.version.mod_revision, change.version.sub)), &value);
    }
}
