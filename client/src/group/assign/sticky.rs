//! Evenly, with as few changes as possible.
//!
//! Every member keeps what it has and still wants. What nobody has goes to the member with the
//! least that wants it. Then partitions move, one step or through several members, from one with
//! much to one with at least two fewer, until there is no such way: no assignment is more even
//! then, as the members that want a topic allow.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use barnabas_protocol::kafka::Str;

use super::{Assignments, Candidate, Claim};
use crate::{ByPartition, PartitionSet};

/// The state of sharing out; members and topics by their places.
struct Sharing<'a> {
    topics: Vec<&'a Str>,
    /// Of each topic, the members that want it.
    wanting: Vec<Vec<usize>>,
    /// Of each member and topic, the partitions that it gets.
    held: Vec<Vec<BTreeSet<i32>>>,
    /// Of each member, how many these are.
    load: Vec<usize>,
}

/// `claims` are those of the members, in the same order.
pub(super) fn assign(
    topics: &BTreeMap<Str, i32>,
    members: &[Candidate],
    claims: &[Claim],
) -> Assignments {
    let mut sharing = Sharing::new(topics, members);
    let owners = owners(claims);
    let mut free = Vec::new();
    for (at, (topic, count)) in topics.iter().enumerate() {
        for index in 0..*count {
            match owners.get(topic, index) {
                Some(owner) if members[*owner].wants(topic) => sharing.give(*owner, at, index),
                _ => free.push((at, index)),
            }
        }
    }
    // Those that few want first: the others have more choice.
    free.sort_by_key(|(at, index)| (sharing.wanting[*at].len(), *at, *index));
    for (at, index) in free {
        let least = sharing.wanting[at].iter().min_by_key(|member| sharing.load[**member]);
        if let Some(member) = least.copied() {
            sharing.give(member, at, index);
        }
    }
    while sharing.even_out() {}
    sharing.into_assignments(members)
}

/// Who has each partition. Of two that say so, the one of the later generation: the other has
/// missed a rebalance.
fn owners(claims: &[Claim]) -> ByPartition<usize> {
    let mut owners: ByPartition<usize> = ByPartition::default();
    for (member, claim) in claims.iter().enumerate() {
        for (topic, index, ()) in claim.partitions.iter() {
            let other = owners.get(topic, index).map(|owner| claims[*owner].generation);
            if other.is_none_or(|generation| generation < claim.generation) {
                owners.insert(topic.clone(), index, member);
            }
        }
    }
    owners
}

impl<'a> Sharing<'a> {
    fn new(topics: &'a BTreeMap<Str, i32>, members: &[Candidate]) -> Self {
        let wanted = |topic: &Str| {
            let wanting = members.iter().enumerate().filter(|(_, member)| member.wants(topic));
            wanting.map(|(at, _)| at).collect()
        };
        Self {
            topics: topics.keys().collect(),
            wanting: topics.keys().map(wanted).collect(),
            held: vec![vec![BTreeSet::new(); topics.len()]; members.len()],
            load: vec![0; members.len()],
        }
    }

    fn give(&mut self, member: usize, topic: usize, index: i32) {
        self.held[member][topic].insert(index);
        self.load[member] += 1;
    }

    /// Moves one partition's worth of load; false if nothing gets more even by it.
    fn even_out(&mut self) -> bool {
        let mut heaviest: Vec<usize> = (0..self.load.len()).collect();
        heaviest.sort_by_key(|member| (std::cmp::Reverse(self.load[*member]), *member));
        heaviest.into_iter().any(|member| self.relieve(member))
    }

    /// Looks for the shortest way from a member to one with at least two fewer, and moves a
    /// partition along each step.
    fn relieve(&mut self, heavy: usize) -> bool {
        // How each member was reached: from whom, and by a partition of which topic.
        let mut reached: Vec<Option<(usize, usize)>> = vec![None; self.load.len()];
        let mut open_topics = vec![true; self.topics.len()];
        let mut queue = VecDeque::from([heavy]);
        while let Some(from) = queue.pop_front() {
            for (topic, open) in open_topics.iter_mut().enumerate() {
                if self.held[from][topic].is_empty() || !std::mem::take(open) {
                    continue;
                }
                let mut next: Vec<usize> = self.wanting[topic].clone();
                next.retain(|to| *to != heavy && reached[*to].is_none());
                next.sort_by_key(|to| self.load[*to]);
                for to in next {
                    reached[to] = Some((from, topic));
                    if self.load[to] + 2 <= self.load[heavy] {
                        self.shift(to, &reached);
                        return true;
                    }
                    queue.push_back(to);
                }
            }
        }
        false
    }

    /// Moves the last partition of each step.
    fn shift(&mut self, mut to: usize, reached: &[Option<(usize, usize)>]) {
        while let Some((from, topic)) = reached[to] {
            if let Some(index) = self.held[from][topic].pop_last() {
                self.load[from] -= 1;
                self.give(to, topic, index);
            }
            to = from;
        }
    }

    fn into_assignments(self, members: &[Candidate]) -> Assignments {
        let mut assignments = Assignments::new();
        for (member, held) in members.iter().zip(self.held) {
            let mine = assignments.entry(member.member_id.clone()).or_default();
            for (topic, indexes) in self.topics.iter().zip(held) {
                mine.extend(indexes.into_iter().map(|index| ((*topic).clone(), index, ())));
            }
        }
        assignments
    }
}

/// Leaves out partitions that another member still has: it has to give them up first, and joins
/// again when it has.
pub(super) fn hold_back(mut target: Assignments, members: &[Candidate]) -> Assignments {
    let mut leaving = PartitionSet::default();
    for member in members {
        let keeps = &target[&member.member_id];
        let going = member.subscription.owned.without(keeps);
        leaving.extend(going.iter().map(|(topic, index, ())| (topic.clone(), index, ())));
    }
    for member in members {
        let owned = &member.subscription.owned;
        if let Some(mine) = target.get_mut(&member.member_id) {
            mine.retain(|topic, index, ()| {
                owned.contains(topic, index) || !leaving.contains(topic, index)
            });
        }
    }
    target
}
