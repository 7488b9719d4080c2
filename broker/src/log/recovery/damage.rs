//! What to do about a damaged write-ahead log: refuse to open, unless the damage is what a loss of
//! power leaves, or the operator has consented to lose what follows it.

use super::wal::{Damage, Demand, WalFiles};
use crate::log::OpenError;
use crate::log::db::Db;
use crate::log::dir::DataDir;

/// The write-ahead log as it was found, before anything in it is changed.
#[derive(Debug)]
pub(in crate::log) struct InspectedWal {
    files: WalFiles,
    damage: Option<Damage>,
}

/// Looks at the write-ahead log before RocksDB replays it up to the first damage.
///
/// # Errors
/// When acknowledged records would be lost, or the files cannot be read.
pub(in crate::log) fn inspect_wal(dir: &DataDir) -> Result<InspectedWal, OpenError> {
    let unreadable = |source| OpenError::Directory { dir: dir.path.clone(), source };
    let mut files = WalFiles::of(&dir.database).map_err(unreadable)?;
    let lost_power = !dir.keeps_unsynced();
    let demand = if lost_power { Demand::Complete } else { Demand::Readable };
    // Almost every start ends here.
    if !lost_power && files.find_damage(demand).map_err(unreadable)?.is_none() {
        return Ok(InspectedWal { files, damage: None });
    }
    // Files that are needed no more may lack anything.
    let needed = Db::first_needed_wal(&dir.database, &dir.path)
        .map_err(|message| OpenError::of_database(&dir.path, message))?;
    files.skip_to(needed);
    let damage = files.find_damage(demand).map_err(unreadable)?;
    let consent = dir.damage_consent();
    match &damage {
        Some(Damage { file, at, resumes, .. }) if !lost_power && !consent.exists() => {
            let (file, at, resumes) = (file.clone(), *at, *resumes);
            Err(OpenError::DamagedWal { file, at, resumes, consent })
        }
        _ => Ok(InspectedWal { files, damage }),
    }
}

impl InspectedWal {
    /// Whether nothing is missing or damaged in it, as far as that can be told.
    pub(in crate::log) fn is_whole(&self) -> bool {
        self.damage.is_none()
    }

    /// Cuts the log at the damage, and removes what follows the last whole batch of each file.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(in crate::log) fn repair(&self, dir: &DataDir) -> Result<(), OpenError> {
        let failed = |source| OpenError::Directory { dir: dir.path.clone(), source };
        if let Some(damage) = &self.damage {
            damage.cut().map_err(failed)?;
            let Damage { file, at, resumes, .. } = damage;
            tracing::warn!(
                file = %file.display(), at, resumes,
                "the write-ahead log ends here: what follows is lost. Only what is synced (flush.messages=1) outlives a \
                 loss of power"
            );
        }
        self.files.trim().map_err(failed)
    }
}
