//! How the leader of a group shares out partitions. Pure: the same input gives the same assignment.

mod range;
mod round_robin;
mod sticky;

use std::collections::BTreeMap;

use barnabas_protocol::kafka::Str;
use bytes::Bytes;

use super::wire::{StickyData, Subscription};
use crate::PartitionSet;

/// A member, as an assignor sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The id that the coordinator gave it.
    pub member_id: Str,
    /// The name of a static member.
    pub instance_id: Option<Str>,
    /// What it wants and has.
    pub subscription: Subscription,
}

impl Candidate {
    fn wants(&self, topic: &Str) -> bool {
        self.subscription.topics.contains(topic)
    }
}

/// What each member gets.
pub type Assignments = BTreeMap<Str, PartitionSet>;

/// A way to share out partitions; all members of a group use the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignor {
    /// Of each topic a range to each member.
    Range,
    /// One partition after the other to one member after the other.
    RoundRobin,
    /// Evenly, with as few changes as possible; members give up everything before they join again.
    Sticky,
    /// Evenly, with as few changes as possible; members keep what they have (KIP-429).
    CooperativeSticky,
}

impl Assignor {
    /// All there are.
    pub const ALL: [Self; 4] =
        [Self::Range, Self::RoundRobin, Self::Sticky, Self::CooperativeSticky];

    /// The name by which members agree on it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
            Self::Sticky => "sticky",
            Self::CooperativeSticky => "cooperative-sticky",
        }
    }

    /// By the name, or by that of Kafka's class.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let class = |assignor: &Self| match assignor {
            Self::Range => "RangeAssignor",
            Self::RoundRobin => "RoundRobinAssignor",
            Self::Sticky => "StickyAssignor",
            Self::CooperativeSticky => "CooperativeStickyAssignor",
        };
        let simple = name.rsplit('.').next().unwrap_or_default();
        Self::ALL.into_iter().find(|one| one.name() == name || class(one) == simple)
    }

    /// What the member adds to its subscription, after an assignment in `generation`.
    pub(super) fn user_data(self, last: &PartitionSet, generation: i32) -> Option<Bytes> {
        match self {
            Self::Range | Self::RoundRobin => None,
            Self::Sticky if generation < 0 => None,
            Self::Sticky => StickyData { partitions: last.clone(), generation }.encode().ok(),
            // For members that do not know the field of the subscription.
            Self::CooperativeSticky => Some(Bytes::copy_from_slice(&generation.to_be_bytes())),
        }
    }

    /// Shares out all partitions of the topics, by their counts, that somebody wants.
    #[must_use]
    pub fn assign(self, topics: &BTreeMap<Str, i32>, members: &[Candidate]) -> Assignments {
        match self {
            Self::Range => range::assign(topics, members),
            Self::RoundRobin => round_robin::assign(topics, members),
            Self::Sticky => sticky::assign(topics, members, &sticky_claims(members)),
            Self::CooperativeSticky => {
                let claims = cooperative_claims(members);
                let target = sticky::assign(topics, members, &claims);
                sticky::hold_back(target, members)
            }
        }
    }
}

/// What a member has, or had before it gave it up.
struct Claim {
    partitions: PartitionSet,
    generation: i32,
}

fn sticky_claims(members: &[Candidate]) -> Vec<Claim> {
    let claim = |member: &Candidate| {
        let data = member.subscription.user_data.clone().map(StickyData::decode);
        let data = data.and_then(Result::ok).unwrap_or_default();
        Claim { partitions: data.partitions, generation: data.generation }
    };
    members.iter().map(claim).collect()
}

fn cooperative_claims(members: &[Candidate]) -> Vec<Claim> {
    let claim = |Candidate { subscription, .. }: &Candidate| {
        let told = subscription.user_data.as_ref().and_then(|data| data.first_chunk::<4>());
        let told = told.map_or(-1, |bytes| i32::from_be_bytes(*bytes));
        let generation = if subscription.generation >= 0 { subscription.generation } else { told };
        Claim { partitions: subscription.owned.clone(), generation }
    };
    members.iter().map(claim).collect()
}

/// Members in the order that range and round robin go by: static members first, by their names, so
/// that a restart does not change it.
fn in_order(members: &[Candidate]) -> Vec<&Candidate> {
    let mut sorted: Vec<&Candidate> = members.iter().collect();
    sorted.sort_by_key(|one| (one.instance_id.is_none(), &one.instance_id, &one.member_id));
    sorted
}

/// An assignment without any partition.
fn nothing(members: &[Candidate]) -> Assignments {
    members.iter().map(|one| (one.member_id.clone(), PartitionSet::default())).collect()
}

#[cfg(test)]
pub(super) mod tests;
