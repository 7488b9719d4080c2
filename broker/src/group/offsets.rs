//! The committed offsets of one group, as served.

use std::collections::{BTreeMap, BTreeSet};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::{PartitionIndex, TopicId};
use barnabas_protocol::state::values::CommittedOffset;
use barnabas_protocol::state::{StateError, StateValue};

/// A partition by the name of its topic.
pub(crate) type TopicPartition = (Str, PartitionIndex);

/// What a group committed for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    /// The topic that the offset is about. A later topic of the same name has another id and none
    /// of its offsets.
    pub(crate) topic_id: TopicId,
    /// Offset of the next record to read.
    pub(crate) offset: i64,
    /// Leader epoch of the record before it, or -1.
    pub(crate) leader_epoch: i32,
    /// What the client attached.
    pub(crate) metadata: Str,
    /// When it was committed, in milliseconds since 1970.
    pub(crate) timestamp_ms: i64,
    /// When it expires, in milliseconds since 1970, where the client said so.
    /// `offsets.retention.minutes` does not apply then.
    pub(crate) expires_ms: Option<i64>,
}

impl Committed {
    /// The value in etcd.
    pub(crate) fn to_value(&self) -> CommittedOffset {
        CommittedOffset {
            version: CommittedOffset::VERSION,
            topic_id: self.topic_id.to_kafka_string(),
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata.to_string(),
            commit_timestamp_ms: self.timestamp_ms,
            expire_timestamp_ms: self.expires_ms,
        }
    }
}

impl TryFrom<CommittedOffset> for Committed {
    type Error = StateError;

    fn try_from(value: CommittedOffset) -> Result<Self, StateError> {
        let invalid = |_| StateError::Invalid {
            name: CommittedOffset::NAME,
            reason: format!("not a topic id: {:?}", value.topic_id),
        };
        Ok(Self {
            topic_id: TopicId::from_kafka_string(&value.topic_id).map_err(invalid)?,
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata.into(),
            timestamp_ms: value.commit_timestamp_ms,
            expires_ms: value.expire_timestamp_ms,
        })
    }
}

/// The offsets of a group that are in etcd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    topics: BTreeMap<Str, BTreeMap<PartitionIndex, Committed>>,
}

impl Offsets {
    /// Takes over an offset that was written.
    pub(crate) fn put(&mut self, (topic, partition): TopicPartition, committed: Committed) {
        self.topics.entry(topic).or_default().insert(partition, committed);
    }

    /// Takes over a deletion.
    pub(crate) fn remove(&mut self, (topic, partition): &TopicPartition) {
        let Some(partitions) = self.topics.get_mut(topic) else { return };
        partitions.remove(partition);
        if partitions.is_empty() {
            self.topics.remove(topic);
        }
    }

    /// The offset of a partition.
    pub(crate) fn get(&self, topic: &str, partition: PartitionIndex) -> Option<&Committed> {
        self.topics.get(topic)?.get(&partition)
    }

    /// All offsets, by topic and partition.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TopicPartition, &Committed)> {
        self.topics.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(|(index, committed)| ((topic.clone(), *index), committed))
        })
    }

    /// The offsets of topics that do not exist, as far as the caller knows.
    pub(crate) fn of_missing_topics(
        &self,
        exists: impl Fn(TopicId) -> bool,
    ) -> Vec<TopicPartition> {
        let missing = self.iter().filter(|(_, committed)| !exists(committed.topic_id));
        missing.map(|(at, _)| at).collect()
    }

    /// The offsets that have expired (KIP-211): `retention_ms` after the group became empty
    /// (`empty_since_ms`) and after the commit, or when the commit itself said. Those of topics in
    /// `subscribed` do not expire. Times are in milliseconds since 1970.
    pub(crate) fn expired(
        &self,
        empty_since_ms: Option<i64>,
        subscribed: &BTreeSet<Str>,
        now_ms: i64,
        retention_ms: i64,
    ) -> Vec<TopicPartition> {
        let is_over = |committed: &Committed| {
            let since =
                empty_since_ms.unwrap_or(committed.timestamp_ms).max(committed.timestamp_ms);
            now_ms >= committed.expires_ms.unwrap_or_else(|| since.saturating_add(retention_ms))
        };
        self.iter()
            .filter(|((topic, _), committed)| !subscribed.contains(topic) && is_over(committed))
            .map(|(at, _)| at)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(topic: &str, partition: i32) -> TopicPartition {
        (topic.into(), PartitionIndex(partition))
    }

    fn committed(timestamp_ms: i64) -> Committed {
        Committed {
            topic_id: TopicId::default(),
            offset: 7,
            leader_epoch: -1,
            metadata: Str::default(),
            timestamp_ms,
            expires_ms: None,
        }
    }

    #[test]
    fn offsets_expire_after_the_group_became_empty_and_after_their_commit() {
        let mut offsets = Offsets::default();
        offsets.put(at("old", 0), committed(100));
        offsets.put(at("new", 1), committed(900));
        let expired = |since, subscribed: &[&str], now| {
            let subscribed = subscribed.iter().map(|t| Str::from(*t)).collect();
            offsets.expired(since, &subscribed, now, 1000)
        };
        assert_eq!(expired(None, &[], 1099), []);
        assert_eq!(expired(None, &[], 1100), [at("old", 0)]);
        assert_eq!(expired(Some(500), &[], 1499), []);
        assert_eq!(expired(Some(500), &[], 1500), [at("old", 0)]);
        assert_eq!(expired(None, &["old"], 1900), [at("new", 1)]);
    }

    #[test]
    fn a_commit_may_say_when_it_expires() {
        let mut offsets = Offsets::default();
        offsets.put(at("t", 0), Committed { expires_ms: Some(150), ..committed(100) });
        let expired = |since, now| offsets.expired(since, &BTreeSet::new(), now, 1000);
        assert_eq!(expired(Some(140), 149), []);
        assert_eq!(expired(Some(140), 150), [at("t", 0)]);
    }

    #[test]
    fn offsets_of_another_topic_of_the_same_name_are_found() {
        let id = |n| TopicId(uuid::Uuid::from_u128(n));
        let mut offsets = Offsets::default();
        offsets.put(at("t", 0), Committed { topic_id: id(1), ..committed(0) });
        offsets.put(at("t", 1), Committed { topic_id: id(2), ..committed(0) });
        assert_eq!(offsets.of_missing_topics(|topic| topic == id(2)), [at("t", 0)]);
    }

    #[test]
    fn a_value_without_a_topic_id_is_refused() {
        let value = CommittedOffset { topic_id: String::new(), ..committed(0).to_value() };
        assert!(Committed::try_from(value).is_err());
        assert_eq!(Committed::try_from(committed(7).to_value()), Ok(committed(7)));
    }

    #[test]
    fn a_topic_without_offsets_is_dropped() {
        let mut offsets = Offsets::default();
        offsets.put(at("t", 0), committed(0));
        offsets.remove(&at("t", 1));
        assert_eq!(offsets.iter().count(), 1);
        offsets.remove(&at("t", 0));
        assert_eq!(offsets, Offsets::default());
    }
}
