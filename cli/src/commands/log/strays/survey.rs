//! What etcd says about stray logs, and about the topics that they are of, at one revision.

use std::collections::BTreeMap;

use anyhow::Context;
use barnabas_coordinator_client::{Expect, KeyValue, Listing, ModRevision};
use barnabas_protocol::state::ids::{BrokerId, PartitionIndex, TopicId};
use barnabas_protocol::state::values::{PartitionState, Restored, StrayLog, Topic as TopicValue};
use barnabas_protocol::state::{ConfigKind, Keys, StateKey, StateValue, from_json};

use crate::commands::etcd::Etcd;

/// All topics with stray logs.
pub(super) struct Survey {
    pub(super) restored: RestoreCount,
    /// By name.
    pub(super) topics: Vec<Topic>,
}

/// How often etcd was restored, and what holds as long as that stays so.
#[derive(Clone, Copy)]
pub(super) struct RestoreCount {
    pub(super) count: i64,
    pub(super) unchanged: Expect,
}

/// A topic with stray logs.
pub(super) struct Topic {
    pub(super) id: TopicId,
    /// Its name when a broker last knew it.
    pub(super) name: String,
    /// How many partitions it had then.
    pub(super) partitions: i32,
    /// Its stray logs, by partition and broker.
    pub(super) logs: Vec<Log>,
    /// What there is under its name.
    pub(super) here: Place,
}

/// One stray log.
pub(super) struct Log {
    pub(super) broker: BrokerId,
    pub(super) partition: PartitionIndex,
    pub(super) value: StrayLog,
    /// The broker's report, which goes with its registration.
    pub(super) report: (String, ModRevision),
}

/// What etcd has under a topic's name.
#[derive(Clone, Default)]
pub(super) struct Place {
    pub(super) key: Option<TopicKey>,
    pub(super) states: BTreeMap<PartitionIndex, State>,
    pub(super) config: Option<ModRevision>,
}

/// A topic's key.
#[derive(Clone)]
pub(super) struct TopicKey {
    pub(super) topic_id: String,
    pub(super) partitions: i32,
    pub(super) revision: ModRevision,
}

/// The state of a partition.
#[derive(Clone)]
pub(super) struct State {
    pub(super) topic_id: String,
    pub(super) replicas: Vec<BrokerId>,
    pub(super) revision: ModRevision,
}

impl Survey {
    /// Reads everything that says something about topics.
    pub(super) async fn read(etcd: &Etcd) -> anyhow::Result<(Self, Listing)> {
        let keys = &etcd.keys;
        let listing = etcd.client.list_between(keys.deleted_topics(), keys.groups()).await?;
        Ok((Self::of(keys, &listing)?, listing))
    }

    pub(super) fn of(keys: &Keys, listing: &Listing) -> anyhow::Result<Self> {
        let mut restored = RestoreCount { count: 0, unchanged: Expect::Absent };
        let mut logs = BTreeMap::<TopicId, Vec<Log>>::new();
        for kv in &listing.entries {
            match keys.parse(&kv.key) {
                Some(StateKey::Stray { broker, topic, partition }) => {
                    let key = String::from_utf8_lossy(&kv.key).into_owned();
                    let report = (key, kv.mod_revision);
                    let value = read(kv)?;
                    logs.entry(topic).or_default().push(Log { broker, partition, value, report });
                }
                Some(StateKey::Restored) => {
                    let count = read::<Restored>(kv)?.count;
                    let unchanged = Expect::ModRevision(kv.mod_revision);
                    restored = RestoreCount { count, unchanged };
                }
                _ => {}
            }
        }
        let mut topics = Vec::new();
        for (id, mut logs) in logs {
            logs.sort_by_key(|log| (log.partition, log.broker));
            // The broker that knew the topic last knows best.
            let newest = logs.iter().max_by_key(|log| log.value.partition_epoch);
            let name = newest.map(|log| log.value.topic.clone()).unwrap_or_default();
            let partitions = logs.iter().map(|log| log.value.partitions).max().unwrap_or(0);
            let here = Place::of(keys, listing, &name)?;
            topics.push(Topic { id, name, partitions, logs, here });
        }
        topics.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        Ok(Self { restored, topics })
    }
}

impl Place {
    /// What a listing has under a name.
    pub(super) fn of(keys: &Keys, listing: &Listing, name: &str) -> anyhow::Result<Self> {
        let mut place = Self::default();
        for kv in &listing.entries {
            match keys.parse(&kv.key) {
                Some(StateKey::Topic(topic)) if topic == name => {
                    let TopicValue { topic_id, partitions, .. } = read(kv)?;
                    place.key = Some(TopicKey { topic_id, partitions, revision: kv.mod_revision });
                }
                Some(StateKey::PartitionState { topic, partition }) if topic == name => {
                    let PartitionState { topic_id, replicas, .. } = read(kv)?;
                    let replicas = replicas.into_iter().map(BrokerId).collect();
                    let revision = kv.mod_revision;
                    place.states.insert(partition, State { topic_id, replicas, revision });
                }
                Some(StateKey::Config { kind: ConfigKind::Topic, name: topic })
                    if topic == name =>
                {
                    place.config = Some(kv.mod_revision);
                }
                _ => {}
            }
        }
        Ok(place)
    }

    /// The key, if it is that of this topic.
    pub(super) fn key_of(&self, id: TopicId) -> Option<&TopicKey> {
        self.key.as_ref().filter(|key| key.topic_id == id.to_kafka_string())
    }

    /// The key, if it is that of another topic.
    pub(super) fn taken_from(&self, id: TopicId) -> Option<&TopicKey> {
        self.key.as_ref().filter(|key| key.topic_id != id.to_kafka_string())
    }

    /// The state of a partition, if it is of this topic.
    pub(super) fn state_of(&self, id: TopicId, partition: PartitionIndex) -> Option<&State> {
        self.states.get(&partition).filter(|state| state.topic_id == id.to_kafka_string())
    }

    /// What a transaction expects of the topic's key.
    pub(super) fn expect_key(&self) -> Expect {
        self.key.as_ref().map_or(Expect::Absent, |key| Expect::ModRevision(key.revision))
    }
}

impl Topic {
    /// Why a log is stray.
    pub(super) fn reason(&self, log: &Log) -> String {
        let Some(key) = self.here.key_of(self.id) else {
            return match self.here.taken_from(self.id) {
                Some(other) => format!("the name belongs to another topic ({})", other.topic_id),
                None => "the topic's key is missing".to_owned(),
            };
        };
        match self.here.state_of(self.id, log.partition) {
            _ if log.partition.0 >= key.partitions => {
                format!("the topic has {} partition(s)", key.partitions)
            }
            None => "the partition's state is missing".to_owned(),
            Some(state) if !state.replicas.contains(&log.broker) => {
                "the partition is on other brokers".to_owned()
            }
            Some(_) => "found again; the broker is about to open it".to_owned(),
        }
    }
}

fn read<V: StateValue>(kv: &KeyValue) -> anyhow::Result<V> {
    from_json(&kv.value).with_context(|| {
        format!("the value of {} cannot be read", String::from_utf8_lossy(&kv.key))
    })
}
