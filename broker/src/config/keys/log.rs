//! Where records are kept, for how long, and what topics inherit.

use super::def::Check::{Any, AtLeast, Between, BetweenOrMinusOne, Fraction, OneOf};
use super::def::Support::{Honoured, Inert, Only};
use super::def::keys;
use crate::config::keys::reasons::{COMPACTION, RECOMPRESSION, ROCKSDB};

keys! {
    /// Where records are kept, for how long, and what topics inherit.
    LOG, Broker:
    "log.dir", List, Some("/tmp/kafka-logs"), Any, High, ReadOnly, Honoured,
        "Directory for the records, if log.dirs is not set.";
    "log.dirs", List, None, Any, High, ReadOnly, Honoured,
        "Directory for the records. One directory only: several disks are better put together \
         below the broker.";
    "log.retention.ms", Long, None, Any, High, ClusterWide, Honoured,
        "Milliseconds that records are kept at least; -1 keeps them for ever. Wins over \
         log.retention.minutes.";
    "log.retention.minutes", Int, None, Any, High, ReadOnly, Honoured,
        "Minutes that records are kept at least, if log.retention.ms is not set. Wins over \
         log.retention.hours.";
    "log.retention.hours", Int, Some("168"), Any, High, ReadOnly, Honoured,
        "Hours that records are kept at least, if neither log.retention.ms nor \
         log.retention.minutes is set.";
    "log.retention.bytes", Long, Some("-1"), Any, High, ClusterWide, Honoured,
        "Bytes of records kept at least in each partition; -1 sets no limit.";
    "log.retention.check.interval.ms", Long, Some("300000"), AtLeast(1), Medium, ReadOnly, Honoured,
        "Milliseconds between two searches for records that may be deleted.";
    "log.cleanup.policy", List, Some("delete"), OneOf(&["compact", "delete"]), Medium, ClusterWide,
        Only(&["delete"], COMPACTION),
        "What happens to old records of topics without a policy of their own: delete removes \
         them, an empty list keeps them.";
    "log.flush.interval.messages", Long, Some("9223372036854775807"), AtLeast(1), High, ClusterWide,
        Honoured,
        "Records of a partition after which they are forced to disk; 1 forces each batch before \
         it is acknowledged.";
    "log.flush.interval.ms", Long, None, Any, High, ClusterWide, Honoured,
        "Milliseconds after which records are forced to disk at the latest; not set leaves it to \
         the operating system.";
    "log.message.timestamp.type", String, Some("CreateTime"),
        OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide,
        Honoured,
        "Whether records carry the producer's time (CreateTime) or the broker's (LogAppendTime).";
    "log.message.timestamp.before.max.ms", Long, Some("9223372036854775807"),
        AtLeast(0), Medium, ClusterWide,
        Honoured,
        "How far, in milliseconds, a record's timestamp may be behind the broker's clock before \
         the record is refused.";
    "log.message.timestamp.after.max.ms", Long, Some("3600000"), AtLeast(0), Medium, ClusterWide,
        Honoured,
        "How far, in milliseconds, a record's timestamp may be ahead of the broker's clock before \
         the record is refused.";
    "message.max.bytes", Int, Some("1048588"), AtLeast(0), High, ClusterWide, Honoured,
        "Largest record batch, after compression, that a topic accepts if it does not say \
         otherwise.";
    "compression.type", String, Some("producer"),
        OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High, ClusterWide,
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
    "min.insync.replicas", Int, Some("1"), AtLeast(1), High, ClusterOnly, Honoured,
        "Replicas that must have a record before a producer with acks=all is answered; with fewer \
         in sync it is refused.";
    "auto.create.topics.enable", Boolean, Some("true"), Any, High, ReadOnly, Honoured,
        "Whether a client that asks for an unknown topic creates it.";
    "delete.topic.enable", Boolean, Some("true"), Any, High, ReadOnly, Honoured,
        "Whether topics can be deleted.";
    "num.partitions", Int, Some("1"), AtLeast(1), Medium, ReadOnly, Honoured,
        "Partitions of a topic that is created without saying how many.";
    "default.replication.factor", Int, Some("1"), Any, Medium, ReadOnly, Honoured,
        "Replicas of a topic that is created without saying how many.";
    "log.flush.offset.checkpoint.interval.ms", Int, Some("60000"), AtLeast(0), High, ReadOnly,
        Inert(ROCKSDB),
        "Milliseconds between two notes of how far the log is on disk.";
    "log.flush.start.offset.checkpoint.interval.ms", Int, Some("60000"), AtLeast(0), High, ReadOnly,
        Inert(ROCKSDB),
        "Milliseconds between two notes of where each log starts.";
    "log.flush.scheduler.interval.ms", Long, Some("9223372036854775807"), Any, High, ReadOnly,
        Honoured,
        "Serves as log.flush.interval.ms where that is not set.";
    "log.index.interval.bytes", Int, Some("4096"), AtLeast(0), Medium, ClusterWide, Inert(ROCKSDB),
        "Bytes of records between two entries of the offset index.";
    "log.index.size.max.bytes", Int, Some("10485760"), AtLeast(4), Medium, ClusterWide,
        Inert(ROCKSDB),
        "Largest size of an offset index.";
    "log.initial.task.delay.ms", Long, Some("30000"), AtLeast(0), Low, ReadOnly, Inert(ROCKSDB),
        "Milliseconds after the start before the log's background tasks run.";
    "log.preallocate", Boolean, Some("false"), Any, Medium, ClusterWide, Inert(ROCKSDB),
        "Whether a new segment file takes its whole size at once.";
    "log.roll.hours", Int, Some("168"), AtLeast(1), High, ReadOnly, Inert(ROCKSDB),
        "Hours after which a new segment begins, if log.roll.ms is not set.";
    "log.roll.ms", Long, None, Any, High, ClusterWide, Inert(ROCKSDB),
        "Milliseconds after which a new segment begins.";
    "log.roll.jitter.hours", Int, Some("0"), AtLeast(0), High, ReadOnly, Inert(ROCKSDB),
        "Random hours taken off log.roll.hours, if log.roll.jitter.ms is not set.";
    "log.roll.jitter.ms", Long, None, Any, High, ClusterWide, Inert(ROCKSDB),
        "Random milliseconds taken off log.roll.ms.";
    "log.segment.bytes", Int, Some("1073741824"), AtLeast(1_048_576), High, ClusterWide,
        Inert(ROCKSDB),
        "Size of a segment file.";
    "log.segment.delete.delay.ms", Long, Some("60000"), AtLeast(0), High, ClusterWide,
        Inert(ROCKSDB),
        "Milliseconds between taking a segment out of the log and removing its file.";
    "log.dir.failure.timeout.ms", Long, Some("30000"), AtLeast(1), Low, ReadOnly,
        Inert("the broker has one log directory and stops when it fails"),
        "Milliseconds that a broker with a failed log directory may go on without telling the \
         controller.";
    "cordoned.log.dirs", List, Some(""), Any, Medium, PerBroker,
        Inert("the broker has one log directory"),
        "Log directories that take no new partitions.";
    "num.recovery.threads.per.data.dir", Int, Some("2"), AtLeast(1), High, ClusterWide,
        Inert(ROCKSDB),
        "Threads for each log directory that recover logs at the start.";
    "num.replica.alter.log.dirs.threads", Int, None, Any, High, ReadOnly,
        Inert("the broker has one log directory"),
        "Threads that move replicas between log directories.";
    "log.cleaner.enable", Boolean, Some("true"), Any, Medium, ReadOnly, Inert(COMPACTION),
        "Whether the log cleaner runs.";
    "log.cleaner.threads", Int, Some("1"), AtLeast(0), Medium, ClusterWide, Inert(COMPACTION),
        "Threads of the log cleaner.";
    "log.cleaner.backoff.ms", Long, Some("15000"), AtLeast(0), Medium, ClusterWide,
        Inert(COMPACTION),
        "Milliseconds that the log cleaner sleeps when there is nothing to do.";
    "log.cleaner.dedupe.buffer.size", Long, Some("134217728"), Any, Medium, ClusterWide,
        Inert(COMPACTION),
        "Bytes of memory for finding duplicate keys.";
    "log.cleaner.delete.retention.ms", Long, Some("86400000"), AtLeast(0), Medium, ClusterWide,
        Inert(COMPACTION),
        "Milliseconds that a tombstone is kept in a compacted topic.";
    "log.cleaner.io.buffer.load.factor", Double, Some("0.9"), Any, Medium, ClusterWide,
        Inert(COMPACTION),
        "How full the buffer for finding duplicate keys may become.";
    "log.cleaner.io.buffer.size", Int, Some("524288"), AtLeast(0), Medium, ClusterWide,
        Inert(COMPACTION),
        "Bytes of the log cleaner's read and write buffers.";
    "log.cleaner.io.max.bytes.per.second", Double, Some("1.7976931348623157E308"),
        Any, Medium, ClusterWide,
        Inert(COMPACTION),
        "Limit of the log cleaner's reading and writing.";
    "log.cleaner.max.compaction.lag.ms", Long, Some("9223372036854775807"),
        AtLeast(1), Medium, ClusterWide,
        Inert(COMPACTION),
        "Milliseconds after which a record must be compacted.";
    "log.cleaner.min.cleanable.ratio", Double, Some("0.5"), Fraction(0.0, 1.0), Medium, ClusterWide,
        Inert(COMPACTION),
        "Share of a log that must be uncompacted before the cleaner looks at it.";
    "log.cleaner.min.compaction.lag.ms", Long, Some("0"), AtLeast(0), Medium, ClusterWide,
        Inert(COMPACTION),
        "Milliseconds that a record stays uncompacted.";
}
