//! DeleteRecords: deletes the records in front of an offset.

use crate::kafka::{ErrorCode, Str};

api! {
    DeleteRecords: versions 0..=2, flexible 2..;

    /// Deletes the records in front of an offset.
    request DeleteRecordsRequest {
        /// The topics.
        topics: Vec<DeleteRecordsTopic>;
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32;
    }

    /// Where the partitions start now.
    response DeleteRecordsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The topics.
        topics: Vec<DeleteRecordsTopicResult>;
    }

    /// The partitions of one topic.
    struct DeleteRecordsTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<DeleteRecordsPartition>;
    }

    /// Where to cut one partition.
    struct DeleteRecordsPartition {
        /// The partition.
        partition_index: i32;
        /// The first offset to keep; -1 for the high watermark.
        offset: i64;
    }

    /// The results of one topic.
    struct DeleteRecordsTopicResult {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<DeleteRecordsPartitionResult>;
    }

    /// The result of one partition.
    struct DeleteRecordsPartitionResult {
        /// The partition.
        partition_index: i32;
        /// The first offset that is left, or -1.
        low_watermark: i64;
        /// The error, or none.
        error_code: ErrorCode;
    }
}
