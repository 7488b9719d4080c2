//! The overrides of one topic.

use super::def::Check::{
    Any, AtLeast, Between, BetweenOrMinusOne, Fraction, OneOf, ThrottledReplicas,
};
use super::def::Support::{Honoured, Inert, Only};
use super::def::keys;
use crate::config::keys::reasons::{COMPACTION, QUOTAS, RECOMPRESSION, REMOTE, ROCKSDB};

keys! {
    /// The overrides of one topic.
    TOPIC, Topic:
    "retention.ms", Long, Some("604800000"), AtLeast(-1), Medium, ClusterWide, Honoured,
        "Milliseconds that records are kept at least; -1 keeps them for ever.";
    "retention.bytes", Long, Some("-1"), Any, Medium, ClusterWide, Honoured,
        "Bytes of records kept at least in each partition; -1 sets no limit.";
    "max.message.bytes", Int, Some("1048588"), AtLeast(0), Medium, ClusterWide, Honoured,
        "Largest record batch, after compression, that the topic accepts.";
    "min.insync.replicas", Int, Some("1"), AtLeast(1), Medium, ClusterWide, Honoured,
        "Replicas that must have a record before a producer with acks=all is answered; with fewer \
         in sync it is refused.";
    "cleanup.policy", List, Some("delete"), OneOf(&["compact", "delete"]), Medium, ClusterWide,
        Only(&["delete"], COMPACTION),
        "What happens to old records: delete removes them by age and size, an empty list keeps \
         them.";
    "message.timestamp.type", String, Some("CreateTime"),
        OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide,
        Honoured,
        "Whether records carry the producer's time (CreateTime) or the broker's (LogAppendTime).";
    "message.timestamp.before.max.ms", Long, Some("9223372036854775807"),
        AtLeast(0), Medium, ClusterWide,
        Honoured,
        "How far, in milliseconds, a record's timestamp may be behind the broker's clock before \
         the record is refused.";
    "message.timestamp.after.max.ms", Long, Some("3600000"), AtLeast(0), Medium, ClusterWide,
        Honoured,
        "How far, in milliseconds, a record's timestamp may be ahead of the broker's clock before \
         the record is refused.";
    "flush.messages", Long, Some("9223372036854775807"), AtLeast(1), Medium, ClusterWide, Honoured,
        "Records of a partition after which they are forced to disk; 1 forces each batch before \
         it is acknowledged.";
    "flush.ms", Long, Some("9223372036854775807"), AtLeast(0), Medium, ClusterWide, Honoured,
        "Milliseconds after which records are forced to disk at the latest.";
    "unclean.leader.election.enable", Boolean, Some("false"), Any, Medium, ClusterWide, Honoured,
        "Whether a replica that lacks acknowledged records may become leader when no other is left.";
    "compression.type", String, Some("producer"),
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium, ClusterWide,
        Only(&["producer"], RECOMPRESSION),
        "The compression that batches are stored with; producer keeps what the producer chose.";
    "compression.gzip.level", Int, Some("-1"), BetweenOrMinusOne(1, 9), Medium, ClusterWide,
        Inert(RECOMPRESSION),
        "Level for gzip when the broker compresses.";
    "compression.lz4.level", Int, Some("9"), Between(1, 17), Medium, ClusterWide,
        Inert(RECOMPRESSION),
        "Level for lz4 when the broker compresses.";
    "compression.zstd.level", Int, Some("3"), Between(-131_072, 22), Medium, ClusterWide,
        Inert(RECOMPRESSION),
        "Level for zstd when the broker compresses.";
    "delete.retention.ms", Long, Some("86400000"), AtLeast(0), Medium, ClusterWide,
        Inert(COMPACTION),
        "Milliseconds that a tombstone is kept.";
    "max.compaction.lag.ms", Long, Some("9223372036854775807"), AtLeast(1), Medium, ClusterWide,
        Inert(COMPACTION),
        "Milliseconds after which a record must be compacted.";
    "min.compaction.lag.ms", Long, Some("0"), AtLeast(0), Medium, ClusterWide, Inert(COMPACTION),
        "Milliseconds that a record stays uncompacted.";
    "min.cleanable.dirty.ratio", Double, Some("0.5"), Fraction(0.0, 1.0), Medium, ClusterWide,
        Inert(COMPACTION),
        "Share of the log that must be uncompacted before the cleaner looks at it.";
    "segment.bytes", Int, Some("1073741824"), AtLeast(1_048_576), Medium, ClusterWide,
        Inert(ROCKSDB),
        "Size of a segment file.";
    "segment.ms", Long, Some("604800000"), AtLeast(1), Medium, ClusterWide, Inert(ROCKSDB),
        "Milliseconds after which a new segment begins.";
    "segment.jitter.ms", Long, Some("0"), AtLeast(0), Medium, ClusterWide, Inert(ROCKSDB),
        "Random milliseconds taken off segment.ms.";
    "segment.index.bytes", Int, Some("10485760"), AtLeast(4), Medium, ClusterWide, Inert(ROCKSDB),
        "Size of the offset index of a segment.";
    "internal.segment.bytes", Int, None, Any, Medium, ClusterWide, Inert(ROCKSDB),
        "Size of a segment file without Kafka's lower limit, for tests.";
    "index.interval.bytes", Int, Some("4096"), AtLeast(0), Medium, ClusterWide, Inert(ROCKSDB),
        "Bytes of records between two entries of the offset index.";
    "file.delete.delay.ms", Long, Some("60000"), AtLeast(0), Medium, ClusterWide, Inert(ROCKSDB),
        "Milliseconds between taking a segment out of the log and removing its file.";
    "preallocate", Boolean, Some("false"), Any, Medium, ClusterWide, Inert(ROCKSDB),
        "Whether a new segment file takes its whole size at once.";
    "leader.replication.throttled.replicas", List, Some(""), ThrottledReplicas, Medium, ClusterWide,
        Inert(QUOTAS),
        "Replicas whose leader's side of the replication is throttled.";
    "follower.replication.throttled.replicas", List, Some(""),
        ThrottledReplicas, Medium, ClusterWide,
        Inert(QUOTAS),
        "Replicas whose follower's side of the replication is throttled.";
    "remote.storage.enable", Boolean, Some("false"), Any, Medium, ClusterWide, Only(&[], REMOTE),
        "Whether the topic's old records move to remote storage.";
    "remote.log.copy.disable", Boolean, Some("false"), Any, Medium, ClusterWide, Only(&[], REMOTE),
        "Whether copying to remote storage is suspended.";
    "remote.log.delete.on.disable", Boolean, Some("false"), Any, Medium, ClusterWide,
        Only(&[], REMOTE),
        "Whether remote records go when remote storage is switched off.";
    "local.retention.ms", Long, Some("-2"), AtLeast(-2), Medium, ClusterWide, Inert(REMOTE),
        "Milliseconds that records also in remote storage are kept here; -2 means retention.ms.";
    "local.retention.bytes", Long, Some("-2"), AtLeast(-2), Medium, ClusterWide, Inert(REMOTE),
        "Bytes of records also in remote storage that are kept here; -2 means retention.bytes.";
}
