//! The log's errors, one enum per kind of call.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use barnabas_protocol::state::ids::Offset;

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
    /// It is not where it was written last.
    #[error(
        "data directory {dir} was copied or moved to another disk: the original may be running, or may have newer \
         records. Start the original. Or, if it is stopped for good, create the file {consent} and start again. A copy \
         that was made after an orderly shutdown goes on like the original; after any other copy, partitions that need \
         its records wait for another replica or for unclean.leader.election.enable"
    )]
    Copied {
        /// The data directory.
        dir: PathBuf,
        /// The file that consents to its use.
        consent: PathBuf,
    },
    /// The write-ahead log has a damaged place, and what was acknowledged after it would be lost.
    #[error(
        "{file} is damaged at byte {at}; acknowledged records follow it, from byte {resumes} on: restore the data \
         directory from a copy, or, to start without all that was written after the damage, create the file {consent}"
    )]
    DamagedWal {
        /// The file of the write-ahead log.
        file: PathBuf,
        /// Where it cannot be read.
        at: u64,
        /// Where it can be read again.
        resumes: u64,
        /// The file that consents to the loss.
        consent: PathBuf,
    },
    /// What is in it cannot be read.
    #[error(
        "data directory {dir} is damaged: {what}; restore it from a copy. Without one, only an empty directory can \
         take its place, which has none of its records"
    )]
    Corrupt {
        /// The data directory.
        dir: PathBuf,
        /// What cannot be read.
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

impl OpenError {
    /// What RocksDB says of the database in a data directory.
    pub(super) fn of_database(dir: &Path, message: String) -> Self {
        let dir = dir.to_owned();
        if is_corruption(&message) {
            Self::Corrupt { dir, what: message }
        } else {
            Self::Database { dir, message }
        }
    }
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
    /// What is stored is not what was written.
    #[error("damaged at offset {at}: {what}")]
    Corrupt {
        /// No batch before this offset is concerned.
        at: Offset,
        /// What is wrong.
        what: Arc<str>,
    },
    /// RocksDB reports an error.
    #[error("read failed: {0}")]
    Database(String),
}

impl ReadError {
    /// RocksDB's message about a read that was to begin at `at`.
    pub(super) fn database(message: String, at: Offset) -> Self {
        if is_corruption(&message) {
            Self::Corrupt { at, what: message.into() }
        } else {
            Self::Database(message)
        }
    }
}

impl StoreFault {
    /// Whether the disk itself has failed: the store takes nothing any more, and may soon give
    /// nothing either.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Failed(reason) if !is_corruption(reason))
    }
}

/// Whether RocksDB says that what it has read is not what it wrote.
fn is_corruption(message: &str) -> bool {
    message.starts_with("Corruption")
}
