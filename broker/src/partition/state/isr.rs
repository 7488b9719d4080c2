//! The in-sync replicas as a leader knows them.
//!
//! A leader proposes a change and does not know for a while whether etcd took it. Until then
//! records must reach every broker that may be a member: the *maximal ISR*, which is the committed
//! one and the proposed one together.

use crate::metadata::IsrMember;

/// The committed members, and the change that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isr {
    /// As the cluster's state says.
    committed: Vec<IsrMember>,
    /// What the leader has asked for, until its fate is known.
    proposed: Option<Vec<IsrMember>>,
}

/// A change is on its way already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a change of the ISR is pending")]
pub struct ChangePending;

impl Isr {
    /// An ISR as the cluster's state says, with nothing pending.
    #[must_use]
    pub const fn new(committed: Vec<IsrMember>) -> Self {
        Self { committed, proposed: None }
    }

    /// The committed members.
    #[must_use]
    pub fn committed(&self) -> &[IsrMember] {
        &self.committed
    }

    /// Every broker that is or may become a member.
    pub fn maximal(&self) -> impl Iterator<Item = IsrMember> + use<'_> {
        let added = self.proposed.iter().flatten();
        let added = added.filter(|member| !self.committed.contains(member));
        self.committed.iter().chain(added).copied()
    }

    /// Asks for other members.
    ///
    /// # Errors
    /// While an earlier change is pending: its fate has to be known first.
    pub fn propose(&mut self, members: Vec<IsrMember>) -> Result<(), ChangePending> {
        if self.proposed.is_some() {
            return Err(ChangePending);
        }
        self.proposed = Some(members);
        Ok(())
    }

    /// The cluster's state says this now, which settles a pending change: it was made, or another
    /// one was.
    pub fn commit(&mut self, members: Vec<IsrMember>) {
        self.committed = members;
        self.proposed = None;
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};

    use super::*;

    fn members(members: &[(i32, i64)]) -> Vec<IsrMember> {
        let member = |&(id, epoch)| IsrMember { id: BrokerId(id), epoch: BrokerEpoch(epoch) };
        members.iter().map(member).collect()
    }

    #[test]
    fn a_pending_change_counts_both_ways() {
        let mut isr = Isr::new(members(&[(1, 10), (2, 20)]));
        // 2 is to go and 3 to come, but neither is certain.
        isr.propose(members(&[(1, 10), (3, 30)])).unwrap();
        let maximal = members(&[(1, 10), (2, 20), (3, 30)]);
        assert_eq!(isr.maximal().collect::<Vec<_>>(), maximal);
        assert_eq!(isr.committed(), members(&[(1, 10), (2, 20)]));
        assert_eq!(isr.propose(members(&[(1, 10)])), Err(ChangePending));
        isr.commit(members(&[(1, 10), (3, 30)]));
        assert_eq!(isr.maximal().collect::<Vec<_>>(), members(&[(1, 10), (3, 30)]));
        isr.propose(members(&[(1, 10)])).unwrap();
    }

    #[test]
    fn another_life_of_a_broker_is_another_member() {
        let mut isr = Isr::new(members(&[(1, 10), (2, 20)]));
        isr.propose(members(&[(1, 10), (2, 25)])).unwrap();
        assert_eq!(isr.maximal().count(), 3);
    }
}
