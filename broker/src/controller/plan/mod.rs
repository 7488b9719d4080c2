//! What to write, decided without I/O: a view of the cluster and an event in, changes or a typed
//! error out. Pure.
//!
//! A plan is right or wrong for one view only. That is why each change names the revision of the
//! key that it replaces: `apply` writes it if and only if the view still holds, and the service
//! plans anew where it did not.

pub(crate) mod assign_replicas;
pub(crate) mod broker_change;
pub(crate) mod configs;
pub(crate) mod elect_leader;
pub(crate) mod leftovers;
pub(crate) mod min_isr;
pub(crate) mod partitions;
pub(crate) mod restored;
pub(crate) mod topic;
pub(super) mod topic_name;
pub(crate) mod unclean;

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, PartitionIndex, TopicId};

use super::request::ConfigResource;
use crate::metadata::{BrokerStateImage, PartitionImage, Revision, TopicName};

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
    /// `/brokers/deleted/<topic id>`
    DeletedTopic(TopicId),
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
    /// A topic and the number of its partitions.
    Topic { id: TopicId, partitions: i32 },
    /// The state of a partition; `partition_epoch` is the one that it replaces.
    Partition(PartitionImage),
    /// All overrides.
    Config(BTreeMap<String, String>),
    /// What is noted about a broker; `revision` is the one that it replaces.
    BrokerState(BrokerStateImage),
    /// A deleted topic, and the brokers that may hold data of it.
    DeletedTopic { name: TopicName, brokers: Vec<BrokerId> },
}

/// One key's change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) expected: Expected,
    pub(crate) action: Action,
    /// Registrations that must be current when this is written.
    pub(crate) registrations: Vec<(BrokerId, BrokerEpoch)>,
}

/// Changes that belong together, written in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChangeSet {
    /// Written first where the changes do not fit into one transaction, so that a crash in between
    /// leaves a trace by which the next controller tidies up. The last change replaces what this
    /// writes under the same key.
    pub(crate) opening: Option<Change>,
    pub(crate) changes: Vec<Change>,
}

impl From<Vec<Change>> for ChangeSet {
    fn from(changes: Vec<Change>) -> Self {
        Self { opening: None, changes }
    }
}

impl From<Revision> for Expected {
    /// Revision 0 is etcd's way to say that a key is absent.
    fn from(revision: Revision) -> Self {
        if revision.0 == 0 { Self::Absent } else { Self::At(revision) }
    }
}

impl Change {
    fn new(key: Key, expected: impl Into<Expected>, action: Action) -> Self {
        Self { key, expected: expected.into(), action, registrations: Vec::new() }
    }

    /// Writes a value over what was there at `expected`.
    pub(crate) fn put(key: Key, expected: impl Into<Expected>, value: Value) -> Self {
        Self::new(key, expected, Action::Put(value))
    }

    /// Writes the key of a topic.
    pub(crate) fn topic(
        name: &TopicName,
        expected: impl Into<Expected>,
        id: TopicId,
        partitions: i32,
    ) -> Self {
        Self::put(Key::Topic(name.clone()), expected, Value::Topic { id, partitions })
    }

    /// Writes a partition's state over the one with its `partition_epoch`. The registrations of the
    /// ISR that a leader starts with must be current; an ISR that waits for its members to return
    /// asks for none.
    pub(crate) fn partition(topic: &TopicName, state: PartitionImage) -> Self {
        let members = state.isr.iter().map(|member| (member.id, member.epoch));
        let registrations = members.filter(|_| state.leader.is_some()).collect();
        Self { registrations, ..Self::partition_settings(topic, state) }
    }

    /// The same for a state of which neither leader nor ISR changes.
    pub(crate) fn partition_settings(topic: &TopicName, state: PartitionImage) -> Self {
        let expected = Revision(state.partition_epoch.0);
        let key = Key::Partition(topic.clone(), state.index);
        Self::put(key, expected, Value::Partition(state))
    }

    /// Notes something about a broker. A registration that it is about must be current.
    pub(crate) fn broker_state(id: BrokerId, state: BrokerStateImage) -> Self {
        let registered = (!state.fenced).then_some((id, state.last_epoch));
        let put = Self::put(Key::BrokerState(id), state.revision, Value::BrokerState(state));
        Self { registrations: registered.into_iter().collect(), ..put }
    }

    /// Requires that a key is as expected.
    pub(crate) fn keep(key: Key, expected: impl Into<Expected>) -> Self {
        Self::new(key, expected, Action::Keep)
    }

    /// Removes a key that is there.
    pub(crate) fn delete(key: Key, at: Revision) -> Self {
        Self::new(key, Expected::At(at), Action::Delete)
    }
}

#[cfg(test)]
mod tests;
