//! ListOffsets: looks up offsets by time, and the ends of partitions.

use crate::kafka::{ErrorCode, Str};

api! {
    ListOffsets: versions 1..=10, flexible 6..;

    /// Looks up offsets by time, and the ends of partitions.
    request ListOffsetsRequest {
        /// The id of the follower, or -1 for a consumer.
        replica_id: i32;
        /// Which records may be seen: 0 all, 1 only those of committed transactions.
        isolation_level: i8, versions 2..;
        /// The topics.
        topics: Vec<ListOffsetsTopic>;
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32, versions 10.., else ignored;
    }

    /// The offsets that were found.
    response ListOffsetsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 2.., else ignored;
        /// The topics.
        topics: Vec<ListOffsetsTopicResponse>;
    }

    /// What to look up in one topic.
    struct ListOffsetsTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<ListOffsetsPartition>;
    }

    /// What to look up in one partition.
    struct ListOffsetsPartition {
        /// The partition.
        partition_index: i32;
        /// The leader epoch that the caller knows, or -1; the broker fences older and newer ones.
        current_leader_epoch: i32 = -1, versions 4.., else ignored;
        /// A time in ms since 1970; -1 latest, -2 earliest, -3 largest timestamp, -4 earliest
        /// local, -5 tiered.
        timestamp: i64;
    }

    /// The offsets of one topic.
    struct ListOffsetsTopicResponse {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<ListOffsetsPartitionResponse>;
    }

    /// The offset of one partition.
    struct ListOffsetsPartitionResponse {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The timestamp of the record at the offset, or -1.
        timestamp: i64 = -1;
        /// The offset that was found, or -1.
        offset: i64 = -1;
        /// The leader epoch, or -1.
        leader_epoch: i32 = -1, versions 4..;
    }
}
