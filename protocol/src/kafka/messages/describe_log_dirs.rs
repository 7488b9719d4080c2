//! DescribeLogDirs: asks what lies in the broker's log directories.

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeLogDirs: versions 1..=4, flexible 2..;

    /// Asks what lies in the broker's log directories.
    request DescribeLogDirsRequest {
        /// The partitions to describe, or null for all.
        topics: Option<Vec<DescribableLogDirTopic>> = Some(Vec::new());
    }

    /// The log directories.
    response DescribeLogDirsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode, versions 3.., else ignored;
        /// The results.
        results: Vec<DescribeLogDirsResult>;
    }

    /// The partitions of one topic to describe.
    struct DescribableLogDirTopic {
        /// The name of the topic.
        topic: Str;
        /// The partitions.
        partitions: Vec<i32>;
    }

    /// A log directory.
    struct DescribeLogDirsResult {
        /// The error, or none.
        error_code: ErrorCode;
        /// The directory.
        log_dir: Str;
        /// The topics.
        topics: Vec<DescribeLogDirsTopic>;
        /// The size of the volume in bytes, or -1.
        total_bytes: i64 = -1, versions 4.., else ignored;
        /// The free bytes of the volume, or -1.
        usable_bytes: i64 = -1, versions 4.., else ignored;
    }

    /// The partitions of one topic in the directory.
    struct DescribeLogDirsTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<DescribeLogDirsPartition>;
    }

    /// A partition in the directory.
    struct DescribeLogDirsPartition {
        /// The partition.
        partition_index: i32;
        /// The bytes that the replica takes on disk.
        partition_size: i64;
        /// How many records the replica is behind.
        offset_lag: i64;
        /// Whether this is the copy that will replace the present one when it has caught up.
        is_future_key: bool;
    }
}
