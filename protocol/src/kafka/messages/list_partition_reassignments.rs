//! ListPartitionReassignments: lists the partitions that are moving to other brokers (KIP-455).

use crate::kafka::{ErrorCode, Str};

api! {
    ListPartitionReassignments: versions 0..=0, flexible 0..;

    /// The partitions that the client asks about.
    request ListPartitionReassignmentsRequest {
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32 = 60000;
        /// The topics, or null for all.
        topics: Option<Vec<ListPartitionReassignmentsTopics>>;
    }

    /// Those of them that are moving.
    response ListPartitionReassignmentsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The topics that have partitions which are moving.
        topics: Vec<OngoingTopicReassignment>;
    }

    /// The partitions of one topic.
    struct ListPartitionReassignmentsTopics {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partition_indexes: Vec<i32>;
    }

    /// The partitions of one topic that are moving.
    struct OngoingTopicReassignment {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<OngoingPartitionReassignment>;
    }

    /// A partition that is moving.
    struct OngoingPartitionReassignment {
        /// The partition.
        partition_index: i32;
        /// The brokers that hold replicas now.
        replicas: Vec<i32>;
        /// The brokers that are being added.
        adding_replicas: Vec<i32>;
        /// The brokers that will be removed.
        removing_replicas: Vec<i32>;
    }
}
