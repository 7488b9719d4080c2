//! The keys under `etcd.prefix`: Kafka's ZooKeeper tree, so that whoever knows that one can read
//! ours.
//!
//! [`Keys`] builds keys, [`StateKey`] is what a key says. Every name is one segment, escaped where
//! it is not plain text.

mod escape;
mod parse;

pub use parse::StateKey;

use super::ids::{BrokerId, PartitionIndex, ProducerId, TopicId};
use escape::{escape, escape_entity};
use std::fmt::Display;
use std::sync::Arc;

/// What a dynamic configuration is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConfigKind {
    /// A topic.
    Topic,
    /// A broker by its id, or all brokers.
    Broker,
    /// A user (quotas).
    User,
    /// A client id (quotas).
    Client,
}

impl ConfigKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Topic, Self::Broker, Self::User, Self::Client];

    fn segment(self) -> &'static str {
        match self {
            Self::Topic => "topics",
            Self::Broker => "brokers",
            Self::User => "users",
            Self::Client => "clients",
        }
    }
}

/// What a coordinator coordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CoordinatorKind {
    /// Consumer groups.
    Group,
    /// Transactions.
    Transaction,
}

impl CoordinatorKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Group, Self::Transaction];

    fn segment(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::Transaction => "transactions",
        }
    }
}

/// Builds the keys of one cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    prefix: Arc<str>,
}

impl Keys {
    /// Keys below `prefix` (`etcd.prefix`), such as `/barnabas`. Slashes at its end do not count.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self { prefix: Arc::from(prefix.trim_end_matches('/')) }
    }

    fn key(&self, path: impl Display) -> String {
        format!("{}/{path}", self.prefix)
    }

    /// Prefix of all keys of the cluster.
    #[must_use]
    pub fn all(&self) -> String {
        self.key("")
    }

    /// `/cluster/id`.
    #[must_use]
    pub fn cluster_id(&self) -> String {
        self.key("cluster/id")
    }

    /// `/cluster/restored`.
    #[must_use]
    pub fn restored(&self) -> String {
        self.key("cluster/restored")
    }

    /// `/cluster/clock`.
    #[must_use]
    pub fn clock(&self) -> String {
        self.key("cluster/clock")
    }

    /// `/controller`.
    #[must_use]
    pub fn controller(&self) -> String {
        self.key("controller")
    }

    /// `/controller_epoch`: the controller epoch as a plain number.
    #[must_use]
    pub fn controller_epoch(&self) -> String {
        self.key("controller_epoch")
    }

    /// `/brokers/ids/<id>`.
    #[must_use]
    pub fn broker(&self, id: BrokerId) -> String {
        self.key(format_args!("brokers/ids/{id}"))
    }

    /// Prefix of all registrations.
    #[must_use]
    pub fn brokers(&self) -> String {
        self.key("brokers/ids/")
    }

    /// `/brokers/state/<id>`.
    #[must_use]
    pub fn broker_state(&self, id: BrokerId) -> String {
        self.key(format_args!("brokers/state/{id}"))
    }

    /// `/brokers/lives/<id>`.
    #[must_use]
    pub fn broker_lives(&self, id: BrokerId) -> String {
        self.key(format_args!("brokers/lives/{id}"))
    }

    /// Prefix of all broker states.
    #[must_use]
    pub fn broker_states(&self) -> String {
        self.key("brokers/state/")
    }

    /// `/brokers/topics/<topic>`.
    #[must_use]
    pub fn topic(&self, topic: &str) -> String {
        self.key(format_args!("brokers/topics/{}", escape(topic)))
    }

    /// Prefix of all topics and of the states of their partitions.
    #[must_use]
    pub fn topics(&self) -> String {
        self.key("brokers/topics/")
    }

    /// `/brokers/topics/<topic>/partitions/<p>/state`.
    #[must_use]
    pub fn partition_state(&self, topic: &str, partition: PartitionIndex) -> String {
        self.key(format_args!("brokers/topics/{}/partitions/{partition}/state", escape(topic)))
    }

    /// Prefix of the states of one topic's partitions.
    #[must_use]
    pub fn partition_states(&self, topic: &str) -> String {
        self.key(format_args!("brokers/topics/{}/partitions/", escape(topic)))
    }

    /// `/brokers/deleted/<topic id>`.
    #[must_use]
    pub fn deleted_topic(&self, id: TopicId) -> String {
        self.key(format_args!("brokers/deleted/{}", id.to_kafka_string()))
    }

    /// Prefix of all deleted topics that left something behind.
    #[must_use]
    pub fn deleted_topics(&self) -> String {
        self.key("brokers/deleted/")
    }

    /// `/brokers/strays/<broker id>/<topic id>/<p>`.
    #[must_use]
    pub fn stray(&self, broker: BrokerId, topic: TopicId, partition: PartitionIndex) -> String {
        let topic = topic.to_kafka_string();
        self.key(format_args!("brokers/strays/{broker}/{topic}/{partition}"))
    }

    /// Prefix of all stray logs.
    #[must_use]
    pub fn strays(&self) -> String {
        self.key("brokers/strays/")
    }

    /// `/config/<kind>/<name>`; the empty name is the default for the kind, written `<default>`.
    #[must_use]
    pub fn config(&self, kind: ConfigKind, name: &str) -> String {
        self.key(format_args!("config/{}/{}", kind.segment(), escape_entity(name)))
    }

    /// Prefix of all configurations of one kind.
    #[must_use]
    pub fn configs(&self, kind: ConfigKind) -> String {
        self.key(format_args!("config/{}/", kind.segment()))
    }

    /// Prefix of all configurations.
    #[must_use]
    pub fn all_configs(&self) -> String {
        self.key("config/")
    }

    /// `/config/topics/<topic>`.
    #[must_use]
    pub fn topic_config(&self, topic: &str) -> String {
        self.config(ConfigKind::Topic, topic)
    }

    /// `/config/brokers/<id>`, or `/config/brokers/<default>` for all brokers.
    #[must_use]
    pub fn broker_config(&self, id: Option<BrokerId>) -> String {
        self.config(ConfigKind::Broker, &id.map_or_else(String::new, |id| id.to_string()))
    }

    /// `/coordinators/<kind>/<shard>`.
    #[must_use]
    pub fn coordinator(&self, kind: CoordinatorKind, shard: i32) -> String {
        self.key(format_args!("coordinators/{}/{shard}", kind.segment()))
    }

    /// Prefix of all coordinators of a kind.
    #[must_use]
    pub fn coordinators(&self, kind: CoordinatorKind) -> String {
        self.key(format_args!("coordinators/{}/", kind.segment()))
    }

    /// Prefix of all groups: their states, offsets and pending offsets.
    #[must_use]
    pub fn groups(&self) -> String {
        self.key("consumers/")
    }

    /// Prefix of everything that one group has.
    #[must_use]
    pub fn group(&self, group: &str) -> String {
        self.key(format_args!("consumers/{}/", escape(group)))
    }

    /// `/consumers/<group>/state`.
    #[must_use]
    pub fn group_state(&self, group: &str) -> String {
        self.key(format_args!("consumers/{}/state", escape(group)))
    }

    /// `/consumers/<group>/offsets/<topic>/<p>`.
    #[must_use]
    pub fn group_offset(&self, group: &str, topic: &str, partition: PartitionIndex) -> String {
        self.key(format_args!("consumers/{}/offsets/{}/{partition}", escape(group), escape(topic)))
    }

    /// Prefix of all committed offsets of a group.
    #[must_use]
    pub fn group_offsets(&self, group: &str) -> String {
        self.key(format_args!("consumers/{}/offsets/", escape(group)))
    }

    /// `/consumers/<group>/pending/<producer id>`.
    #[must_use]
    pub fn group_pending(&self, group: &str, producer: ProducerId) -> String {
        self.key(format_args!("consumers/{}/pending/{producer}", escape(group)))
    }

    /// Prefix of the offsets of a group's open transactions.
    #[must_use]
    pub fn group_pendings(&self, group: &str) -> String {
        self.key(format_args!("consumers/{}/pending/", escape(group)))
    }

    /// `/producer_ids/next_block`.
    #[must_use]
    pub fn producer_id_block(&self) -> String {
        self.key("producer_ids/next_block")
    }

    /// `/acls/<id>`.
    #[must_use]
    pub fn acl(&self, id: &str) -> String {
        self.key(format_args!("acls/{}", escape(id)))
    }

    /// Prefix of all access control entries.
    #[must_use]
    pub fn acls(&self) -> String {
        self.key("acls/")
    }

    /// `/scram/<user>/<mechanism>`.
    #[must_use]
    pub fn scram(&self, user: &str, mechanism: &str) -> String {
        self.key(format_args!("scram/{}/{}", escape(user), escape(mechanism)))
    }

    /// Prefix of all SCRAM credentials.
    #[must_use]
    pub fn scrams(&self) -> String {
        self.key("scram/")
    }

    /// What a key says; none if it is not below the prefix, or is no key of this table.
    #[must_use]
    pub fn parse(&self, key: &[u8]) -> Option<StateKey> {
        let path = std::str::from_utf8(key).ok()?.strip_prefix(&*self.prefix)?.strip_prefix('/')?;
        StateKey::from_path(path)
    }
}

#[cfg(test)]
mod tests;
