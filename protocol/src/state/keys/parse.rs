//! Keys back to what they name.

use super::escape::{unescape, unescape_entity};
use super::{ConfigKind, CoordinatorKind, Keys};
use crate::state::ids::{BrokerId, PartitionIndex, ProducerId, TopicId};
use std::str::FromStr;

/// What a key names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StateKey {
    /// `/cluster/id`.
    ClusterId,
    /// `/cluster/restored`.
    Restored,
    /// `/cluster/clock`.
    Clock,
    /// `/controller`.
    Controller,
    /// `/controller_epoch`.
    ControllerEpoch,
    /// `/brokers/ids/<id>`.
    Broker(BrokerId),
    /// `/brokers/lives/<id>`.
    BrokerLives(BrokerId),
    /// `/brokers/state/<id>`.
    BrokerState(BrokerId),
    /// `/brokers/topics/<topic>`.
    Topic(String),
    /// `/brokers/topics/<topic>/partitions/<p>/state`.
    PartitionState {
        /// Name of the topic.
        topic: String,
        /// Partition index.
        partition: PartitionIndex,
    },
    /// `/brokers/deleted/<topic id>`.
    DeletedTopic(TopicId),
    /// `/brokers/strays/<broker id>/<topic id>/<p>`.
    Stray {
        /// The broker that has the log.
        broker: BrokerId,
        /// Id of the topic.
        topic: TopicId,
        /// Partition index.
        partition: PartitionIndex,
    },
    /// `/config/<kind>/<name>`.
    Config {
        /// What the configuration is about.
        kind: ConfigKind,
        /// Name of the entity; empty for the default of the kind.
        name: String,
    },
    /// `/coordinators/<kind>/<shard>`.
    Coordinator {
        /// What is coordinated.
        kind: CoordinatorKind,
        /// Number of the shard.
        shard: i32,
    },
    /// `/consumers/<group>/state`.
    GroupState(String),
    /// `/consumers/<group>/offsets/<topic>/<p>`.
    GroupOffset {
        /// Group id.
        group: String,
        /// Name of the topic.
        topic: String,
        /// Partition index.
        partition: PartitionIndex,
    },
    /// `/consumers/<group>/pending/<producer id>`.
    GroupPending {
        /// Group id.
        group: String,
        /// The producer whose transaction is open.
        producer: ProducerId,
    },
    /// `/producer_ids/next_block`.
    ProducerIdBlock,
    /// `/acls/<id>`.
    Acl(String),
    /// `/scram/<user>/<mechanism>`.
    Scram {
        /// Name of the user.
        user: String,
        /// Such as SCRAM-SHA-256.
        mechanism: String,
    },
}

impl StateKey {
    /// The key's text in a cluster; [`Keys::parse`] reads it back.
    #[must_use]
    pub fn to_key(&self, keys: &Keys) -> String {
        match self {
            Self::ClusterId => keys.cluster_id(),
            Self::Restored => keys.restored(),
            Self::Clock => keys.clock(),
            Self::Controller => keys.controller(),
            Self::ControllerEpoch => keys.controller_epoch(),
            Self::Broker(id) => keys.broker(*id),
            Self::BrokerLives(id) => keys.broker_lives(*id),
            Self::BrokerState(id) => keys.broker_state(*id),
            Self::Topic(topic) => keys.topic(topic),
            Self::PartitionState { topic, partition } => keys.partition_state(topic, *partition),
            Self::DeletedTopic(id) => keys.deleted_topic(*id),
            Self::Stray { broker, topic, partition } => keys.stray(*broker, *topic, *partition),
            Self::Config { kind, name } => keys.config(*kind, name),
            Self::Coordinator { kind, shard } => keys.coordinator(*kind, *shard),
            Self::GroupState(group) => keys.group_state(group),
            Self::GroupOffset { group, topic, partition } => {
                keys.group_offset(group, topic, *partition)
            }
            Self::GroupPending { group, producer } => keys.group_pending(group, *producer),
            Self::ProducerIdBlock => keys.producer_id_block(),
            Self::Acl(id) => keys.acl(id),
            Self::Scram { user, mechanism } => keys.scram(user, mechanism),
        }
    }

    /// Reads the part of a key after the prefix and its slash.
    pub(super) fn from_path(path: &str) -> Option<Self> {
        let (area, rest) = path.split_once('/').unwrap_or((path, ""));
        match (area, rest) {
            ("cluster", "id") => Some(Self::ClusterId),
            ("cluster", "restored") => Some(Self::Restored),
            ("cluster", "clock") => Some(Self::Clock),
            ("controller", "") if area == path => Some(Self::Controller),
            ("controller_epoch", "") if area == path => Some(Self::ControllerEpoch),
            ("producer_ids", "next_block") => Some(Self::ProducerIdBlock),
            ("brokers", _) => broker(rest),
            ("config", _) => config(rest),
            ("coordinators", _) => coordinator(rest),
            ("consumers", _) => group(rest),
            ("acls", _) => Some(Self::Acl(unescape(rest)?)),
            ("scram", _) => {
                let (user, mechanism) = rest.split_once('/')?;
                Some(Self::Scram { user: unescape(user)?, mechanism: unescape(mechanism)? })
            }
            _ => None,
        }
    }
}

fn broker(path: &str) -> Option<StateKey> {
    let (kind, rest) = path.split_once('/')?;
    match kind {
        "ids" => number(rest).map(|id| StateKey::Broker(BrokerId(id))),
        "lives" => number(rest).map(|id| StateKey::BrokerLives(BrokerId(id))),
        "state" => number(rest).map(|id| StateKey::BrokerState(BrokerId(id))),
        "topics" => topic(rest),
        "deleted" => topic_id(rest).map(StateKey::DeletedTopic),
        "strays" => stray(rest),
        _ => None,
    }
}

fn topic_id(text: &str) -> Option<TopicId> {
    TopicId::from_kafka_string(text).ok()
}

fn stray(path: &str) -> Option<StateKey> {
    let (broker, rest) = path.split_once('/')?;
    let (topic, partition) = rest.split_once('/')?;
    Some(StateKey::Stray {
        broker: BrokerId(number(broker)?),
        topic: topic_id(topic)?,
        partition: PartitionIndex(number(partition)?),
    })
}

fn topic(path: &str) -> Option<StateKey> {
    let Some((topic, rest)) = path.split_once('/') else {
        return unescape(path).map(StateKey::Topic);
    };
    let partition = rest.strip_prefix("partitions/")?.strip_suffix("/state")?;
    Some(StateKey::PartitionState {
        topic: unescape(topic)?,
        partition: PartitionIndex(number(partition)?),
    })
}

fn config(path: &str) -> Option<StateKey> {
    let (segment, name) = path.split_once('/')?;
    let kind = ConfigKind::ALL.into_iter().find(|kind| kind.segment() == segment)?;
    Some(StateKey::Config { kind, name: unescape_entity(name)? })
}

fn coordinator(path: &str) -> Option<StateKey> {
    let (segment, shard) = path.split_once('/')?;
    let kind = CoordinatorKind::ALL.into_iter().find(|kind| kind.segment() == segment)?;
    Some(StateKey::Coordinator { kind, shard: number(shard)? })
}

fn group(path: &str) -> Option<StateKey> {
    let (group, rest) = path.split_once('/')?;
    let group = unescape(group)?;
    if rest == "state" {
        return Some(StateKey::GroupState(group));
    }
    if let Some(producer) = rest.strip_prefix("pending/") {
        return Some(StateKey::GroupPending { group, producer: ProducerId(number(producer)?) });
    }
    let (topic, partition) = rest.strip_prefix("offsets/")?.split_once('/')?;
    Some(StateKey::GroupOffset {
        group,
        topic: unescape(topic)?,
        partition: PartitionIndex(number(partition)?),
    })
}

/// A number from 0 in its one form: no sign, no leading zeros.
fn number<N: FromStr>(digits: &str) -> Option<N> {
    let canonical = digits == "0" || !digits.starts_with('0');
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    if canonical && plain { digits.parse().ok() } else { None }
}
