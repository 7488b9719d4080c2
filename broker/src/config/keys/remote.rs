//! Tiered storage, which does not exist here yet.

use super::def::Check::{Any, AtLeast, Fraction, NotEmpty};
use super::def::Support::{Inert, Only};
use super::def::keys;
use crate::config::keys::reasons::REMOTE;

keys! {
    /// Tiered storage, which does not exist here yet.
    REMOTE_KEYS, Broker:
    "remote.log.storage.system.enable", Boolean, Some("false"), Any, Medium, ReadOnly,
        Only(&["false"], REMOTE),
        "Whether old records can move to remote storage.";
    "follower.fetch.last.tiered.offset.enable", Boolean, Some("false"), Any, Medium, ClusterWide,
        Inert(REMOTE),
        "Whether a new follower starts after the records in remote storage.";
    "log.local.retention.ms", Long, Some("-2"), AtLeast(-2), Medium, ClusterWide, Inert(REMOTE),
        "Milliseconds that records also in remote storage are kept here.";
    "log.local.retention.bytes", Long, Some("-2"), AtLeast(-2), Medium, ClusterWide, Inert(REMOTE),
        "Bytes of records also in remote storage that are kept here.";
    "remote.fetch.max.wait.ms", Int, Some("500"), AtLeast(1), Medium, ClusterWide, Inert(REMOTE),
        "Milliseconds that a fetch waits for remote storage.";
    "remote.list.offsets.request.timeout.ms", Long, Some("30000"), AtLeast(1), Medium, ClusterWide,
        Inert(REMOTE),
        "Milliseconds that looking up offsets in remote storage may take.";
    "remote.log.index.file.cache.total.size.bytes", Long, Some("1073741824"),
        AtLeast(1), Low, ClusterWide,
        Inert(REMOTE),
        "Bytes of remote indexes that are kept on the local disk.";
    "remote.log.index.file.cache.ttl.ms", Long, Some("900000"), AtLeast(-1), Low, ReadOnly,
        Inert(REMOTE),
        "Milliseconds that an unused remote index is kept.";
    "remote.log.manager.copier.thread.pool.size", Int, Some("10"), AtLeast(1), Medium, ClusterWide,
        Inert(REMOTE),
        "Threads that copy to remote storage.";
    "remote.log.manager.copy.max.bytes.per.second", Long, Some("9223372036854775807"),
        AtLeast(1), Medium, ClusterWide,
        Inert(REMOTE),
        "Limit of copying to remote storage.";
    "remote.log.manager.copy.quota.window.num", Int, Some("11"), AtLeast(1), Medium, ReadOnly,
        Inert(REMOTE),
        "Samples over which copying is measured.";
    "remote.log.manager.copy.quota.window.size.seconds", Int, Some("1"),
        AtLeast(1), Medium, ReadOnly,
        Inert(REMOTE),
        "Seconds of each sample of copying.";
    "remote.log.manager.expiration.thread.pool.size", Int, Some("10"),
        AtLeast(1), Medium, ClusterWide,
        Inert(REMOTE),
        "Threads that delete expired remote records.";
    "remote.log.manager.fetch.max.bytes.per.second", Long, Some("9223372036854775807"),
        AtLeast(1), Medium, ClusterWide,
        Inert(REMOTE),
        "Limit of reading from remote storage.";
    "remote.log.manager.fetch.quota.window.num", Int, Some("11"), AtLeast(1), Medium, ReadOnly,
        Inert(REMOTE),
        "Samples over which reading is measured.";
    "remote.log.manager.fetch.quota.window.size.seconds", Int, Some("1"),
        AtLeast(1), Medium, ReadOnly,
        Inert(REMOTE),
        "Seconds of each sample of reading.";
    "remote.log.manager.follower.thread.pool.size", Int, Some("2"), AtLeast(1), Medium, ClusterWide,
        Inert(REMOTE),
        "Threads for the followers' side of remote storage.";
    "remote.log.manager.task.interval.ms", Long, Some("30000"), AtLeast(1), Low, ReadOnly,
        Inert(REMOTE),
        "Milliseconds between two runs of remote storage tasks.";
    "remote.log.manager.task.retry.backoff.max.ms", Long, Some("30000"), AtLeast(1), Low, ReadOnly,
        Inert(REMOTE),
        "Longest pause before a failed task runs again.";
    "remote.log.manager.task.retry.backoff.ms", Long, Some("500"), AtLeast(1), Low, ReadOnly,
        Inert(REMOTE),
        "First pause before a failed task runs again.";
    "remote.log.manager.task.retry.jitter", Double, Some("0.2"), Fraction(0.0, 0.5), Low, ReadOnly,
        Inert(REMOTE),
        "Random share of the pause before a failed task runs again.";
    "remote.log.manager.thread.pool.size", Int, Some("2"), AtLeast(1), Medium, ReadOnly,
        Inert(REMOTE),
        "Threads that schedule remote storage tasks.";
    "remote.log.metadata.custom.metadata.max.bytes", Int, Some("128"), AtLeast(0), Low, ReadOnly,
        Inert(REMOTE),
        "Bytes that a storage plugin may note about a segment.";
    "remote.log.metadata.manager.class.name", String, Some("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager"),
        NotEmpty, Medium, ReadOnly,
        Inert(REMOTE),
        "Java class that keeps the metadata of remote segments.";
    "remote.log.metadata.manager.class.path", String, None, Any, Medium, ReadOnly, Inert(REMOTE),
        "Where that Java class is found.";
    "remote.log.metadata.manager.impl.prefix", String, Some("rlmm.config."),
        NotEmpty, Medium, ReadOnly,
        Inert(REMOTE),
        "Prefix of that class's own keys.";
    "remote.log.metadata.manager.listener.name", String, None, NotEmpty, Medium, ReadOnly,
        Inert(REMOTE),
        "Listener at which that class reaches the brokers.";
    "remote.log.reader.max.pending.tasks", Int, Some("100"), AtLeast(1), Medium, ReadOnly,
        Inert(REMOTE),
        "Reads from remote storage that may wait.";
    "remote.log.reader.threads", Int, Some("10"), AtLeast(1), Medium, ClusterWide, Inert(REMOTE),
        "Threads that read from remote storage.";
    "remote.log.storage.manager.class.name", String, None, NotEmpty, Medium, ReadOnly,
        Inert(REMOTE),
        "Java class that reaches the remote storage.";
    "remote.log.storage.manager.class.path", String, None, Any, Medium, ReadOnly, Inert(REMOTE),
        "Where that Java class is found.";
    "remote.log.storage.manager.impl.prefix", String, Some("rsm.config."),
        NotEmpty, Medium, ReadOnly,
        Inert(REMOTE),
        "Prefix of that class's own keys.";
}
