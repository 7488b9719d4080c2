//! The data directory: made, locked, and known to be of this format before RocksDB sees it.
//!
//! ```text
//! DIR/lock      held by the process that has the store open
//! DIR/format    "1": the version of all that the log persists
//! DIR/location  where and when it was written last
//! DIR/rocksdb/  the database
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::OpenError;
use super::location::Location;

/// Version of the layout and of all formats in it together.
const FORMAT: u32 = 1;

/// A data directory that this process has to itself.
#[derive(Debug)]
pub(super) struct DataDir {
    pub(super) path: PathBuf,
    pub(super) database: PathBuf,
    pub(super) lock: File,
    pub(super) direct_io: bool,
    /// Where it was written last, if that was noted.
    noted: Option<Location>,
    now: Location,
}

impl DataDir {
    /// Whether all that was written here before is still there, synced or not. Where that is not
    /// known, a damage counts as a loss of power.
    pub(super) fn keeps_unsynced(&self) -> bool {
        self.noted.as_ref().is_some_and(|noted| noted.keeps_unsynced(&self.now))
    }

    /// Whether it was copied since it was written last.
    pub(super) fn is_copy(&self) -> bool {
        self.noted.as_ref().is_some_and(|noted| noted.is_copied_to(&self.now))
    }

    /// Whether there is no database in it yet.
    pub(super) fn is_new(&self) -> bool {
        !self.database.join("CURRENT").exists()
    }

    /// Notes that it is written here from now on.
    pub(super) fn note_location(&self) -> io::Result<()> {
        replace_file(&self.path.join("location"), self.now.print().as_bytes())
    }

    /// The file by which the operator consents to the loss of what follows a damage.
    pub(super) fn damage_consent(&self) -> PathBuf {
        self.path.join("start-without-what-is-damaged")
    }

    /// The file by which the operator says that this copy takes the place of the original.
    pub(super) fn copy_consent(&self) -> PathBuf {
        self.path.join("use-this-copy")
    }

    /// Removes what the operator consented to: it holds for one start.
    pub(super) fn withdraw_consents(&self) -> io::Result<()> {
        for consent in [self.damage_consent(), self.copy_consent()] {
            match fs::remove_file(consent) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Makes the directory if need be (not its parents: a missing mount must not go unnoticed), takes
/// its lock, and checks its format.
pub(super) fn claim(dir: &Path) -> Result<DataDir, OpenError> {
    let failed = |source| OpenError::Directory { dir: dir.to_owned(), source };
    if !dir.exists() {
        fs::create_dir(dir).map_err(failed)?;
    }
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join("lock"))
        .map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(dir.to_owned())),
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    check_format(dir)?;
    let direct_io = has_direct_io(dir).map_err(failed)?;
    if !direct_io {
        tracing::info!(dir = %dir.display(), "no direct I/O on this file system: flushes are buffered");
    }
    let (path, database) = (dir.to_owned(), dir.join("rocksdb"));
    let (noted, now) =
        (Location::read(&dir.join("location")), Location::of(&lock).map_err(failed)?);
    let claimed = DataDir { path, database, lock, direct_io, noted, now };
    let consent = claimed.copy_consent();
    if claimed.is_copy() && !consent.exists() {
        return Err(OpenError::Copied { dir: dir.to_owned(), consent });
    }
    Ok(claimed)
}

fn check_format(dir: &Path) -> Result<(), OpenError> {
    let failed = |source| OpenError::Directory { dir: dir.to_owned(), source };
    let path = dir.join("format");
    match fs::read_to_string(&path) {
        Ok(text) if text.trim() == FORMAT.to_string() => Ok(()),
        Ok(text) => Err(OpenError::Format {
            dir: dir.to_owned(),
            found: text.trim().chars().take(32).collect(),
            expected: FORMAT,
        }),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        Err(_) if dir.join("rocksdb").exists() => Err(OpenError::Foreign(dir.to_owned())),
        Err(_) => replace_file(&path, format!("{FORMAT}\n").as_bytes()).map_err(failed),
    }
}

/// Writes a small file so that it is there whole, after a crash too, or not at all.
pub(crate) fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Direct I/O wants memory aligned to the device's blocks.
#[repr(align(4096))]
struct Block([u8; 4096]);

/// Whether files in `dir` can be written around the page cache: tmpfs and some overlays cannot.
fn has_direct_io(dir: &Path) -> io::Result<bool> {
    let path = dir.join("direct-io-probe");
    let opened = File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(&path);
    let direct = match opened {
        Ok(mut file) => match file.write_all(&Block([0; 4096]).0) {
            Err(error) => error.raw_os_error() != Some(libc::EINVAL),
            Ok(()) => true,
        },
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => false,
        Err(error) => return Err(error),
    };
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(direct),
    }
}
