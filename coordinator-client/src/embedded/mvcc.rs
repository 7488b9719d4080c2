//! The key-value store as a state machine: every version of every key since the last compaction.
//!
//! No I/O, no clock: a write stages changes at the next revision, [`Store::commit`] makes them one
//! revision and hands them out. Reads between the two already see what was staged, as reads inside
//! an etcd transaction do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    error::OpError,
    history::{Change, Commit, History, Version},
    key_range::KeyRange,
};

/// Names the disk entry of a version: revision, and place within it.
pub(crate) type EntryId = (i64, u32);

/// All keys with their versions, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Store {
    keys: BTreeMap<Bytes, Vec<Version>>,
    staged: Vec<Change>,
    history: History,
}

impl Store {
    /// An empty store to [`restore`](Self::restore) into, compacted up to `compacted`.
    pub(crate) fn compacted_at(compacted: i64) -> Self {
        let revision = History::default().revision();
        let history = History::new(revision.max(compacted - 1), compacted);
        Self { history, ..Self::default() }
    }

    /// The newest committed revision.
    pub(crate) fn revision(&self) -> i64 {
        self.history.revision()
    }

    /// The revision that reads see: the next one as soon as something is staged.
    pub(crate) fn read_revision(&self) -> i64 {
        self.revision() + i64::from(!self.staged.is_empty())
    }

    /// The commits since the last compaction.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// The live version of `key`.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Version> {
        self.keys.get(key)?.last().filter(|version| !version.is_tombstone())
    }

    /// The keys of `range` in order, as of revision `at` (`None`: now, with what is staged).
    pub(crate) fn range(
        &self,
        range: &KeyRange,
        at: Option<i64>,
    ) -> impl Iterator<Item = (&Bytes, &Version)> {
        let keys = (!range.is_empty()).then(|| self.keys.range::<[u8], _>(range.bounds()));
        keys.into_iter().flatten().filter_map(move |(key, versions)| {
            let seen = match at {
                None => versions.last(),
                Some(at) => {
                    let newer = versions.partition_point(|version| version.mod_revision <= at);
                    newer.checked_sub(1).map(|index| &versions[index])
                }
            };
            seen.filter(|version| !version.is_tombstone()).map(|version| (key, version))
        })
    }

    /// Stages a write of `key`; returns what it held.
    pub(crate) fn put(&mut self, key: Bytes, value: Bytes, lease: i64) -> Option<Version> {
        let next = self.revision() + 1;
        let previous = self.get(&key).cloned();
        let version = Version {
            mod_revision: next,
            sub: self.next_sub(),
            create_revision: previous.as_ref().map_or(next, |previous| previous.create_revision),
            version: previous.as_ref().map_or(1, |previous| previous.version + 1),
            lease,
            value,
        };
        self.stage(key, version, previous.clone());
        previous
    }

    /// Stages the deletion of `key`; returns what it held, `None` if it did not exist.
    pub(crate) fn delete(&mut self, key: &Bytes) -> Option<Version> {
        let previous = self.get(key).cloned()?;
        let tombstone = Version {
            mod_revision: self.revision() + 1,
            sub: self.next_sub(),
            create_revision: 0,
            version: 0,
            lease: 0,
            value: Bytes::new(),
        };
        self.stage(key.clone(), tombstone, Some(previous.clone()));
        Some(previous)
    }

    fn next_sub(&self) -> u32 {
        u32::try_from(self.staged.len()).expect("one request holds far fewer changes")
    }

    fn stage(&mut self, key: Bytes, version: Version, previous: Option<Version>) {
        let entry = self.keys.entry(key);
        // The index and the history share one copy of the key.
        let key = entry.key().clone();
        entry.or_default().push(version.clone());
        self.staged.push(Change { key, version, previous });
    }

    /// Makes what was staged one revision; `None` if nothing was.
    pub(crate) fn commit(&mut self, now: Duration) -> Option<Arc<Commit>> {
        if self.staged.is_empty() {
            return None;
        }
        let changes = std::mem::take(&mut self.staged);
        let commit = Arc::new(Commit { revision: self.revision() + 1, at: now, changes });
        self.history.push(Arc::clone(&commit));
        Some(commit)
    }

    /// Drops all versions that reads at `at` and above cannot see; returns their disk entries.
    /// Costs as much as there are changes up to `at`, not as there are keys.
    ///
    /// # Errors
    /// [`OpError::Compacted`] if that was done already, [`OpError::FutureRevision`] if `at` is yet
    /// to come.
    pub(crate) fn compact(&mut self, at: i64) -> Result<Vec<EntryId>, OpError> {
        if at <= self.history.compacted() {
            return Err(OpError::Compacted);
        }
        if at > self.revision() {
            return Err(OpError::FutureRevision);
        }
        let mut dropped = Vec::new();
        for change in self.history.until(at).flat_map(|commit| &commit.changes) {
            trim(&mut self.keys, &change.key, at, &mut dropped);
        }
        self.history.compact(at);
        Ok(dropped)
    }

    /// Puts back the changes of one revision as they were read from disk, oldest revision first.
    /// What is at or above the compacted revision becomes history again, as old as `now`.
    pub(crate) fn restore(&mut self, revision: i64, changes: Vec<(Bytes, Version)>, now: Duration) {
        let mut restored = Vec::with_capacity(changes.len());
        for (key, version) in changes {
            let entry = self.keys.entry(key);
            let key = entry.key().clone();
            let versions = entry.or_default();
            let previous = versions.last().filter(|previous| !previous.is_tombstone()).cloned();
            versions.push(version.clone());
            restored.push(Change { key, version, previous });
        }
        if revision >= self.history.compacted() {
            let commit = Commit { revision, at: now, changes: restored };
            self.history.push(Arc::new(commit));
        }
    }
}

/// Drops the versions of `key` that nobody can read at `at` or above. A tombstone at exactly `at`
/// stays until the next compaction: a watch may start there.
fn trim(
    keys: &mut BTreeMap<Bytes, Vec<Version>>,
    key: &Bytes,
    at: i64,
    dropped: &mut Vec<EntryId>,
) {
    let Some(versions) = keys.get_mut(key) else { return };
    let newer = versions.partition_point(|version| version.mod_revision <= at);
    let Some(seen) = newer.checked_sub(1) else { return };
    let gone = versions[seen].is_tombstone() && versions[seen].mod_revision < at;
    let keep_from = if gone { newer } else { seen };
    dropped.extend(versions.drain(..keep_from).map(|version| (version.mod_revision, version.sub)));
    if versions.is_empty() {
        keys.remove(key);
    }
}
