//! What this broker has of one topic, and logs that no partition uses.

use std::collections::BTreeSet;
use std::sync::Arc;

use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};

use super::super::Partition;
use crate::config::TopicConfig;
use crate::log::{LogId, RecoveredLog};
use crate::metadata::TopicImage;

/// A topic's partitions that are on this broker.
#[derive(Clone, Debug)]
pub struct LocalTopic {
    /// What the cluster says of it.
    pub image: Arc<TopicImage>,
    pub(super) config: Arc<TopicConfig>,
    /// By index; a partition that is not here has no entry, or an empty one.
    partitions: Vec<Option<Arc<Partition>>>,
    /// Partitions that should be here and whose log is not open.
    pub(super) unopened: BTreeSet<PartitionIndex>,
}

impl LocalTopic {
    /// The topic with the partitions that it had before.
    pub(super) fn new(
        before: Option<&Self>,
        image: Arc<TopicImage>,
        config: Arc<TopicConfig>,
    ) -> Self {
        let (partitions, unopened) = before
            .map(|before| (before.partitions.clone(), before.unopened.clone()))
            .unwrap_or_default();
        Self { image, config, partitions, unopened }
    }

    /// One of its partitions, if it is here and open.
    #[must_use]
    pub fn partition(&self, index: PartitionIndex) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index.0).ok()?)?.as_ref()
    }

    /// The partitions that are here and open.
    pub fn partitions(&self) -> impl Iterator<Item = &Arc<Partition>> {
        self.partitions.iter().flatten()
    }

    /// Whether the partition should be here, and its log cannot be opened.
    #[must_use]
    pub fn is_unopened(&self, index: PartitionIndex) -> bool {
        self.unopened.contains(&index)
    }

    /// The open partitions whose state the cluster has lost.
    pub(super) fn open_without_state(&self) -> Vec<PartitionIndex> {
        let open = self.partitions().map(|partition| partition.index);
        open.filter(|index| !self.image.partitions.contains_key(index)).collect()
    }

    pub(super) fn insert(&mut self, partition: Arc<Partition>) {
        self.unopened.remove(&partition.index);
        let Ok(at) = usize::try_from(partition.index.0) else { return };
        if self.partitions.len() <= at {
            self.partitions.resize(at + 1, None);
        }
        self.partitions[at] = Some(partition);
    }

    pub(super) fn remove(&mut self, index: PartitionIndex) -> Option<Arc<Partition>> {
        self.unopened.remove(&index);
        self.partitions.get_mut(usize::try_from(index.0).ok()?)?.take()
    }
}

/// A log without a place among the partitions.
#[derive(Clone, Debug)]
pub(super) enum IdleLog {
    /// As it was found on disk, or just made.
    Recovered(Box<RecoveredLog>),
    /// Of a partition that was closed. Batches may still be on their way to its log, and it knows
    /// of them: should the partition come back, it is this one.
    Closed(Arc<Partition>),
}

impl IdleLog {
    pub(super) fn log(&self) -> LogId {
        match self {
            Self::Recovered(log) => log.id,
            Self::Closed(partition) => partition.log,
        }
    }
}

/// A log that was just made.
pub(super) fn empty_log(id: LogId, topic_id: TopicId, partition: PartitionIndex) -> IdleLog {
    let zero = Offset(0);
    IdleLog::Recovered(Box::new(RecoveredLog {
        id,
        topic_id,
        partition,
        log_start: zero,
        end: zero,
        high_watermark: zero,
        epochs: Vec::new(),
        producer_snapshot: None,
        clean_shutdown: true,
    }))
}
