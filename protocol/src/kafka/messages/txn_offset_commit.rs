//! TxnOffsetCommit: commits offsets of a group as a part of a transaction.

use crate::kafka::{ErrorCode, Str};

api! {
    TxnOffsetCommit: versions 0..=5, flexible 3..;

    /// Commits offsets of a group as a part of a transaction.
    request TxnOffsetCommitRequest {
        /// The name of the transactional producer.
        transactional_id: Str;
        /// The id of the group.
        group_id: Str;
        /// The id of the producer.
        producer_id: i64;
        /// The epoch of the producer id.
        producer_epoch: i16;
        /// The generation of the group, or -1.
        generation_id: i32 = -1, versions 3..;
        /// The id of the member; empty before the group has given it one.
        member_id: Str, versions 3..;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>, versions 3..;
        /// The topics.
        topics: Vec<TxnOffsetCommitRequestTopic>;
    }

    /// Which offsets were kept.
    response TxnOffsetCommitResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The topics.
        topics: Vec<TxnOffsetCommitResponseTopic>;
    }

    /// The offsets of one topic.
    struct TxnOffsetCommitRequestTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<TxnOffsetCommitRequestPartition>;
    }

    /// The offset of one partition.
    struct TxnOffsetCommitRequestPartition {
        /// The partition.
        partition_index: i32;
        /// The offset of the next record to consume.
        committed_offset: i64;
        /// The leader epoch of the last record consumed, or -1.
        committed_leader_epoch: i32 = -1, versions 2.., else ignored;
        /// Text that the consumer keeps with the offset.
        committed_metadata: Option<Str> = Some(Str::default());
    }

    /// The results of one topic.
    struct TxnOffsetCommitResponseTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<TxnOffsetCommitResponsePartition>;
    }

    /// The result of one partition.
    struct TxnOffsetCommitResponsePartition {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
    }
}
