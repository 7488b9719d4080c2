//! The log: every partition's record batches on this broker, in one RocksDB.
//!
//! What it does: keeps batches in offset order per log, survives a kill at any instant with
//! everything that it acknowledged, serves reads without copying, and gives disk space back. What
//! it does not do: assign offsets, judge producers, replicate, or know topics' names; `partition`
//! does that and calls in here.
//!
//! ```text
//!  append() ─► queue ─► writer thread ── one WriteBatch ──► RocksDB ─► tail cache ─► sinks
//!                          │                                              │
//!                          └── generation full: flush, next generation    └─► syncer thread (fsync mode)
//!  read_cached() ◄── tail cache          read() ◄── mapped files (the bytes own their iterator)
//! ```
//!
//! A *generation* is the span of writes that one memtable takes. Its number leads every key of the
//! `log` column family, so that flushed files never overlap, are never rewritten, and can be
//! dropped whole. A *chunk* is one log's share of a generation; the list of chunks is the only
//! index, and is held in memory.

pub mod alloc;
mod db;
mod dir;
mod error;
mod format;
mod index;
mod location;
mod queue;
mod read;
mod recovery;
mod shared;
mod space;
mod store;
#[cfg(test)]
mod tests;
mod types;
mod write;

pub(crate) use dir::replace_file;
pub use error::{OpenError, ReadError, StoreFault};
pub use store::{ClaimedDir, DirCondition, Store};
pub use types::{
    ActedOn, Append, AppendSink, Chunk, EpochEntry, Health, LogId, Reclaimed, RecoveredLog,
    RestoreCount, RotateHook, StoreOptions,
};
