//! ElectLeaders: elects leaders of partitions, the preferred ones or, at the cost of records, any
//! that lives.

use crate::kafka::{ErrorCode, Str};

api! {
    ElectLeaders: versions 0..=2, flexible 2..;

    /// The partitions to elect leaders of.
    request ElectLeadersRequest {
        /// 0 elects the preferred replica; 1 elects any live replica if none in sync is alive.
        election_type: i8, versions 1..;
        /// The partitions, or null for all.
        topic_partitions: Option<Vec<TopicPartitions>> = Some(Vec::new());
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32 = 60000;
    }

    /// The results.
    response ElectLeadersResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error of the whole request, or none.
        error_code: ErrorCode, versions 1..;
        /// The results of the partitions. Where the request asked for all of them, those that
        /// needed no election are left out.
        replica_election_results: Vec<ReplicaElectionResult>;
    }

    /// The partitions of one topic.
    struct TopicPartitions {
        /// The name of the topic.
        topic: Str;
        /// The partitions.
        partitions: Vec<i32>;
    }

    /// The results of one topic.
    struct ReplicaElectionResult {
        /// The name of the topic.
        topic: Str;
        /// The results of its partitions.
        partition_result: Vec<PartitionResult>;
    }

    /// The result of one partition.
    struct PartitionResult {
        /// The partition.
        partition_id: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
    }
}
