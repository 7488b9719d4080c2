//! What the reader of a watch has been told: which keys exist, and as of when.
//!
//! Values are not kept, a key's `mod_revision` stands for them.

use super::Change;
use crate::kv::{Listing, ModRevision, Revision};
use bytes::Bytes;
use std::collections::HashMap;

/// The keys and the revision that the reader knows.
#[derive(Debug, Default)]
pub(super) struct View {
    revision: Revision,
    keys: HashMap<Bytes, ModRevision>,
}

impl View {
    /// Everything up to here has been told.
    pub(super) const fn revision(&self) -> Revision {
        self.revision
    }

    /// The reader is told a snapshot.
    pub(super) fn reset(&mut self, listing: &Listing) {
        self.revision = listing.revision;
        self.keys.clear();
        self.keys.extend(listing.entries.iter().map(|kv| (kv.key.clone(), kv.mod_revision)));
    }

    /// The reader is told these changes; returns those that are news.
    pub(super) fn apply(&mut self, mut changes: Vec<Change>) -> Vec<Change> {
        let known = self.revision.0;
        changes.retain(|change| change.mod_revision().0 > known);
        for change in &changes {
            self.revision = Revision(change.mod_revision().0);
            match change {
                Change::Put(kv) => self.keys.insert(kv.key.clone(), kv.mod_revision),
                Change::Delete { key, .. } => self.keys.remove(key),
            };
        }
        changes
    }

    /// Whether a snapshot would tell the reader nothing new.
    pub(super) fn matches(&self, listing: &Listing) -> bool {
        self.keys.len() == listing.entries.len()
            && listing.entries.iter().all(|kv| self.keys.get(&kv.key) == Some(&kv.mod_revision))
    }

    /// Nothing more is to be told up to `revision`.
    pub(super) fn advance(&mut self, revision: Revision) {
        self.revision = self.revision.max(revision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::{CreateRevision, KeyValue, LeaseId};

    fn kv(key: &'static str, revision: i64) -> KeyValue {
        KeyValue {
            key: key.into(),
            value: Bytes::new(),
            create_revision: CreateRevision(1),
            mod_revision: ModRevision(revision),
            version: 1,
            lease: LeaseId::NONE,
        }
    }

    fn listing(revision: i64, entries: Vec<KeyValue>) -> Listing {
        Listing { revision: Revision(revision), entries }
    }

    fn gone(key: &'static str, revision: i64) -> Change {
        Change::Delete { key: key.into(), mod_revision: ModRevision(revision) }
    }

    #[test]
    fn changes_lead_from_one_listing_to_the_next() {
        let mut view = View::default();
        view.reset(&listing(5, vec![kv("a", 3), kv("b", 5)]));
        let news = view.apply(vec![gone("a", 6), Change::Put(kv("c", 7))]);
        assert_eq!(news.len(), 2);
        assert_eq!(view.revision(), Revision(7));
        assert!(view.matches(&listing(7, vec![kv("b", 5), kv("c", 7)])));
        assert!(!view.matches(&listing(7, vec![kv("b", 5), kv("c", 8)])));
        assert!(!view.matches(&listing(7, vec![kv("b", 5)])));
        assert!(!view.matches(&listing(7, vec![kv("b", 5), kv("d", 7)])));
    }

    #[test]
    fn what_is_known_is_not_told_again() {
        let mut view = View::default();
        view.reset(&listing(5, vec![kv("a", 3)]));
        let again = vec![gone("a", 2), Change::Put(kv("a", 3)), Change::Put(kv("b", 6))];
        assert_eq!(view.apply(again), [Change::Put(kv("b", 6))]);
    }

    #[test]
    fn several_changes_of_one_revision_are_all_news() {
        let mut view = View::default();
        view.reset(&listing(5, vec![]));
        let txn = vec![Change::Put(kv("a", 6)), Change::Put(kv("b", 6))];
        assert_eq!(view.apply(txn.clone()), txn);
        view.advance(Revision(9));
        view.advance(Revision(8));
        assert_eq!(view.revision(), Revision(9));
    }
}
