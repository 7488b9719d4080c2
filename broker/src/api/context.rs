//! What a handler knows besides its request.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::state::ids::{PartitionIndex, TopicId};

use super::fetch_sessions::FetchSessions;
use super::reply::ReplyTo;
use super::reply_memory::ReplyMemory;
use crate::broker::Broker;
use crate::config::BrokerConfig;
use crate::partition::Partition;

/// Bytes that a request may hold without being charged to the request budget, however long it
/// waits: connections are limited by their number.
pub const UNPAID_BYTES: usize = 16 * 1024;

/// What the handlers of all connections share.
#[derive(Debug)]
pub struct Api {
    /// The parts of the broker.
    pub broker: Arc<Broker>,
    /// Fetch sessions.
    pub(crate) fetch_sessions: FetchSessions,
    /// Bounds what fetch responses hold until they are sent.
    pub(crate) reply_memory: ReplyMemory,
}

impl Api {
    /// The APIs of a broker with this configuration.
    #[must_use]
    pub fn new(broker: Arc<Broker>, config: &BrokerConfig) -> Self {
        Self {
            broker,
            fetch_sessions: FetchSessions::new(config.max_incremental_fetch_session_cache_slots),
            reply_memory: ReplyMemory::new(config.fetch_max_bytes),
        }
    }
}

/// What all requests of a connection share.
#[derive(Clone, Debug)]
pub struct ConnectionContext(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    api: Arc<Api>,
    listener: Arc<str>,
    client_host: IpAddr,
    frame_sharing: FrameSharing,
}

impl ConnectionContext {
    /// A connection from `client_host` to the listener of this name.
    #[must_use]
    pub fn new(api: &Arc<Api>, listener: Arc<str>, client_host: IpAddr) -> Self {
        let (api, frame_sharing) = (Arc::clone(api), FrameSharing::default());
        Self(Arc::new(Connection { api, listener, client_host, frame_sharing }))
    }

    /// Flushes the appends queued by requests of this connection to the log.
    pub(crate) fn write_queued(&self) {
        self.0.api.broker.store.write_queued();
    }

    /// The context of one request.
    #[must_use]
    pub(crate) fn request(
        &self,
        reply_to: ReplyTo,
        client_id: Option<Str>,
        frame_bytes: usize,
    ) -> RequestContext {
        let ReplyTo { correlation_id, version } = reply_to;
        let connection = Arc::clone(&self.0);
        RequestContext { connection, correlation_id, version, client_id, frame_bytes }
    }
}

/// How much of the frames of a connection is kept in memory.
///
/// A cached batch that is a slice of its frame keeps the whole frame in memory. That is fine if the
/// frame consists almost only of cached batches, as with normal producers. Otherwise it would use
/// memory that nothing accounts for, and the batch is copied.
#[derive(Debug, Default)]
pub(crate) struct FrameSharing {
    kept_bytes: AtomicUsize,
}

impl FrameSharing {
    /// Whether batches may be slices of a frame of this size: not if it is much larger than what
    /// was kept of the previous frame.
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
    connection: Arc<Connection>,
    correlation_id: i32,
    /// The API version of the request, which is also that of the response.
    pub(crate) version: i16,
    /// What the client calls itself.
    pub(crate) client_id: Option<Str>,
    /// Size of the whole request.
    pub(crate) frame_bytes: usize,
}

impl RequestContext {
    /// What the response must match.
    pub(crate) const fn reply_to(&self) -> ReplyTo {
        ReplyTo { correlation_id: self.correlation_id, version: self.version }
    }

    /// What the handlers of all connections share.
    pub(crate) fn api(&self) -> &Api {
        &self.connection.api
    }

    /// The parts of the broker.
    pub(crate) fn broker(&self) -> &Arc<Broker> {
        &self.connection.api.broker
    }

    /// The listener that the client came in by: it is told the addresses of that listener.
    pub(crate) fn listener(&self) -> &str {
        &self.connection.listener
    }

    /// Where the client connects from.
    pub(crate) fn client_host(&self) -> IpAddr {
        self.connection.client_host
    }

    /// How much of the connection's frames is kept.
    pub(crate) fn frame_sharing(&self) -> &FrameSharing {
        &self.connection.frame_sharing
    }

    /// A partition on this broker, or the error that Kafka gives.
    pub(crate) fn partition(&self, topic: &str, index: i32) -> Result<Arc<Partition>, ErrorCode> {
        let index = PartitionIndex(index);
        if let Some(partition) = self.broker().partitions.partition(topic, index) {
            return Ok(partition);
        }
        let local = self.broker().partitions.topic(topic);
        if local.is_some_and(|local| local.is_unopened(index)) {
            return Err(ErrorCode::KafkaStorageError);
        }
        Err(missing(self.broker().image().has_partition(topic, index)))
    }

    /// A partition by its topic's id.
    pub(crate) fn partition_by_id(
        &self,
        id: TopicId,
        index: i32,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let index = PartitionIndex(index);
        let local = self.broker().partitions.topic_by_id(id);
        if let Some(local) = local {
            match local.partition(index) {
                Some(partition) => return Ok(Arc::clone(partition)),
                None if local.is_unopened(index) => return Err(ErrorCode::KafkaStorageError),
                None => {}
            }
        }
        let image = self.broker().image();
        let topic = image.topic_by_id(id).ok_or(ErrorCode::UnknownTopicId)?;
        Err(missing(topic.has_partition(index)))
    }
}

/// The error for a partition that is not on this broker.
const fn missing(exists: bool) -> ErrorCode {
    if exists { ErrorCode::NotLeaderOrFollower } else { ErrorCode::UnknownTopicOrPartition }
}
