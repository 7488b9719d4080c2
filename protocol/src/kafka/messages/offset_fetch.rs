//! OffsetFetch: asks how far groups have consumed.

use crate::kafka::{ErrorCode, Str};

api! {
    OffsetFetch: versions 1..=9, flexible 6..;

    /// Asks how far groups have consumed.
    request OffsetFetchRequest {
        /// The id of the group.
        group_id: Str, versions ..=7;
        /// The partitions whose offsets are asked for, or null for all of the group.
        topics: Option<Vec<OffsetFetchRequestTopic>> = Some(Vec::new()), versions ..=7, nullable 2..=7;
        /// The groups whose offsets are asked for.
        groups: Vec<OffsetFetchRequestGroup>, versions 8..;
        /// Whether offsets of open transactions are an error to be tried again.
        require_stable: bool, versions 7..;
    }

    /// The committed offsets.
    response OffsetFetchResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 3.., else ignored;
        /// The topics.
        topics: Vec<OffsetFetchResponseTopic>, versions ..=7;
        /// The error, or none.
        error_code: ErrorCode, versions 2..=7, else ignored;
        /// The groups.
        groups: Vec<OffsetFetchResponseGroup>, versions 8..;
    }

    /// The partitions of one topic.
    struct OffsetFetchRequestTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partition_indexes: Vec<i32>;
    }

    /// What is asked about one group.
    struct OffsetFetchRequestGroup {
        /// The id of the group.
        group_id: Str;
        /// The member that asks, in the new group protocol.
        member_id: Option<Str>, versions 9.., else ignored;
        /// The epoch of the member in the new group protocol, or -1.
        member_epoch: i32 = -1, versions 9.., else ignored;
        /// The partitions whose offsets are asked for, or null for all of the group.
        topics: Option<Vec<OffsetFetchRequestTopics>> = Some(Vec::new());
    }

    /// The partitions of one topic.
    struct OffsetFetchRequestTopics {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partition_indexes: Vec<i32>;
    }

    /// The offsets of one topic.
    struct OffsetFetchResponseTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<OffsetFetchResponsePartition>;
    }

    /// The offset of one partition.
    struct OffsetFetchResponsePartition {
        /// The partition.
        partition_index: i32;
        /// The offset of the next record to consume, or -1 if there is none.
        committed_offset: i64;
        /// The leader epoch of the last record consumed, or -1.
        committed_leader_epoch: i32 = -1, versions 5.., else ignored;
        /// Text that the consumer kept with the offset.
        metadata: Option<Str> = Some(Str::default());
        /// The error, or none.
        error_code: ErrorCode;
    }

    /// The offsets of one group.
    struct OffsetFetchResponseGroup {
        /// The id of the group.
        group_id: Str;
        /// The topics.
        topics: Vec<OffsetFetchResponseTopics>;
        /// The error, or none.
        error_code: ErrorCode;
    }

    /// The offsets of one topic.
    struct OffsetFetchResponseTopics {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<OffsetFetchResponsePartitions>;
    }

    /// The offset of one partition.
    struct OffsetFetchResponsePartitions {
        /// The partition.
        partition_index: i32;
        /// The offset of the next record to consume, or -1 if there is none.
        committed_offset: i64;
        /// The leader epoch of the last record consumed, or -1.
        committed_leader_epoch: i32 = -1;
        /// Text that the consumer kept with the offset.
        metadata: Option<Str> = Some(Str::default());
        /// The error, or none.
        error_code: ErrorCode;
    }
}
