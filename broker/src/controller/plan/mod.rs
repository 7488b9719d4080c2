//! What to write, decided without I/O: a view of the cluster and an event in, changes or a typed error out.
//!
//! A plan is right or wrong for one view only. That is why each change names the revision of the key that it
//! replaces: `apply` writes it if and only if the view still holds, and the service plans anew where it did not.

pub(crate) mod assign_replicas;
pub(crate) mod broker_change;
pub(crate) mod configs;
pub(crate) mod elect_leader;
pub(crate) mod leftovers;
pub(crate) mod partitions;
pub(crate) mod topic;
pub(super) mod topic_name;

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, PartitionIndex, TopicId};

use super::request::ConfigResource;
use crate::metadata::{BrokerStateImage, PartitionStateImage, Revision, TopicName};

/// At most this many new partitions in one request, as Kafka has it.
pub(crate) const MAX_PARTITIONS_PER_REQUEST: usize = 10_000;

/// A key of the cluster state that the controller writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// `/brokers/topics/<topic>`
    Topic(TopicName),
    /// `/brokers/topics/<topic>/partitions/<p>/state`
    Partition(TopicName, PartitionIndex),
    /// `/config/topics/<topic>` and `/config/brokers/<id or default>`
    Config(ConfigResource),
    /// `/brokers/state/<id>`
    BrokerState(BrokerId),
}

/// What a key must be at the moment of the write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Not there.
    Absent,
    /// Unchanged since this `mod_revision`.
    At(Revision),
}

/// What happens to a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Action {
    /// It gets this value.
    Put(Value),
    /// It goes.
    Delete,
    /// It only has to be as expected.
    Keep,
}

/// The value of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A topic and the replicas of its partitions.
    Topic { id: TopicId, partitions: Vec<Assignment> },
    /// Leadership of a partition; `partition_epoch` is the one that it replaces.
    Partition(PartitionStateImage),
    /// All overrides.
    Config(BTreeMap<String, String>),
    /// What is noted about a broker; `revision` is the one that it replaces.
    BrokerState(BrokerStateImage),
}

/// The replicas of one partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) replicas: Vec<BrokerId>,
    pub(crate) adding: Vec<BrokerId>,
    pub(crate) removing: Vec<BrokerId>,
}

/// One key's change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) expected: Expected,
    pub(crate) action: Action,
}

/// Changes that belong together. They are written in order, in one transaction where they fit; where they do not,
/// the last one is what makes the others count.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChangeSet {
    pub(crate) changes: Vec<Change>,
}

impl From<Revision> for Expected {
    /// Revision 0 is etcd's way to say that a key is absent.
    fn from(revision: Revision) -> Self {
        if revision.0 == 0 { Self::Absent } else { Self::At(revision) }
    }
}

impl Change {
    /// Writes a value over what was there at `expected`.
    pub(crate) fn put(key: Key, expected: impl Into<Expected>, value: Value) -> Self {
        Self { key, expected: expected.into(), action: Action::Put(value) }
    }

    /// Writes a partition's state over the one with its `partition_epoch`.
    pub(crate) fn partition(
        topic: &TopicName,
        index: PartitionIndex,
        state: PartitionStateImage,
    ) -> Self {
        let expected = Revision(state.partition_epoch.0);
        Self::put(Key::Partition(TopicName::clone(topic), index), expected, Value::Partition(state))
    }

    /// Requires that a key is as expected.
    pub(crate) fn keep(key: Key, expected: impl Into<Expected>) -> Self {
        Self { key, expected: expected.into(), action: Action::Keep }
    }

    /// The registrations that must be the current ones when this is written: those of the ISR that a leader starts
    /// with, and the one that a note is about. An ISR that waits for its members to return asks for none.
    pub(crate) fn registrations(&self) -> Vec<(BrokerId, BrokerEpoch)> {
        match (&self.action, &self.key) {
            (Action::Put(Value::Partition(state)), _) if state.leader.is_some() => {
                state.isr.iter().map(|member| (member.id, member.epoch)).collect()
            }
            (Action::Put(Value::BrokerState(state)), Key::BrokerState(id)) if !state.fenced => {
                vec![(*id, state.last_epoch)]
            }
            _ => Vec::new(),
        }
    }

    /// Removes a key that is there.
    pub(crate) fn delete(key: Key, at: Revision) -> Self {
        Self { key, expected: Expected::At(at), action: Action::Delete }
    }
}

#[cfg(test)]
mod tests;
