//! What this broker has seen of the cluster, kept in its data directory: if etcd ever shows less, an old
//! backup was restored, and serving on would undo acknowledged changes.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use barnabas_protocol::state::ids::BrokerEpoch;

use crate::metadata::Revision;

const FILE: &str = "seen.properties";
const REVISION: &str = "etcd.revision";
const CLEAN_EPOCH: &str = "clean.shutdown.broker.epoch";

/// The file's content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The highest etcd revision that was acted on.
    pub(super) revision: Revision,
    /// The broker epoch of a life that was shut down in order; absent while the broker runs.
    pub(super) clean_epoch: Option<BrokerEpoch>,
}

impl Seen {
    /// Reads the file; a directory without one has seen nothing.
    pub(super) fn read(dir: &Path) -> io::Result<Self> {
        match fs::read_to_string(dir.join(FILE)) {
            Ok(text) => Self::parse(&text).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} is malformed"))
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Replaces the file as a whole, durably.
    pub(super) fn write(&self, dir: &Path) -> io::Result<()> {
        let (path, next) = (dir.join(FILE), dir.join(format!("{FILE}.next")));
        let mut file = fs::File::create(&next)?;
        file.write_all(self.print().as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, &path)?;
        fs::File::open(dir)?.sync_all()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut seen = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let (key, value) = line.split_once('=')?;
            let value = value.parse().ok()?;
            match key {
                REVISION => seen.revision = Revision(value),
                CLEAN_EPOCH => seen.clean_epoch = Some(BrokerEpoch(value)),
                _ => return None,
            }
        }
        Some(seen)
    }

    fn print(&self) -> String {
        let clean = self.clean_epoch.map(|epoch| format!("{CLEAN_EPOCH}={epoch}\n"));
        format!(
            "# The newest state of etcd that this broker has acted on.\n{REVISION}={}\n{}",
            self.revision.0,
            clean.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back() {
        let dir = tempfile::tempdir().expect("directory");
        assert_eq!(Seen::read(dir.path()).expect("readable"), Seen::default());
        for clean_epoch in [None, Some(BrokerEpoch(42))] {
            let seen = Seen { revision: Revision(17), clean_epoch };
            seen.write(dir.path()).expect("writable");
            assert_eq!(Seen::read(dir.path()).expect("readable"), seen);
        }
    }

    #[test]
    fn a_malformed_file_is_not_taken_for_an_empty_one() {
        for text in ["etcd.revision", "etcd.revision=x", "other=1"] {
            assert_eq!(Seen::parse(text), None, "{text}");
        }
    }
}
