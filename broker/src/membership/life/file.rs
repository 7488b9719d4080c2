//! The file `life`: read once, and written whole before what it says comes true.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use barnabas_coordinator_client::LeaseId;
use barnabas_protocol::state::ids::BrokerEpoch;
use parking_lot::Mutex;

use super::{Claim, LastRegistration, Life};
use crate::log::{DirCondition, replace_file};
use crate::metadata::{Absence, HeldData};

const FILE: &str = "life";

/// The file of a running broker. Its methods block, but for those that say otherwise.
#[derive(Debug)]
pub struct LifeFile {
    path: PathBuf,
    /// What is in the file. Held while the file is written, so that it is written in the order of
    /// the changes.
    life: Mutex<Life>,
}

impl LifeFile {
    /// Reads the file of a directory that was found in this condition, and notes the verdict of
    /// this start. To be called before anything else in the directory is changed.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is malformed.
    pub fn judge(dir: &Path, found: DirCondition) -> io::Result<Self> {
        let path = dir.join(FILE);
        let life = match fs::read_to_string(&path) {
            Ok(text) => parse(&text).ok_or_else(|| {
                let what = format!(
                    "{} is malformed; without it, the directory counts as new",
                    path.display()
                );
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Life::default(),
            Err(error) => return Err(error),
        };
        let file = Self { path, life: Mutex::new(life) };
        file.change(|life| life.judge(found))?;
        Ok(file)
    }

    /// What is in the file. Does not block for long.
    pub(in crate::membership) fn life(&self) -> Life {
        self.life.lock().clone()
    }

    /// Whether the directory was registered before and holds nothing of that any more, as a new
    /// store or a copy that may be unfinished. Does not block for long.
    pub fn begins_anew(&self) -> bool {
        self.life.lock().begins_anew()
    }

    /// Forgets all registrations: the directory is another one from here on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget(&self) -> io::Result<()> {
        self.change(|_| Life::default())
    }

    /// Notes that a registration with this lease is about to be sent. Does not block the runtime.
    pub(in crate::membership) async fn trying(self: &Arc<Self>, lease: LeaseId) -> io::Result<()> {
        self.change_elsewhere(move |life| life.trying(lease)).await
    }

    /// Notes that the broker is registered. Does not block the runtime.
    pub(in crate::membership) async fn registered(
        self: &Arc<Self>,
        epoch: BrokerEpoch,
        lease: LeaseId,
        held: HeldData,
    ) -> io::Result<()> {
        self.change_elsewhere(move |life| life.registered(epoch, lease, &held)).await
    }

    /// Notes that a write or a sync has failed.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn lost(&self) -> io::Result<()> {
        self.change(Life::lost)
    }

    /// Notes that the store was closed in order.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn closed(&self) -> io::Result<()> {
        self.change(Life::closed)
    }

    fn change(&self, change: impl FnOnce(Life) -> Life) -> io::Result<()> {
        let mut life = self.life.lock();
        let changed = change(life.clone());
        replace_file(&self.path, print(&changed).as_bytes())?;
        *life = changed;
        Ok(())
    }

    async fn change_elsewhere(
        self: &Arc<Self>,
        change: impl FnOnce(Life) -> Life + Send + 'static,
    ) -> io::Result<()> {
        let file = Arc::clone(self);
        let changed = tokio::task::spawn_blocking(move || file.change(change)).await;
        changed.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

fn print(life: &Life) -> String {
    let mut lines =
        vec!["# What this directory holds of its broker's data. Written by the broker.".to_owned()];
    if let Some(last) = life.last {
        lines.extend([format!("epoch={}", last.epoch), format!("lease={}", last.lease.0)]);
    }
    lines.extend(life.tried.iter().map(|lease| format!("tried={}", lease.0)));
    if let Some(claim) = &life.claim {
        lines.push(format!("directory.since={}", claim.directory_since));
        let absence = |gap: &Absence| format!("absence={}:{}", gap.after, gap.before);
        lines.extend(claim.absences.iter().map(absence));
        lines.extend(claim.lossless_since.map(|since| format!("lossless.since={since}")));
    }
    lines.push(format!("closed={}", life.closed));
    lines.join("\n") + "\n"
}

fn parse(text: &str) -> Option<Life> {
    let mut life = Life::default();
    let (mut epoch, mut lease, mut since, mut lossless_since) = (None, None, None, None);
    let mut absences = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (key, value) = line.split_once('=')?;
        match key {
            "epoch" => epoch = Some(BrokerEpoch(value.parse().ok()?)),
            "lease" => lease = Some(LeaseId(value.parse().ok()?)),
            "tried" => life.tried.push(LeaseId(value.parse().ok()?)),
            "directory.since" => since = Some(BrokerEpoch(value.parse().ok()?)),
            "lossless.since" => lossless_since = Some(BrokerEpoch(value.parse().ok()?)),
            "absence" => {
                let (after, before) = value.split_once(':')?;
                let (after, before) = (after.parse().ok()?, before.parse().ok()?);
                absences.push(Absence { after: BrokerEpoch(after), before: BrokerEpoch(before) });
            }
            "closed" => life.closed = value.parse().ok()?,
            _ => return None,
        }
    }
    life.last = match (epoch, lease) {
        (Some(epoch), Some(lease)) => Some(LastRegistration { epoch, lease }),
        (None, None) => None,
        _ => return None,
    };
    life.claim = since.map(|directory_since| Claim { directory_since, absences, lossless_since });
    Some(life)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: DirCondition =
        DirCondition { is_new: false, is_copy: false, keeps_unsynced: true, wal_is_whole: true };

    fn full() -> Life {
        let absences = vec![
            Absence { after: BrokerEpoch(4), before: BrokerEpoch(6) },
            Absence { after: BrokerEpoch(7), before: BrokerEpoch(8) },
        ];
        let (directory_since, lossless_since) = (BrokerEpoch(3), BrokerEpoch(8));
        let held = HeldData { directory_since, absences, lossless_since };
        Life::default().registered(BrokerEpoch(9), LeaseId(-70), &held).trying(LeaseId(71))
    }

    #[test]
    fn what_was_written_is_read_back() {
        for life in [Life::default(), full(), full().lost(), full().closed()] {
            assert_eq!(parse(&print(&life)), Some(life));
        }
    }

    #[test]
    fn a_malformed_file_is_not_taken_for_an_empty_one() {
        for text in ["epoch", "epoch=1", "closed=1", "absence=3", "other=1", "tried=x"] {
            assert_eq!(parse(text), None, "{text}");
        }
        let dir = tempfile::tempdir().expect("directory");
        fs::write(dir.path().join(FILE), "epoch=x").expect("writable");
        assert!(LifeFile::judge(dir.path(), FOUND).is_err());
    }

    #[tokio::test]
    async fn each_step_is_in_the_file_before_it_counts() {
        let dir = tempfile::tempdir().expect("directory");
        let kept = || parse(&fs::read_to_string(dir.path().join(FILE)).expect("written"));
        let file = Arc::new(LifeFile::judge(dir.path(), FOUND).expect("writable"));
        assert_eq!(kept(), Some(Life::default()));
        file.trying(LeaseId(70)).await.expect("writable");
        assert_eq!(kept(), Some(Life::default().trying(LeaseId(70))));
        let held = HeldData::since(BrokerEpoch(9));
        file.registered(BrokerEpoch(9), LeaseId(70), held.clone()).await.expect("writable");
        let registered = Life::default().registered(BrokerEpoch(9), LeaseId(70), &held);
        assert_eq!(kept(), Some(registered.clone()));
        file.closed().expect("writable");
        assert_eq!(kept(), Some(registered.clone().closed()));
        let again = LifeFile::judge(dir.path(), FOUND).expect("readable");
        assert_eq!((again.life(), kept()), (registered.clone(), Some(registered.clone())));
        again.lost().expect("writable");
        assert_eq!(kept(), Some(registered.lost()));
    }
}
