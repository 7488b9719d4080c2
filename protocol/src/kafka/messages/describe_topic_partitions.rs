//! DescribeTopicPartitions: describes the partitions of topics, page by page (KIP-966).

use uuid::Uuid;

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeTopicPartitions: versions 0..=0, flexible 0..;

    /// Describes the partitions of topics, page by page (KIP-966).
    request DescribeTopicPartitionsRequest {
        /// The topics to describe, or empty for all.
        topics: Vec<TopicRequest>;
        /// The most partitions to return.
        response_partition_limit: i32 = 2000;
        /// Where to go on, or null to start at the first partition.
        cursor: Option<Cursor>;
    }

    /// One page of partitions.
    response DescribeTopicPartitionsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The topics.
        topics: Vec<DescribeTopicPartitionsResponseTopic>;
        /// Where the next request has to go on, or null at the end.
        next_cursor: Option<Cursor>;
    }

    /// A topic to describe.
    struct TopicRequest {
        /// The name of the topic.
        name: Str;
    }

    /// A place in the list of all partitions.
    struct Cursor {
        /// The topic to go on with.
        topic_name: Str;
        /// The first partition to describe.
        partition_index: i32;
    }

    /// A topic.
    struct DescribeTopicPartitionsResponseTopic {
        /// The error, or none.
        error_code: ErrorCode;
        /// The name of the topic.
        name: Option<Str> = Some(Str::default());
        /// The id of the topic; zero if not known.
        topic_id: Uuid;
        /// Whether the topic is one of the cluster's own.
        is_internal: bool;
        /// The partitions.
        partitions: Vec<DescribeTopicPartitionsResponsePartition>;
        /// The operations on the topic that the caller may do, as bits; `i32::MIN` if not asked
        /// for.
        topic_authorized_operations: i32 = i32::MIN;
    }

    /// A partition and its replicas.
    struct DescribeTopicPartitionsResponsePartition {
        /// The error, or none.
        error_code: ErrorCode;
        /// The partition.
        partition_index: i32;
        /// The broker that leads, or -1.
        leader_id: i32;
        /// The leader epoch, or -1.
        leader_epoch: i32 = -1;
        /// The brokers that hold the replicas.
        replica_nodes: Vec<i32>;
        /// The brokers whose replicas are in sync.
        isr_nodes: Vec<i32>;
        /// The replicas that may lead without loss though they are not in sync (KIP-966).
        eligible_leader_replicas: Option<Vec<i32>>;
        /// The replicas that were eligible to lead before they were lost (KIP-966).
        last_known_elr: Option<Vec<i32>>;
        /// The brokers whose replicas are not alive.
        offline_replicas: Vec<i32>;
    }
}
