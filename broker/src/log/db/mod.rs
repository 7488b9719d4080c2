//! RocksDB as the log uses it: four column families, batched writes, pinned reads, and deletion of
//! whole files.

mod ffi;
mod options;

use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rocksdb::{
    BottommostLevelCompaction, Cache, ColumnFamilyDescriptor, CompactOptions, DB, FlushOptions,
};

pub(super) use ffi::{Cursor, WriteBatch};

use super::format::keys::BatchKey;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Log,
    Compacted,
    Index,
    Partitions,
}

impl Family {
    pub(super) const ALL: [Self; 4] = [Self::Log, Self::Compacted, Self::Index, Self::Partitions];

    const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Compacted => "compacted",
            Self::Index => "index",
            Self::Partitions => "partitions",
        }
    }
}

/// A file of the `log` family.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogFile {
    pub(super) first_generation: u32,
    pub(super) last_generation: u32,
    pub(super) bytes: u64,
    pub(super) level: i32,
}

/// The open database. Closed when the last owner, which may be a buffer on its way to a client, is
/// dropped.
pub(super) struct Db {
    handles: ffi::Handles,
    db: DB,
    /// Failures of background work that were reported so far.
    failures: AtomicU64,
    /// The lock on the data directory, which must outlive the database.
    _lock: File,
}

/// How often a write that must wait for a flush is retried.
const STALL_PAUSE: Duration = Duration::from_millis(1);

/// How RocksDB begins to say that a write would have to wait.
const STALLED: &str = "Result incomplete";

/// What [`Db::open`] needs besides the directory.
pub(super) struct DbOptions<F> {
    pub(super) generation_bytes: usize,
    pub(super) direct_io: bool,
    pub(super) lock: File,
    /// Whether compaction has to keep a key of the `log` family.
    pub(super) keep: F,
}

impl Db {
    pub(super) fn open<F>(path: &Path, options: DbOptions<F>) -> Result<Self, String>
    where
        F: Fn(&[u8]) -> bool + Clone + Send + 'static,
    {
        let DbOptions { generation_bytes, direct_io, lock, keep } = options;
        let tuning = options::Tuning { generation_bytes, direct_io };
        let cache = Cache::new_lru_cache(4 << 20);
        let families = Family::ALL.map(|family| {
            let options = options::family(family, &tuning, &cache, keep.clone());
            ColumnFamilyDescriptor::new(family.name(), options)
        });
        let unused = ColumnFamilyDescriptor::new("default", options::common(&tuning));
        let families = families.into_iter().chain([unused]);
        let db = DB::open_cf_descriptors(&options::database(&tuning), path, families)
            .map_err(rocksdb::Error::into_string)?;
        Ok(Self { handles: ffi::Handles::of(&db), db, failures: AtomicU64::new(0), _lock: lock })
    }

    /// The number of the oldest WAL file that the database in `path` would replay. Changes nothing.
    ///
    /// RocksDB is told that the WAL is in `elsewhere`, an existing directory without one: else it
    /// would replay it.
    pub(super) fn first_needed_wal(path: &Path, elsewhere: &Path) -> Result<u64, String> {
        if !path.join("CURRENT").exists() {
            return Ok(0);
        }
        let options = options::glance(elsewhere);
        let db =
            DB::open_for_read_only(&options, path, false).map_err(rocksdb::Error::into_string)?;
        let number = db.property_int_value("rocksdb.min-log-number-to-keep");
        Ok(number.map_err(rocksdb::Error::into_string)?.unwrap_or(0))
    }

    /// Writes a batch: into the operating system's cache, or not at all. Waits for flushes that are
    /// behind, but not for one that has failed: that may take as long as the disk is full.
    pub(super) fn write(&self, batch: &WriteBatch) -> Result<(), String> {
        loop {
            let written = self.write_at_once(batch);
            match &written {
                Err(message) if message.starts_with(STALLED) && !self.has_new_failures() => {
                    std::thread::sleep(STALL_PAUSE);
                }
                _ => return written,
            }
        }
    }

    /// Whether an error says that a write waits for a flush that has failed, which RocksDB tries
    /// again.
    pub(super) fn is_stall(message: &str) -> bool {
        message.starts_with(STALLED)
    }

    /// Whether a write would wait for flushes.
    pub(super) fn is_stalled(&self) -> bool {
        self.number("rocksdb.is-write-stopped") + self.number("rocksdb.actual-delayed-write-rate")
            > 0
    }

    /// Counted since the opening.
    fn background_failures(&self) -> u64 {
        self.number("rocksdb.background-errors")
    }

    /// A property that there is for every database.
    fn number(&self, property: &str) -> u64 {
        self.db.property_int_value(property).ok().flatten().unwrap_or(0)
    }

    fn has_new_failures(&self) -> bool {
        self.background_failures() > self.failures.load(Ordering::Relaxed)
    }

    /// Resets the count of failures after background work has succeeded again.
    pub(super) fn forget_failures(&self) {
        self.failures.store(self.background_failures(), Ordering::Relaxed);
    }

    /// Syncs all that was written to disk.
    pub(super) fn sync(&self) -> Result<(), String> {
        self.db.flush_wal(true).map_err(rocksdb::Error::into_string)
    }

    /// Switches all memtables and flushes the old ones; in the background unless `wait`.
    pub(super) fn flush(&self, wait: bool) -> Result<(), String> {
        let handles = Family::ALL.map(|family| self.handle(family));
        let mut options = FlushOptions::new();
        options.set_wait(wait);
        self.db.flush_cfs_opt(&handles.each_ref(), &options).map_err(rocksdb::Error::into_string)
    }

    /// Calls `visit` for each key of a family from `from` on, until it breaks.
    pub(super) fn scan<B>(
        self: &Arc<Self>,
        family: Family,
        from: &[u8],
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<Option<B>, String> {
        let mut cursor = Cursor::new(self, family, &[0xff; 17], false);
        cursor.seek(from);
        while let Some((key, value)) = cursor.entry()? {
            if let ControlFlow::Break(result) = visit(key, value) {
                return Ok(Some(result));
            }
            cursor.next();
        }
        Ok(None)
    }

    /// The files of the `log` family, in key order.
    pub(super) fn log_files(&self) -> Result<Vec<LogFile>, String> {
        let files = self.db.live_files().map_err(rocksdb::Error::into_string)?;
        let generation = |key: &Option<Vec<u8>>| {
            key.as_deref().and_then(|key| BatchKey::decode(key).ok()).map(|key| key.generation)
        };
        let mut files: Vec<LogFile> = files
            .iter()
            .filter(|file| file.column_family_name == Family::Log.name())
            .filter_map(|file| {
                Some(LogFile {
                    first_generation: generation(&file.start_key)?,
                    last_generation: generation(&file.end_key)?,
                    bytes: file.size as u64,
                    level: file.level,
                })
            })
            .collect();
        files.sort_by_key(|file| file.first_generation);
        Ok(files)
    }

    /// Deletes the files that hold nothing but generations `first..=last`, except those of level 0.
    pub(super) fn drop_files(&self, first: u32, last: u32) -> Result<(), String> {
        let (from, to) = bounds(first, last);
        self.db
            .delete_file_in_range_cf(&self.handle(Family::Log), from, to)
            .map_err(rocksdb::Error::into_string)
    }

    /// Rewrites generations `first..=last` without their garbage.
    pub(super) fn compact(&self, first: u32, last: u32) {
        let (from, to) = bounds(first, last);
        let mut options = CompactOptions::default();
        options.set_exclusive_manual_compaction(false);
        options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
        self.db.compact_range_cf_opt(&self.handle(Family::Log), Some(from), Some(to), &options);
    }

    /// Ends background work, so that a close does not wait for a long compaction.
    pub(super) fn cancel_background_work(&self) {
        self.db.cancel_all_background_work(true);
    }

    fn handle(&self, family: Family) -> rocksdb::ColumnFamilyRef<'_> {
        self.db.cf_handle(family.name()).expect("opened with every family")
    }
}

fn bounds(first: u32, last: u32) -> ([u8; 16], [u8; 16]) {
    let mut to = [0xff; 16];
    to[..4].copy_from_slice(&last.to_be_bytes());
    (BatchKey::floor(first).encode(), to)
}
