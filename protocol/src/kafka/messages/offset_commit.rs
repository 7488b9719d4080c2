//! OffsetCommit: keeps how far a group has consumed.

use crate::kafka::{ErrorCode, Str};

api! {
    OffsetCommit: versions 2..=9, flexible 8..;

    /// Keeps how far a group has consumed.
    request OffsetCommitRequest {
        /// The id of the group.
        group_id: Str;
        /// The generation of a classic group, the member epoch in the new protocol, or -1.
        generation_id_or_member_epoch: i32 = -1;
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>, versions 7..;
        /// How long to keep the offsets, in ms; -1 for the setting of the broker.
        retention_time_ms: i64 = -1, versions ..=4, else ignored;
        /// The topics.
        topics: Vec<OffsetCommitRequestTopic>;
    }

    /// Which offsets were kept.
    response OffsetCommitResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 3.., else ignored;
        /// The topics.
        topics: Vec<OffsetCommitResponseTopic>;
    }

    /// The offsets of one topic.
    struct OffsetCommitRequestTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<OffsetCommitRequestPartition>;
    }

    /// The offset of one partition.
    struct OffsetCommitRequestPartition {
        /// The partition.
        partition_index: i32;
        /// The offset of the next record to consume.
        committed_offset: i64;
        /// The leader epoch of the last record consumed, or -1.
        committed_leader_epoch: i32 = -1, versions 6.., else ignored;
        /// Text that the consumer keeps with the offset.
        committed_metadata: Option<Str> = Some(Str::default());
    }

    /// The results of one topic.
    struct OffsetCommitResponseTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<OffsetCommitResponsePartition>;
    }

    /// The result of one partition.
    struct OffsetCommitResponsePartition {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
    }
}
