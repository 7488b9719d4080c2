//! What a replica is, and what the cluster's state wants it to be.

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, LeaderEpoch};

use super::follower::Follower;
use super::leader::{Leader, Leadership, Pipeline};
use crate::metadata::PartitionImage;

/// What the cluster's state wants this replica to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// No leader is elected, or this broker may not lead at present.
    Offline,
    /// It leads.
    Leader(Leadership),
    /// Another broker leads.
    Follower(Follower),
}

/// What this replica is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It serves nothing: no leader is elected, or the broker is starting.
    Offline,
    /// It takes writes and serves reads.
    Leader(Leader),
    /// Another broker leads.
    Follower(Follower),
    /// Batches of an earlier leadership are still on their way to the log. The next role begins
    /// when the fate of each is known, so that its epoch begins behind them.
    Draining(Pipeline, Assignment),
}

impl Assignment {
    /// What a partition's state means for this broker. It leads only by an ISR entry that carries
    /// its own registration of now: an entry of an earlier life was judged by a log that this life
    /// may not have. `own` is `None` while the broker is not registered.
    #[must_use]
    pub fn of(state: &PartitionImage, broker: BrokerId, own: Option<BrokerEpoch>) -> Self {
        let epoch = state.leader_epoch;
        match state.leader {
            None => Self::Offline,
            Some(leader) if leader != broker => Self::Follower(Follower { leader, epoch }),
            Some(_) => {
                let member = state.isr.iter().find(|member| member.id == broker);
                if own.is_none() || member.map(|member| member.epoch) != own {
                    return Self::Offline;
                }
                Self::Leader(Leadership {
                    epoch,
                    isr: state.isr.clone(),
                    min_isr: usize::try_from(state.min_isr).unwrap_or(1),
                    replicas: state.replicas.len(),
                })
            }
        }
    }

    /// Whether this broker leads.
    #[must_use]
    pub const fn is_leader(&self) -> bool {
        matches!(self, Self::Leader(_))
    }
}

impl Role {
    /// The epoch that requests are checked against, and whether this broker leads in it.
    pub(super) const fn epoch(&self) -> Option<(LeaderEpoch, bool)> {
        match self {
            Self::Leader(leader) => Some((leader.epoch, true)),
            Self::Follower(follower) => Some((follower.epoch, false)),
            Self::Offline | Self::Draining(..) => None,
        }
    }

    /// The batches on their way to the log, if there may be any.
    pub(super) const fn pipeline(&mut self) -> Option<&mut Pipeline> {
        match self {
            Self::Leader(leader) => Some(&mut leader.pipeline),
            Self::Draining(pipeline, _) => Some(pipeline),
            Self::Offline | Self::Follower(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::state::ids::{PartitionIndex, TopicId};

    use super::*;
    use crate::metadata::IsrMember;

    #[test]
    fn a_broker_leads_only_by_an_entry_of_its_present_registration() {
        let me = BrokerId(1);
        let member = |id, epoch| IsrMember { id: BrokerId(id), epoch: BrokerEpoch(epoch) };
        let isr = vec![member(1, 10), member(2, 20)];
        let mut state = PartitionImage {
            replicas: vec![me, BrokerId(2)],
            min_isr: 2,
            ..PartitionImage::first(TopicId::default(), PartitionIndex(0), isr.clone())
        };
        let epoch = LeaderEpoch(0);
        let leads = Assignment::Leader(Leadership { epoch, isr, min_isr: 2, replicas: 2 });
        assert_eq!(Assignment::of(&state, me, Some(BrokerEpoch(10))), leads);
        // A later life, and one whose registration is lost.
        for own in [Some(BrokerEpoch(11)), Some(BrokerEpoch(9)), None] {
            assert_eq!(Assignment::of(&state, me, own), Assignment::Offline);
        }
        let follower = Assignment::Follower(Follower { leader: me, epoch });
        assert_eq!(Assignment::of(&state, BrokerId(2), None), follower);
        state.isr.remove(0);
        assert_eq!(Assignment::of(&state, me, Some(BrokerEpoch(10))), Assignment::Offline);
        state.leader = None;
        assert_eq!(Assignment::of(&state, me, Some(BrokerEpoch(10))), Assignment::Offline);
    }
}
