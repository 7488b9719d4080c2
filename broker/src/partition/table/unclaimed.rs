//! The logs on this broker beside what the image shows: states below what was acted on, and logs of
//! no partition.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};

use super::PartitionTable;
use crate::log::{ActedOn, LogId, StoreFault};
use crate::metadata::{Image, TopicImage};
use crate::partition::Partition;
use crate::partition::history::{self, Standing};
use crate::partition::state::Assignment;

/// The logs that belong to no partition of the image.
#[derive(Debug, Default)]
pub struct Unclaimed {
    /// Logs of deleted topics, to be deleted.
    pub deleted: BTreeMap<TopicId, Vec<LogId>>,
    /// Logs that the cluster does not know, to be kept.
    pub strays: Strays,
}

/// Logs that the cluster does not know.
pub type Strays = BTreeMap<(TopicId, PartitionIndex), Stray>;

/// A log that the cluster does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The state that the broker acted on last, which says what the log is.
    pub acted_on: Option<Arc<ActedOn>>,
    /// First offset.
    pub log_start: Offset,
    /// One past the last offset.
    pub end: Offset,
}

impl PartitionTable {
    /// Proof that etcd was restored from a backup: it shows less than this broker has acted on.
    /// Looks at the topics that changed since the last image that was applied.
    #[must_use]
    pub fn proof_of_restore(&self, image: &Image) -> Option<String> {
        if let Some(proof) = history::proof_by_count(self.store.restored(), image.restored) {
            return Some(proof);
        }
        let changed = image.topics_changed_since(&self.applied.lock());
        let (topics, idle) = (self.topics.load_full(), self.idle.lock());
        let proof = |topic: &TopicImage, index, log| {
            let acted_on = self.store.acted_on(log)?;
            history::proof_by_log(&acted_on, topic, index, image.restored)
        };
        changed.iter().filter_map(|name| image.topic(name)).find_map(|topic| {
            let local = topics.by_id.get(&topic.id);
            let mut open = local.into_iter().flat_map(|local| local.partitions());
            let place = |index| (topic.id, PartitionIndex(index));
            let mut closed = idle.range(place(i32::MIN)..=place(i32::MAX));
            open.find_map(|partition| proof(topic, partition.index, partition.log))
                .or_else(|| closed.find_map(|((_, index), idle)| proof(topic, *index, idle.log())))
        })
    }

    /// Takes all roles away, until an image is applied that can be believed.
    pub fn withdraw(&self) {
        self.restored.store(i64::MAX, Ordering::Release);
        self.all().iter().for_each(|partition| partition.assign(Assignment::Offline));
    }

    /// Notes the states that partitions are about to act on, in one write. What a full disk does
    /// not take is noted with the next state: until there is space, nothing is appended either.
    /// False when the states are not noted.
    pub(super) fn note(&self, partitions: &[Arc<Partition>]) -> bool {
        let topics = self.topics.load();
        let restored = self.restored.load(Ordering::Acquire);
        let next = |partition: &Arc<Partition>| {
            let topic = &topics.by_id.get(&partition.topic_id)?.image;
            let state = topic.partition(partition.index)?;
            let next = history::acted_on(topic, state);
            let known = self.store.acted_on(partition.log);
            let is_new = state.restored >= restored && known.as_deref() != Some(&next);
            is_new.then_some((partition.log, next))
        };
        let states: Vec<_> = partitions.iter().filter_map(next).collect();
        if states.is_empty() {
            return true;
        }
        match self.store.set_acted_on(states) {
            Ok(()) => true,
            Err(StoreFault::DiskFull) => {
                tracing::warn!("the disk is full: the states of partitions cannot be noted");
                true
            }
            Err(error) => {
                tracing::error!(%error, "cannot note the states of partitions; they have no leader");
                false
            }
        }
    }

    /// The logs that belong to no partition of the image.
    #[must_use]
    pub fn unclaimed(&self, image: &Image) -> Unclaimed {
        let mut found = Unclaimed::default();
        for ((topic_id, index), idle) in &*self.idle.lock() {
            let log = idle.log();
            match history::standing(image, self.broker, (*topic_id, *index)) {
                Standing::Placed => {}
                Standing::Deleted => found.deleted.entry(*topic_id).or_default().push(log),
                Standing::Stray => {
                    let stray = Stray {
                        acted_on: self.store.acted_on(log),
                        log_start: self.store.log_start(log).unwrap_or_default(),
                        end: self.store.end(log).unwrap_or_default(),
                    };
                    found.strays.insert((*topic_id, *index), stray);
                }
            }
        }
        found
    }
}
