//! What to do about a damaged write-ahead log: refuse to open, unless the damage is what a loss of power leaves,
//! or the operator has consented to lose what follows it.

use std::fs;
use std::io;

use super::dir::DataDir;
use super::{OpenError, wal};

/// Looks at the write-ahead log before RocksDB replays it up to the first damage.
///
/// # Errors
/// When acknowledged records would be lost.
pub(super) fn judge_wal(dir: &DataDir) -> Result<(), OpenError> {
    let unreadable = |source| OpenError::Directory { dir: dir.path.clone(), source };
    let Some(damage) = wal::find_damage(&dir.database).map_err(unreadable)? else { return Ok(()) };
    let wal::Damage { file, at, resumes } = damage;
    let consent = dir.consent();
    if !dir.is_same_boot() {
        tracing::warn!(
            file = %file.display(), at, resumes,
            "the machine went down: what it had not synced is lost from here on (flush.messages=1 syncs it all)"
        );
        Ok(())
    } else if consent.exists() {
        tracing::warn!(file = %file.display(), at, resumes, "starting without what follows the damage");
        Ok(())
    } else {
        Err(OpenError::DamagedWal { file, at, resumes, consent })
    }
}

/// Consent holds for one start.
pub(super) fn withdraw_consent(dir: &DataDir) -> io::Result<()> {
    match fs::remove_file(dir.consent()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
