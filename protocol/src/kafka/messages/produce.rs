//! Produce: appends record batches to partitions, in the leader of each.

use crate::kafka::{ErrorCode, Records, Str};

api! {
    Produce: versions 3..=12, flexible 9..;

    /// Appends record batches to partitions, in the leader of each.
    request ProduceRequest {
        /// The name of the transactional producer, or null outside of transactions.
        transactional_id: Option<Str>;
        /// How many replicas must have the records before the answer: 0 none, 1 the leader, -1 all
        /// in sync.
        acks: i16;
        /// How long to wait for the replicas that `acks` demands, in ms.
        timeout_ms: i32;
        /// The records, one entry a topic.
        topic_data: Vec<TopicProduceData>;
    }

    /// What became of the batches.
    response ProduceResponse {
        /// The results, one entry a topic.
        responses: Vec<TopicProduceResponse>;
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The addresses of the leaders that the answer names.
        node_endpoints: Vec<NodeEndpoint>, versions 10.., tag 0;
    }

    /// The records for one topic.
    struct TopicProduceData {
        /// The name of the topic.
        name: Str;
        /// The records, one entry a partition.
        partition_data: Vec<PartitionProduceData>;
    }

    /// The records for one partition.
    struct PartitionProduceData {
        /// The partition.
        index: i32;
        /// Whole record batches.
        records: Option<Records>;
    }

    /// The results of one topic.
    struct TopicProduceResponse {
        /// The name of the topic.
        name: Str;
        /// The results, one entry a partition.
        partition_responses: Vec<PartitionProduceResponse>;
    }

    /// The result of one partition.
    struct PartitionProduceResponse {
        /// The partition.
        index: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The offset that the first record got.
        base_offset: i64;
        /// When the broker appended the records, in ms since 1970; -1 if the topic keeps the times
        /// of the producer.
        log_append_time_ms: i64 = -1;
        /// The first offset that the log keeps, or -1.
        log_start_offset: i64 = -1, versions 5.., else ignored;
        /// The records for which the batch was refused.
        record_errors: Vec<BatchIndexAndErrorMessage>, versions 8.., else ignored;
        /// The error in words, for all records of the batch.
        error_message: Option<Str>, versions 8.., else ignored;
        /// The present leader, if the request came to the wrong broker.
        current_leader: LeaderIdAndEpoch, versions 10.., tag 0;
    }

    /// A record for which its batch was refused.
    struct BatchIndexAndErrorMessage {
        /// The place of the record in its batch.
        batch_index: i32;
        /// Why this record was refused.
        batch_index_error_message: Option<Str>;
    }

    /// Who leads a partition.
    struct LeaderIdAndEpoch {
        /// The broker that leads, or -1 if there is none.
        leader_id: i32 = -1;
        /// The leader epoch, or -1.
        leader_epoch: i32 = -1;
    }

    /// Where to reach a broker.
    struct NodeEndpoint {
        /// The id of the broker.
        node_id: i32;
        /// The host name to connect to.
        host: Str;
        /// The port to connect to.
        port: i32;
        /// The rack of the broker.
        rack: Option<Str>;
    }
}
