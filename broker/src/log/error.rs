//! The log's errors, one enum per kind of call.

use std::path::PathBuf;
use std::sync::Arc;

use barnabas_protocol::state::ids::Offset;

use super::Health;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("data directory {0} is in use by another process")]
    Locked(PathBuf),
    /// It is missing, read-only, or not a directory.
    #[error("data directory {dir}: {source}")]
    Directory {
        /// The data directory.
        dir: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Written by another version of Barnabas.
    #[error(
        "data directory {dir} has format {found:?}; this version reads and writes format {expected}"
    )]
    Format {
        /// The data directory.
        dir: PathBuf,
        /// What its `format` file says.
        found: String,
        /// What this version writes.
        expected: u32,
    },
    /// It holds files, but no log of ours.
    #[error("data directory {0} is not empty and was not made by Barnabas")]
    Foreign(PathBuf),
    /// A value in it cannot be decoded.
    #[error("data directory {dir}: {what}")]
    Corrupt {
        /// The data directory.
        dir: PathBuf,
        /// Which value.
        what: String,
    },
    /// RocksDB refuses.
    #[error("data directory {dir}: {message}")]
    Database {
        /// The data directory.
        dir: PathBuf,
        /// RocksDB's message.
        message: String,
    },
}

/// Why an append or a change of a log was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreFault {
    /// The disk is full; the store heals by itself when there is space.
    #[error("disk full")]
    DiskFull,
    /// An I/O error; the store takes nothing until the broker is restarted.
    #[error("store failed: {0}")]
    Failed(Arc<str>),
    /// There is no such log, or no longer.
    #[error("no such log")]
    NoSuchLog,
    /// The batches do not continue the log, as after an append before them failed.
    #[error("append at offset {found} to a log that ends at {end}")]
    OutOfSequence {
        /// The log's end offset.
        end: Offset,
        /// The base offset of the first batch.
        found: Offset,
    },
    /// The batches are not record batches.
    #[error("malformed batch")]
    Malformed,
    /// The store was closed.
    #[error("store closed")]
    Closed,
}

impl StoreFault {
    /// Whether the same append may succeed later without a restart.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        matches!(self, Self::DiskFull)
    }

    /// The fault that a state of the store answers with, if any.
    #[must_use]
    pub fn of(health: &Health) -> Option<Self> {
        match health {
            Health::Healthy => None,
            Health::DiskFull => Some(Self::DiskFull),
            Health::Failed(reason) => Some(Self::Failed(Arc::clone(reason))),
        }
    }
}

/// Why a read failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is no such log, or no longer.
    #[error("no such log")]
    NoSuchLog,
    /// The offset lies outside of the log.
    #[error("offset out of range: the log holds {start} up to {end}")]
    OffsetOutOfRange {
        /// Log start offset.
        start: Offset,
        /// Log end offset.
        end: Offset,
    },
    /// A batch is not what was written.
    #[error("corrupt batch at offset {0}")]
    Corrupt(Offset),
    /// RocksDB reports an error.
    #[error("read failed: {0}")]
    Database(String),
}
