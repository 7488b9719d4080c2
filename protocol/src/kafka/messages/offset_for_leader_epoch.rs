//! OffsetForLeaderEpoch: asks where leader epochs end, to find where logs part ways (KIP-101,
//! KIP-320).

use crate::kafka::{ErrorCode, Str};

api! {
    OffsetForLeaderEpoch: versions 2..=4, flexible 4..;

    /// Asks where leader epochs end, to find where logs part ways (KIP-101, KIP-320).
    request OffsetForLeaderEpochRequest {
        /// The id of the follower, -1 for a consumer, -2 for a debugging tool.
        replica_id: i32 = -2, versions 3.., else ignored;
        /// The topics.
        topics: Vec<OffsetForLeaderTopic>;
    }

    /// Where the epochs end.
    response OffsetForLeaderEpochResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The topics.
        topics: Vec<OffsetForLeaderTopicResult>;
    }

    /// The partitions of one topic to look up.
    struct OffsetForLeaderTopic {
        /// The name of the topic.
        topic: Str;
        /// The partitions.
        partitions: Vec<OffsetForLeaderPartition>;
    }

    /// The epoch to look up in one partition.
    struct OffsetForLeaderPartition {
        /// The partition.
        partition: i32;
        /// The leader epoch that the caller knows, or -1; the broker fences older and newer ones.
        current_leader_epoch: i32 = -1;
        /// The epoch whose end is asked for.
        leader_epoch: i32;
    }

    /// The results of one topic.
    struct OffsetForLeaderTopicResult {
        /// The name of the topic.
        topic: Str;
        /// The partitions.
        partitions: Vec<EpochEndOffset>;
    }

    /// The end of a leader epoch.
    struct EpochEndOffset {
        /// The error, or none.
        error_code: ErrorCode;
        /// The partition.
        partition: i32;
        /// The largest epoch that is not above the one asked for, or -1.
        leader_epoch: i32 = -1;
        /// The offset after the last record of the epoch, or -1.
        end_offset: i64 = -1;
    }
}
