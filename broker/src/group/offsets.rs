//! The committed offsets of one group, as served.

use std::collections::{BTreeMap, BTreeSet};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::StateValue;
use barnabas_protocol::state::ids::PartitionIndex;
use barnabas_protocol::state::values::CommittedOffset;

/// A topic's partition.
pub(crate) type TopicPartition = (Str, PartitionIndex);

/// What a group committed for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    /// The next record to read.
    pub(crate) offset: i64,
    /// Epoch of the record before it, or -1.
    pub(crate) leader_epoch: i32,
    /// What the client attached.
    pub(crate) metadata: Str,
    /// Milliseconds since 1970.
    pub(crate) timestamp_ms: i64,
    /// When it expires, where the client said so, instead of `offsets.retention.minutes`. Milliseconds since 1970.
    pub(crate) expires_ms: Option<i64>,
}

impl Committed {
    /// As it is kept.
    pub(crate) fn to_value(&self) -> CommittedOffset {
        CommittedOffset {
            version: CommittedOffset::VERSION,
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            metadata: self.metadata.to_string(),
            commit_timestamp_ms: self.timestamp_ms,
            expire_timestamp_ms: self.expires_ms,
        }
    }
}

impl From<CommittedOffset> for Committed {
    fn from(value: CommittedOffset) -> Self {
        Self {
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata.into(),
            timestamp_ms: value.commit_timestamp_ms,
            expires_ms: value.expire_timestamp_ms,
        }
    }
}

/// The offsets of a group that are committed for certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    topics: BTreeMap<Str, BTreeMap<PartitionIndex, Committed>>,
}

impl Offsets {
    /// Takes over what was written.
    pub(crate) fn put(&mut self, (topic, partition): TopicPartition, committed: Committed) {
        self.topics.entry(topic).or_default().insert(partition, committed);
    }

    /// Takes over what was deleted.
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

    pub(crate) fn is_empty(&self) -> bool {
        self.topics.is_empty()
    }

    /// What KIP-211 lets go: offsets whose time is over, counted from when the group became empty (`empty_since_ms`), else
    /// from the commit; never those of topics in `subscribed`. A commit that says itself when it expires is taken at
    /// its word. Times in milliseconds since 1970.
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
    fn a_topic_without_offsets_is_gone() {
        let mut offsets = Offsets::default();
        offsets.put(at("t", 0), committed(0));
        offsets.remove(&at("t", 1));
        assert!(!offsets.is_empty());
        offsets.remove(&at("t", 0));
        assert!(offsets.is_empty());
    }
}
