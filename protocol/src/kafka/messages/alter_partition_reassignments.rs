//! AlterPartitionReassignments: moves partitions to other brokers, or cancels such moves (KIP-455).

use crate::kafka::{ErrorCode, Str};

api! {
    AlterPartitionReassignments: versions 0..=1, flexible 0..;

    /// The moves to begin or to cancel.
    request AlterPartitionReassignmentsRequest {
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32 = 60000;
        /// Whether a move may change the number of replicas.
        allow_replication_factor_change: bool = true, versions 1..;
        /// The topics.
        topics: Vec<ReassignableTopic>;
    }

    /// The results.
    response AlterPartitionReassignmentsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// Whether a move was allowed to change the number of replicas.
        allow_replication_factor_change: bool = true, versions 1.., else ignored;
        /// The error of the whole request, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The results of the topics.
        responses: Vec<ReassignableTopicResponse>;
    }

    /// The partitions of one topic.
    struct ReassignableTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<ReassignablePartition>;
    }

    /// A partition to move.
    struct ReassignablePartition {
        /// The partition.
        partition_index: i32;
        /// The brokers that shall hold the replicas, or null to cancel a move.
        replicas: Option<Vec<i32>>;
    }

    /// The results of one topic.
    struct ReassignableTopicResponse {
        /// The name of the topic.
        name: Str;
        /// The results of its partitions.
        partitions: Vec<ReassignablePartitionResponse>;
    }

    /// The result of one partition.
    struct ReassignablePartitionResponse {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
    }
}
