//! Puts the events of one revision together again.
//!
//! etcd splits a large reply into fragments, between any two events. A revision counts as seen only
//! when all of it arrived: a stream that resumes after half a transaction would lose the other
//! half.

use super::Change;

/// Events of a revision that may not be complete yet.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    held: Vec<Change>,
}

impl Assembler {
    /// Takes the events of one reply, which another `fragment` follows or not, and returns those of
    /// whole revisions.
    pub(super) fn push(&mut self, changes: Vec<Change>, fragment: bool) -> Vec<Change> {
        self.held.extend(changes);
        if !fragment {
            return std::mem::take(&mut self.held);
        }
        let Some(last) = self.held.last().map(Change::mod_revision) else { return Vec::new() };
        let open = self.held.partition_point(|change| change.mod_revision() < last);
        let rest = self.held.split_off(open);
        std::mem::replace(&mut self.held, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::ModRevision;
    use proptest::prelude::*;

    fn gone(key: &'static str, revision: i64) -> Change {
        Change::Delete { key: key.into(), mod_revision: ModRevision(revision) }
    }

    #[test]
    fn whole_replies_pass() {
        let mut assembler = Assembler::default();
        let changes = vec![gone("a", 1), gone("b", 2)];
        assert_eq!(assembler.push(changes.clone(), false), changes);
        assert_eq!(assembler.push(Vec::new(), true), []);
    }

    #[test]
    fn the_last_revision_of_a_fragment_waits_for_its_end() {
        let mut assembler = Assembler::default();
        assert_eq!(assembler.push(vec![gone("a", 1), gone("b", 2)], true), [gone("a", 1)]);
        assert_eq!(assembler.push(vec![gone("c", 2)], true), []);
        let whole = assembler.push(vec![gone("d", 2), gone("e", 3)], true);
        assert_eq!(whole, [gone("b", 2), gone("c", 2), gone("d", 2)]);
        assert_eq!(assembler.push(Vec::new(), false), [gone("e", 3)]);
    }

    proptest! {
        #[test]
        fn no_revision_is_ever_split(
            revisions in prop::collection::vec((1usize..4, any::<bool>()), 1..20),
            cuts in prop::collection::vec(1usize..5, 1..40),
        ) {
            let mut all: Vec<Change> = Vec::new();
            for (number, (events, _)) in revisions.iter().enumerate() {
                let revision = i64::try_from(number).unwrap() + 1;
                all.extend((0..*events).map(|_| gone("k", revision)));
            }
            let mut assembler = Assembler::default();
            let mut seen: Vec<Change> = Vec::new();
            let mut rest = all.as_slice();
            for cut in cuts.iter().cycle() {
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                let whole = assembler.push(now.to_vec(), !later.is_empty());
                if let (Some(before), Some(first)) = (seen.last(), whole.first()) {
                    prop_assert!(before.mod_revision() < first.mod_revision());
                }
                seen.extend(whole);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(seen, all);
        }
    }
}
