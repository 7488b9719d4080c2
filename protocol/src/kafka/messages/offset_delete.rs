//! OffsetDelete: deletes committed offsets of a group.

use crate::kafka::{ErrorCode, Str};

api! {
    OffsetDelete: versions 0..=0;

    /// Deletes committed offsets of a group.
    request OffsetDeleteRequest {
        /// The id of the group.
        group_id: Str;
        /// The topics.
        topics: Vec<OffsetDeleteRequestTopic>;
    }

    /// Which offsets were deleted.
    response OffsetDeleteResponse {
        /// The error, or none.
        error_code: ErrorCode;
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The topics.
        topics: Vec<OffsetDeleteResponseTopic>;
    }

    /// The partitions of one topic.
    struct OffsetDeleteRequestTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<OffsetDeleteRequestPartition>;
    }

    /// A partition whose offset to delete.
    struct OffsetDeleteRequestPartition {
        /// The partition.
        partition_index: i32;
    }

    /// The results of one topic.
    struct OffsetDeleteResponseTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<OffsetDeleteResponsePartition>;
    }

    /// The result of one partition.
    struct OffsetDeleteResponsePartition {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
    }
}
