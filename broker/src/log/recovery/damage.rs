//! What to do about a damaged write-ahead log: refuse to open, unless the damage is what a loss of power leaves,
//! or the operator has consented to lose what follows it.

use std::fs;
use std::io;

use super::wal::{Damage, Demand, WalFiles};
use crate::log::OpenError;
use crate::log::db::Db;
use crate::log::dir::DataDir;

/// Looks at the write-ahead log before RocksDB replays it up to the first damage, and cuts it there if that is
/// all that can be done.
///
/// # Errors
/// When acknowledged records would be lost, or the files cannot be read.
pub(in crate::log) fn judge_wal(dir: &DataDir) -> Result<(), OpenError> {
    let unreadable = |source| OpenError::Directory { dir: dir.path.clone(), source };
    let mut files = WalFiles::of(&dir.database).map_err(unreadable)?;
    let lost_power = !dir.is_same_boot();
    let demand = if lost_power { Demand::Complete } else { Demand::Readable };
    // Not one start in many goes on from here.
    if !lost_power && files.find_damage(demand).map_err(unreadable)?.is_none() {
        return files.trim().map_err(unreadable);
    }
    // Older files lie about until they are used again: they miss nothing, and end nothing.
    let needed = Db::first_needed_wal(&dir.database, &dir.path)
        .map_err(|message| OpenError::of_database(&dir.path, message))?;
    files.skip_to(needed);
    let Some(damage) = files.find_damage(demand).map_err(unreadable)? else {
        return files.trim().map_err(unreadable);
    };
    let consent = dir.consent();
    let Damage { file, at, resumes, .. } = &damage;
    if !lost_power && !consent.exists() {
        let (file, at, resumes) = (file.clone(), *at, *resumes);
        return Err(OpenError::DamagedWal { file, at, resumes, consent });
    }
    damage.cut().map_err(unreadable)?;
    tracing::warn!(
        file = %file.display(), at, resumes, lost_power,
        "the write-ahead log ends here: what follows is lost. Only what is synced (flush.messages=1) outlives a \
         loss of power"
    );
    files.trim().map_err(unreadable)
}

/// Consent holds for one start.
pub(in crate::log) fn withdraw_consent(dir: &DataDir) -> io::Result<()> {
    match fs::remove_file(dir.consent()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
