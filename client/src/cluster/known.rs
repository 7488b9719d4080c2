//! What metadata responses have said so far: where brokers are, and who leads which partition.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::metadata::{MetadataResponse, MetadataResponseTopic};
use uuid::Uuid;

use crate::{Address, ClientError};

/// A topic and the leaders of its partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: Str,
    /// Its id; zero where the broker does not tell.
    pub id: Uuid,
    /// The brokers that lead, by partition; -1 for none.
    leaders: BTreeMap<i32, i32>,
}

impl Topic {
    fn new(topic: &MetadataResponseTopic) -> Self {
        let leaders = topic.partitions.iter().map(|p| (p.partition_index, p.leader_id)).collect();
        let name = topic.name.as_ref().map(Str::detach).unwrap_or_default();
        Self { name, id: topic.topic_id, leaders }
    }

    /// How many partitions there are.
    pub fn len(&self) -> usize {
        self.leaders.len()
    }

    /// Whether there is no partition, which no broker says of a topic that exists.
    pub fn is_empty(&self) -> bool {
        self.leaders.is_empty()
    }

    /// The partitions, in order.
    pub fn partitions(&self) -> impl Iterator<Item = i32> {
        self.leaders.keys().copied()
    }

    /// The broker that leads a partition.
    ///
    /// # Errors
    /// There is no such partition, or it has no leader.
    pub fn leader(&self, index: i32) -> Result<i32, ClientError> {
        match self.leaders.get(&index) {
            None => Err(ClientError::refused(ErrorCode::UnknownTopicOrPartition, None)),
            Some(..0) => Err(ClientError::refused(ErrorCode::LeaderNotAvailable, None)),
            Some(leader) => Ok(*leader),
        }
    }

    /// Each leader with its partitions.
    ///
    /// # Errors
    /// One has no leader.
    pub fn by_leader(&self) -> Result<BTreeMap<i32, Vec<i32>>, ClientError> {
        let mut all: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for index in self.partitions() {
            all.entry(self.leader(index)?).or_default().push(index);
        }
        Ok(all)
    }
}

/// The latest that is known.
#[derive(Debug, Default)]
pub(super) struct Known {
    brokers: BTreeMap<i32, Address>,
    topics: HashMap<Str, Arc<Topic>>,
}

impl Known {
    /// Takes in an answer. It names all brokers, and of the topics those that were asked for.
    pub(super) fn update(&mut self, response: &MetadataResponse) {
        let address = |host: &str, port| Address::new(host, u16::try_from(port).unwrap_or(0));
        let brokers = response.brokers.iter();
        self.brokers = brokers.map(|b| (b.node_id, address(&b.host, b.port))).collect();
        for topic in &response.topics {
            let known = Topic::new(topic);
            if topic.error_code == ErrorCode::None {
                self.topics.insert(known.name.clone(), Arc::new(known));
            } else {
                self.topics.remove(&known.name);
            }
        }
    }

    pub(super) fn broker(&self, id: i32) -> Option<Address> {
        self.brokers.get(&id).cloned()
    }

    pub(super) fn brokers(&self) -> impl Iterator<Item = &Address> {
        self.brokers.values()
    }

    pub(super) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.get(name).cloned()
    }

    /// The topic's partitions have other leaders by now, or it is gone.
    pub(super) fn forget(&mut self, name: &str) {
        self.topics.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::kafka::messages::metadata::{
        MetadataResponseBroker, MetadataResponsePartition,
    };

    use super::*;

    fn answer(leaders: &[i32], error_code: ErrorCode) -> MetadataResponse {
        let partitions = leaders.iter().zip(0..).map(|(leader, index)| MetadataResponsePartition {
            partition_index: index,
            leader_id: *leader,
            ..MetadataResponsePartition::default()
        });
        let topic = MetadataResponseTopic {
            name: Some("t".into()),
            error_code,
            partitions: partitions.collect(),
            ..MetadataResponseTopic::default()
        };
        let broker = MetadataResponseBroker {
            node_id: 1,
            host: "h".into(),
            port: 9,
            ..MetadataResponseBroker::default()
        };
        MetadataResponse { brokers: vec![broker], topics: vec![topic], ..Default::default() }
    }

    #[test]
    fn the_latest_answer_counts() {
        let mut known = Known::default();
        known.update(&answer(&[1, 2, 1], ErrorCode::None));
        assert_eq!(known.broker(1), Some(Address::new("h", 9)));
        let topic = known.topic("t").expect("known");
        assert_eq!(topic.len(), 3);
        let by_leader = topic.by_leader().expect("all have leaders");
        assert_eq!(by_leader, BTreeMap::from([(1, vec![0, 2]), (2, vec![1])]));
        known.update(&answer(&[1, -1], ErrorCode::None));
        let topic = known.topic("t").expect("known");
        let code = |leader: Result<i32, ClientError>| leader.unwrap_err().code();
        assert_eq!(code(topic.leader(1)), Some(ErrorCode::LeaderNotAvailable));
        assert_eq!(code(topic.leader(2)), Some(ErrorCode::UnknownTopicOrPartition));
        known.update(&answer(&[], ErrorCode::UnknownTopicOrPartition));
        assert_eq!(known.topic("t"), None);
    }
}
