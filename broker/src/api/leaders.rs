//! Tells clients that asked the wrong broker, or with an old epoch, which broker leads and its
//! address, so that they need no Metadata request first (KIP-951).

use std::collections::BTreeSet;
use std::sync::Arc;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::{BrokerId, PartitionIndex, TopicId};

use crate::metadata::{Image, TopicImage};

/// The leaders that one response names.
pub(crate) struct Leaders<'a> {
    image: Arc<Image>,
    listener: &'a str,
    named: BTreeSet<BrokerId>,
}

/// Where a leader listens.
pub(crate) struct Endpoint {
    pub(crate) node_id: i32,
    pub(crate) host: Str,
    pub(crate) port: i32,
    pub(crate) rack: Option<Str>,
}

impl<'a> Leaders<'a> {
    /// As clients of this listener reach them.
    pub(crate) const fn new(image: Arc<Image>, listener: &'a str) -> Self {
        Self { image, listener, named: BTreeSet::new() }
    }

    /// Leader and epoch of a partition, if there is one with a leader.
    pub(crate) fn name(&mut self, topic: &str, index: i32) -> Option<(i32, i32)> {
        let image = Arc::clone(&self.image);
        self.name_of(image.topic(topic)?, index)
    }

    /// The same by the topic's id.
    pub(crate) fn name_by_id(&mut self, id: TopicId, index: i32) -> Option<(i32, i32)> {
        let image = Arc::clone(&self.image);
        self.name_of(image.topic_by_id(id)?, index)
    }

    fn name_of(&mut self, topic: &TopicImage, index: i32) -> Option<(i32, i32)> {
        let placed = topic.partition(PartitionIndex(index))?;
        let leader = placed.leader?;
        self.named.insert(leader);
        Some((leader.0, placed.leader_epoch.0))
    }

    /// Where the brokers that were named listen, each once.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        let brokers = self.named.iter().filter_map(|id| self.image.brokers.get(id));
        let endpoint = brokers.filter_map(|broker| {
            let at = broker.endpoint(self.listener)?;
            Some(Endpoint {
                node_id: broker.id.0,
                host: Str::from(&*at.host),
                port: i32::from(at.port),
                rack: broker.rack.as_deref().map(Str::from),
            })
        });
        endpoint.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_is_named_by_either_name_and_listed_once() {
        let image =
            Image::default().with_broker(1, 5).with_broker(2, 6).with_topic("t", 2, &[2, 1]);
        let id = image.topic("t").expect("there").id;
        let mut leaders = Leaders::new(Arc::new(image), "PLAIN");
        let named = leaders.name("t", 0);
        assert_eq!(named.map(|(leader, _)| leader), Some(2));
        assert_eq!(leaders.name_by_id(id, 0), named);
        assert_eq!((leaders.name("t", 9), leaders.name("u", 0)), (None, None));
        assert_eq!(leaders.named, BTreeSet::from([BrokerId(2)]));
        assert!(leaders.endpoints().is_empty(), "nothing is said of brokers without that listener");
    }
}
