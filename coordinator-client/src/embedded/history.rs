//! The committed changes since the last compaction, revision by revision: what watches replay.
//!
//! Two copies exist, sharing their entries: the store's own, which says what a compaction may
//! drop, and the published one, which holds only what is on disk and which watches read.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use bytes::Bytes;

/// The revision of an empty store. The first change makes revision 2, as in etcd.
pub(crate) const FIRST_REVISION: i64 = 1;

/// One version of one key. `version == 0` is a tombstone: the key was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    /// The revision that made it.
    pub(crate) mod_revision: i64,
    /// Its place among the changes of that revision; with the revision it names the disk entry.
    pub(crate) sub: u32,
    /// The revision at which the key came into being; 0 for a tombstone.
    pub(crate) create_revision: i64,
    /// How many times the key was written since then; 0 for a tombstone.
    pub(crate) version: i64,
    /// The lease that the key hangs on; 0 for none.
    pub(crate) lease: i64,
    /// The value; empty for a tombstone.
    pub(crate) value: Bytes,
}

impl Version {
    /// Whether the key was deleted.
    pub(crate) fn is_tombstone(&self) -> bool {
        self.version == 0
    }
}

/// A key that was written or deleted, and what it held before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: Bytes,
    pub(crate) version: Version,
    /// `None` if the key did not exist.
    pub(crate) previous: Option<Version>,
}

impl Change {
    /// About what it occupies in memory. Counts the previous value too: the history may be the
    /// last to hold it.
    pub(crate) fn bytes(&self) -> usize {
        let previous = self.previous.as_ref().map_or(0, |previous| previous.value.len());
        size_of::<Self>() + self.key.len() + self.version.value.len() + previous
    }
}

/// All changes of one revision.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) revision: i64,
    /// When, since the server's start.
    pub(crate) at: Duration,
    pub(crate) changes: Vec<Change>,
}

impl Commit {
    /// About what it occupies in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.changes.iter().map(Change::bytes).sum()
    }
}

/// How much history is kept. What exceeds any of the bounds is compacted away by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// At most so many revisions.
    pub revisions: usize,
    /// At most so old. Looked at when something is written: an idle server does not wake for it.
    pub age: Duration,
    /// At most so many bytes of keys and values.
    pub bytes: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self { revisions: 10_000, age: Duration::from_secs(300), bytes: 32 << 20 }
    }
}

/// The commits at and after the compacted revision, without gaps.
#[derive(Debug)]
pub(crate) struct History {
    commits: VecDeque<Arc<Commit>>,
    revision: i64,
    compacted: i64,
    bytes: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { commits: VecDeque::new(), revision: FIRST_REVISION, compacted: -1, bytes: 0 }
    }
}

impl History {
    /// A history without commits at `revision`, compacted up to `compacted` (-1: never).
    pub(crate) fn new(revision: i64, compacted: i64) -> Self {
        Self { commits: VecDeque::new(), revision, compacted, bytes: 0 }
    }

    /// The newest revision in it.
    pub(crate) fn revision(&self) -> i64 {
        self.revision
    }

    /// The revision compacted up to, -1 if never. It can itself still be read and watched.
    pub(crate) fn compacted(&self) -> i64 {
        self.compacted
    }

    /// The revision before the first commit.
    pub(crate) fn base(&self) -> i64 {
        self.commits.front().map_or(self.revision, |commit| commit.revision - 1)
    }

    /// Adds the next revision.
    pub(crate) fn push(&mut self, commit: Arc<Commit>) {
        debug_assert_eq!(commit.revision, self.revision + 1, "a revision was skipped");
        self.revision = commit.revision;
        self.bytes += commit.bytes();
        self.commits.push_back(commit);
    }

    /// The commits from `revision` on.
    pub(crate) fn since(&self, revision: i64) -> impl Iterator<Item = &Arc<Commit>> {
        let from = self.commits.partition_point(|commit| commit.revision < revision);
        self.commits.range(from..)
    }

    /// The commits up to and including `revision`.
    pub(crate) fn until(&self, revision: i64) -> impl Iterator<Item = &Arc<Commit>> {
        let end = self.commits.partition_point(|commit| commit.revision <= revision);
        self.commits.range(..end)
    }

    /// Forgets the commits below `revision`.
    pub(crate) fn compact(&mut self, revision: i64) {
        while self.commits.front().is_some_and(|commit| commit.revision < revision) {
            if let Some(commit) = self.commits.pop_front() {
                self.bytes -= commit.bytes();
            }
        }
        self.compacted = self.compacted.max(revision);
    }

    /// The revision to compact to, if a bound is exceeded by more than an eighth. The slack makes
    /// compactions few, each paid for by the many writes since the last.
    pub(crate) fn excess(&self, retention: &Retention, now: Duration) -> Option<i64> {
        let oldest = self.commits.front()?;
        let slack = |bound: usize| bound + bound / 8;
        let due = self.commits.len() > slack(retention.revisions)
            || self.bytes > slack(retention.bytes)
            || now.saturating_sub(oldest.at) > retention.age + retention.age / 8;
        due.then(|| self.keep_from(retention, now)).filter(|to| *to > self.compacted)
    }

    /// The oldest revision that is within all bounds; the newest one always is.
    fn keep_from(&self, retention: &Retention, now: Duration) -> i64 {
        let (mut count, mut bytes) = (self.commits.len(), self.bytes);
        for commit in &self.commits {
            let aged = now.saturating_sub(commit.at) > retention.age;
            if count <= retention.revisions && bytes <= retention.bytes && !aged {
                return commit.revision;
            }
            count -= 1;
            bytes -= commit.bytes();
        }
        self.revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(revision: i64, at_secs: u64) -> Arc<Commit> {
        let version = Version {
            mod_revision: revision,
            sub: 0,
            create_revision: revision,
            version: 1,
            lease: 0,
            value: Bytes::from_static(&[0; 100]),
        };
        let change = Change { key: Bytes::from_static(b"k"), version, previous: None };
        Arc::new(Commit { revision, at: Duration::from_secs(at_secs), changes: vec![change] })
    }

    fn history(last: i64) -> History {
        let mut history = History::default();
        (2..=last).for_each(|revision| history.push(commit(revision, revision as u64)));
        history
    }

    const WIDE: Retention =
        Retention { revisions: 1000, age: Duration::from_secs(1000), bytes: 1 << 20 };

    #[test]
    fn each_bound_compacts_and_slack_keeps_it_rare() {
        let history = history(101);
        let now = Duration::from_secs(101);
        assert_eq!(history.excess(&WIDE, now), None);
        assert_eq!(history.excess(&Retention { revisions: 90, ..WIDE }, now), None);
        assert_eq!(history.excess(&Retention { revisions: 80, ..WIDE }, now), Some(22));
        let age = Duration::from_secs(40);
        assert_eq!(history.excess(&Retention { age, ..WIDE }, now), Some(61));
        let bytes = 10 * commit(2, 0).bytes();
        assert_eq!(history.excess(&Retention { bytes, ..WIDE }, now), Some(92));
        let all_aged = now + WIDE.age * 2;
        assert_eq!(history.excess(&WIDE, all_aged), Some(101));
    }

    #[test]
    fn compaction_keeps_the_revision_it_names() {
        let mut history = history(10);
        history.compact(5);
        assert_eq!(history.compacted(), 5);
        assert_eq!(history.since(0).next().map(|commit| commit.revision), Some(5));
        assert_eq!(history.since(8).count(), 3);
        assert_eq!(history.until(6).count(), 2);
        history.compact(10);
        assert_eq!(history.bytes, commit(10, 0).bytes());
    }
}
