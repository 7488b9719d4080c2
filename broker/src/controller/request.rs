//! What the controller can be asked for, and what it answers: plain values without a wire format.

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{BrokerId, PartitionIndex, TopicId};

use crate::metadata::{Revision, TopicName};

/// A topic to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTopic {
    /// The name, not validated yet.
    pub name: String,
    /// How many partitions; -1 = `num.partitions`, and -1 with a manual assignment.
    pub num_partitions: i32,
    /// How many replicas; -1 = `default.replication.factor`, and -1 with a manual assignment.
    pub replication_factor: i16,
    /// Manual assignment: partition and its replicas, the preferred leader first. Empty =
    /// automatic.
    pub assignments: Vec<(PartitionIndex, Vec<BrokerId>)>,
    /// Overrides as the client sent them; `None` = the default.
    pub configs: Vec<(String, Option<String>)>,
}

/// A topic that was created, or, with validate-only, would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// The topic's name.
    pub name: TopicName,
    /// Its id; with validate-only one that is used for nothing.
    pub id: TopicId,
    /// Its replicas by partition.
    pub replicas: Vec<Vec<BrokerId>>,
    /// Its overrides (not the defaults).
    pub configs: BTreeMap<String, String>,
    /// The image with this revision shows the topic; 0 with validate-only.
    pub revision: Revision,
}

/// Names a topic in one of the two ways that DeleteTopics (KIP-516) allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id.
    Id(TopicId),
}

/// A topic that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// The topic's name.
    pub name: TopicName,
    /// The topic's id.
    pub id: TopicId,
    /// The image with this revision no longer shows the topic.
    pub revision: Revision,
}

/// More partitions for a topic (KIP-195).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPartitions {
    /// The topic's name.
    pub topic: String,
    /// The new total.
    pub count: i32,
    /// Replicas of each new partition; `None` = automatic.
    pub assignments: Option<Vec<Vec<BrokerId>>>,
}

/// The partitions that a topic has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedPartitions {
    /// The topic's name.
    pub topic: TopicName,
    /// The image with this revision shows the partitions; 0 with validate-only.
    pub revision: Revision,
}

/// What a configuration belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigResource {
    /// A topic, by name.
    Topic(String),
    /// A broker, or all brokers without overrides of their own (`None`).
    Broker(Option<BrokerId>),
}

/// The changes to one resource's overrides; either all happen or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// Whose configuration.
    pub resource: ConfigResource,
    /// Drop all present overrides first (AlterConfigs); false keeps those not named
    /// (IncrementalAlterConfigs).
    pub replace: bool,
    /// The changes, in order; keys and value syntax are validated already.
    pub ops: Vec<ConfigOp>,
}

/// One change to one key (KIP-339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigOp {
    /// Override the key.
    Set {
        /// The key.
        name: String,
        /// Its new value.
        value: String,
    },
    /// Back to the default.
    Delete {
        /// The key.
        name: String,
    },
    /// Add items to a list. The present value is read in the same step as the write, so none is
    /// lost.
    Append {
        /// The key.
        name: String,
        /// What to add, comma-separated.
        value: String,
        /// The list where there is no override.
        default: String,
    },
    /// Remove items from a list.
    Subtract {
        /// The key.
        name: String,
        /// What to remove, comma-separated.
        value: String,
        /// The list where there is no override.
        default: String,
    },
}
