//! What a data directory knows of its broker's registrations, kept in the directory (`log/life`)
//! beside the data that it speaks of.
//!
//! ```text
//!  start ──▶ judge (before the store is opened for writing) ──▶ trying (before each registration) ──▶ registered ──┐
//!            a start can only take claims away                   a crash here keeps them reduced                   │
//!  end ◀── closed (after the store was closed) ◀── lost (a failed write or sync) ◀─────────────────────────────────┘
//! ```

mod chain;
mod file;

use barnabas_coordinator_client::LeaseId;
use barnabas_protocol::state::ids::BrokerEpoch;

use crate::log::DirCondition;
use crate::metadata::{Absence, HeldData};

pub(super) use self::chain::{Continuity, lives_with, registration_claims};
pub use self::file::LifeFile;

/// Registrations of unknown fate that are remembered.
const TRIED: usize = 64;

/// The file's content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Life {
    /// The newest registration that this directory knows to have been made.
    last: Option<LastRegistration>,
    /// Registrations that were tried since, and of which no answer came.
    tried: Vec<LeaseId>,
    /// What the next registration may claim; `None`: the directory begins with it.
    claim: Option<Claim>,
    /// The store was closed in order.
    closed: bool,
}

/// A registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct LastRegistration {
    epoch: BrokerEpoch,
    lease: LeaseId,
}

/// What the directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) directory_since: BrokerEpoch,
    pub(super) absences: Vec<Absence>,
    /// `None`: something may have been lost since the last registration.
    pub(super) lossless_since: Option<BrokerEpoch>,
}

impl Life {
    /// The verdict of a start: what may still be claimed of a directory that was found so. A
    /// verdict that no registration has used is in the claim already; so it can only get worse.
    fn judge(self, found: DirCondition) -> Self {
        // An unfinished copy looks like a crash: it may have been made while the original was
        // running.
        let begins_anew = found.is_new || (found.is_copy && !self.closed);
        let lossless = found.wal_is_whole && (self.closed || found.keeps_unsynced);
        let claim = self.claim.filter(|_| !begins_anew).map(|claim| Claim {
            lossless_since: claim.lossless_since.filter(|_| lossless),
            ..claim
        });
        Self { claim, closed: false, ..self }
    }

    /// Whether it was registered before, and holds nothing of that any more: it is to be taken for
    /// another directory.
    fn begins_anew(&self) -> bool {
        self.claim.is_none() && self.last.is_some()
    }

    /// A registration with this lease is about to be sent.
    fn trying(mut self, lease: LeaseId) -> Self {
        if !self.tried.contains(&lease) {
            self.tried.push(lease);
        }
        let excess = self.tried.len().saturating_sub(TRIED);
        self.tried.drain(..excess);
        self
    }

    /// The broker is registered.
    fn registered(self, epoch: BrokerEpoch, lease: LeaseId, held: &HeldData) -> Self {
        let claim = Claim {
            directory_since: held.directory_since,
            absences: held.absences.clone(),
            lossless_since: Some(held.lossless_since),
        };
        let last = Some(LastRegistration { epoch, lease });
        Self { last, tried: Vec::new(), claim: Some(claim), ..self }
    }

    /// A write or a sync has failed: what was acknowledged may be gone.
    fn lost(self) -> Self {
        let claim = self.claim.map(|claim| Claim { lossless_since: None, ..claim });
        Self { claim, ..self }
    }

    /// The store is closed, with everything synced.
    fn closed(self) -> Self {
        Self { closed: true, ..self }
    }

    /// Whether the last registration that is known to have been made has this lease.
    fn ends_with(&self, lease: LeaseId) -> bool {
        self.last.is_some_and(|last| last.lease == lease)
    }

    /// Whether a registration with this lease was one of this directory.
    pub(super) fn knows(&self, lease: LeaseId) -> bool {
        self.ends_with(lease) || self.tried.contains(&lease)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOUND: DirCondition =
        DirCondition { is_new: false, is_copy: false, keeps_unsynced: true, wal_is_whole: true };

    fn running() -> Life {
        let held = HeldData {
            directory_since: BrokerEpoch(3),
            absences: Vec::new(),
            lossless_since: BrokerEpoch(5),
        };
        Life::default().trying(LeaseId(70)).registered(BrokerEpoch(9), LeaseId(70), &held)
    }

    fn claims(life: &Life) -> Option<(i64, Option<i64>)> {
        let claim = life.claim.as_ref()?;
        Some((claim.directory_since.0, claim.lossless_since.map(|epoch| epoch.0)))
    }

    #[test]
    fn a_killed_process_loses_nothing() {
        assert_eq!(claims(&running().judge(FOUND)), Some((3, Some(5))));
    }

    #[test]
    fn a_boot_loses_unless_the_directory_was_closed_in_order() {
        let boot = DirCondition { keeps_unsynced: false, ..FOUND };
        assert_eq!(claims(&running().judge(boot)), Some((3, None)));
        assert_eq!(claims(&running().closed().judge(boot)), Some((3, Some(5))));
        // The marker holds for one start.
        assert_eq!(claims(&running().closed().judge(boot).judge(boot)), Some((3, None)));
    }

    #[test]
    fn a_damaged_log_and_a_failed_write_lose() {
        let damaged = DirCondition { wal_is_whole: false, ..FOUND };
        assert_eq!(claims(&running().judge(damaged)), Some((3, None)));
        assert_eq!(claims(&running().closed().judge(damaged)), Some((3, None)));
        assert_eq!(claims(&running().lost().judge(FOUND)), Some((3, None)));
    }

    #[test]
    fn a_verdict_holds_until_a_registration_uses_it() {
        let boot = DirCondition { keeps_unsynced: false, ..FOUND };
        // The broker died before it registered: the next start finds the same boot.
        let again = running().judge(boot).trying(LeaseId(71)).judge(FOUND);
        assert_eq!(claims(&again), Some((3, None)));
        let held = HeldData { lossless_since: BrokerEpoch(20), ..HeldData::since(BrokerEpoch(3)) };
        let used = again.registered(BrokerEpoch(20), LeaseId(72), &held);
        assert_eq!(claims(&used.judge(FOUND)), Some((3, Some(20))));
    }

    #[test]
    fn an_emptied_directory_begins_anew_and_a_copy_unless_it_was_closed() {
        let new = DirCondition { is_new: true, ..FOUND };
        assert_eq!(claims(&running().closed().judge(new)), None);
        let copy = DirCondition { is_copy: true, keeps_unsynced: false, ..FOUND };
        assert_eq!(claims(&running().judge(copy)), None);
        assert_eq!(claims(&running().closed().judge(copy)), Some((3, Some(5))));
        assert!(running().judge(copy).begins_anew() && running().judge(new).begins_anew());
        assert!(!running().judge(FOUND).begins_anew() && !Life::default().judge(new).begins_anew());
        // And so it stays, if that start does not come to register.
        assert_eq!(claims(&running().judge(copy).judge(FOUND)), None);
    }

    #[test]
    fn it_knows_its_last_registration_and_those_without_an_answer() {
        let life = running().trying(LeaseId(71)).trying(LeaseId(72)).trying(LeaseId(71));
        assert!([70, 71, 72].map(LeaseId).iter().all(|lease| life.knows(*lease)));
        assert!(!life.knows(LeaseId(73)));
        assert_eq!(life.tried.len(), 2);
        let settled =
            life.registered(BrokerEpoch(30), LeaseId(72), &HeldData::since(BrokerEpoch(3)));
        assert!(settled.knows(LeaseId(72)) && !settled.knows(LeaseId(70)));
    }
}
