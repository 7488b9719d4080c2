//! DescribeProducers: lists the producers whose state partitions keep (KIP-664).

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeProducers: versions 0..=0, flexible 0..;

    /// The partitions to describe.
    request DescribeProducersRequest {
        /// The topics.
        topics: Vec<TopicRequest>;
    }

    /// The producers.
    response DescribeProducersResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The topics.
        topics: Vec<TopicResponse>;
    }

    /// The partitions of one topic.
    struct TopicRequest {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partition_indexes: Vec<i32>;
    }

    /// The producers of one topic.
    struct TopicResponse {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<PartitionResponse>;
    }

    /// The producers of one partition.
    struct PartitionResponse {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str>;
        /// The producers.
        active_producers: Vec<ProducerState>;
    }

    /// What a partition knows of one producer.
    struct ProducerState {
        /// The id of the producer.
        producer_id: i64;
        /// The epoch of the producer; its counterpart in other messages has 16 bits.
        producer_epoch: i32;
        /// The sequence number of its last record, or -1.
        last_sequence: i32 = -1;
        /// The timestamp of its last record in ms since 1970, or -1.
        last_timestamp: i64 = -1;
        /// The epoch of the transaction coordinator that wrote last.
        coordinator_epoch: i32;
        /// The first offset of its open transaction, or -1.
        current_txn_start_offset: i64 = -1;
    }
}
