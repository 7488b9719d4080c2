//! CreatePartitions: adds partitions to topics.

use crate::kafka::{ErrorCode, Str};

api! {
    CreatePartitions: versions 0..=3, flexible 2..;

    /// Adds partitions to topics.
    request CreatePartitionsRequest {
        /// The topics.
        topics: Vec<CreatePartitionsTopic>;
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32;
        /// Whether to check only and change nothing.
        validate_only: bool;
    }

    /// Which topics have grown.
    response CreatePartitionsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        results: Vec<CreatePartitionsTopicResult>;
    }

    /// A topic that shall have more partitions.
    struct CreatePartitionsTopic {
        /// The name of the topic.
        name: Str;
        /// The number of partitions that the topic shall have.
        count: i32;
        /// The replicas of the new partitions, or null to let the broker choose.
        assignments: Option<Vec<CreatePartitionsAssignment>> = Some(Vec::new());
    }

    /// The replicas of one new partition.
    struct CreatePartitionsAssignment {
        /// The brokers that hold the replicas; the first one is the preferred leader.
        broker_ids: Vec<i32>;
    }

    /// The result of one topic.
    struct CreatePartitionsTopicResult {
        /// The name of the topic.
        name: Str;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str>;
    }
}
