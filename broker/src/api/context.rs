//! What a handler knows besides its request.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::state::ids::{PartitionIndex, TopicId};

use crate::broker::Broker;
use crate::partition::Partition;

/// So much every connection may hold for one request without a part of the memory for all requests, however long that
/// request waits: connections are limited by their number.
pub const UNPAID_BYTES: usize = 16 * 1024;

/// What all requests of a connection share.
#[derive(Clone, Debug)]
pub struct ConnectionContext {
    broker: Arc<Broker>,
    listener: Arc<str>,
    client_host: IpAddr,
    frame_sharing: Arc<FrameSharing>,
}

impl ConnectionContext {
    /// Has the appends written that requests of this connection have queued.
    pub(crate) fn write_queued(&self) {
        self.broker.store.write_queued();
    }

    /// A connection from `client_host` to the listener of this name.
    #[must_use]
    pub fn new(broker: &Arc<Broker>, listener: Arc<str>, client_host: IpAddr) -> Self {
        Self { broker: Arc::clone(broker), listener, client_host, frame_sharing: Arc::default() }
    }

    /// The context of one request.
    #[must_use]
    pub(crate) fn request(
        &self,
        version: i16,
        client_id: Option<Str>,
        frame_bytes: usize,
    ) -> RequestContext {
        RequestContext {
            frame_bytes,
            frame_sharing: Arc::clone(&self.frame_sharing),
            broker: Arc::clone(&self.broker),
            version,
            client_id,
            client_host: self.client_host,
            listener: Arc::clone(&self.listener),
        }
    }
}

/// How much of what a connection sends is kept.
///
/// A batch that is kept as a slice of its frame keeps all of the frame in memory. That is right where a frame is nearly
/// all batches that are kept, as producers send them; others would fill the memory with what nobody counts.
#[derive(Debug, Default)]
pub(crate) struct FrameSharing {
    kept_bytes: AtomicUsize,
}

impl FrameSharing {
    /// Whether batches may share a frame of this size: not if it is much larger than what was kept of the one before.
    pub(crate) fn may_share(&self, frame_bytes: usize) -> bool {
        frame_bytes / 2 <= self.kept_bytes.load(Ordering::Relaxed)
    }

    /// Remembers how many bytes of a frame were kept.
    pub(crate) fn kept(&self, bytes: usize) {
        self.kept_bytes.store(bytes, Ordering::Relaxed);
    }
}

/// What a handler knows besides its request.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    /// The broker.
    pub(crate) broker: Arc<Broker>,
    /// The API version of the request, which is also that of the response.
    pub(crate) version: i16,
    /// What the client calls itself.
    pub(crate) client_id: Option<Str>,
    /// Where the client connects from.
    pub(crate) client_host: IpAddr,
    /// The listener it came in by: it is told the addresses of that listener.
    pub(crate) listener: Arc<str>,
    /// Size of the whole request.
    pub(crate) frame_bytes: usize,
    /// What is known of the connection's frames.
    pub(crate) frame_sharing: Arc<FrameSharing>,
}

impl RequestContext {
    /// A partition on this broker, or the error that Kafka gives.
    pub(crate) fn partition(&self, topic: &str, index: i32) -> Result<Arc<Partition>, ErrorCode> {
        let index = PartitionIndex(index);
        if let Some(partition) = self.broker.partitions.partition(topic, index) {
            return Ok(partition);
        }
        Err(missing(self.broker.image().partition(topic, index).is_some()))
    }

    /// A partition by its topic's id.
    pub(crate) fn partition_by_id(
        &self,
        id: TopicId,
        index: i32,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let index = PartitionIndex(index);
        let local = self.broker.partitions.topic_by_id(id);
        if let Some(partition) = local.and_then(|topic| topic.partition(index).cloned()) {
            return Ok(partition);
        }
        let image = self.broker.image();
        let topic = image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId)?;
        Err(missing(topic.partition(index).is_some()))
    }
}

/// What is said of a partition that is not here.
const fn missing(exists: bool) -> ErrorCode {
    if exists { ErrorCode::NotLeaderOrFollower } else { ErrorCode::UnknownTopicOrPartition }
}
