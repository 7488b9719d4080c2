//! AddPartitionsToTxn: adds partitions to open transactions.

use crate::kafka::{ErrorCode, Str};

api! {
    AddPartitionsToTxn: versions 0..=5, flexible 3..;

    /// Adds partitions to open transactions.
    request AddPartitionsToTxnRequest {
        /// The transactions.
        transactions: Vec<AddPartitionsToTxnTransaction>, versions 4..;
        /// The name of the transactional producer.
        v3_and_below_transactional_id: Str, versions ..=3;
        /// The id of the producer.
        v3_and_below_producer_id: i64, versions ..=3;
        /// The epoch of the producer id.
        v3_and_below_producer_epoch: i16, versions ..=3;
        /// The topics and partitions to add.
        v3_and_below_topics: Vec<AddPartitionsToTxnTopic>, versions ..=3;
    }

    /// Which partitions were added.
    response AddPartitionsToTxnResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode, versions 4.., else ignored;
        /// The results, one entry a transaction.
        results_by_transaction: Vec<AddPartitionsToTxnResult>, versions 4..;
        /// The results of the only transaction, one entry a topic.
        results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>, versions ..=3;
    }

    /// A transaction and its new partitions.
    struct AddPartitionsToTxnTransaction {
        /// The name of the transactional producer, which survives restarts.
        transactional_id: Str;
        /// The id of the producer.
        producer_id: i64;
        /// The epoch of the producer id.
        producer_epoch: i16;
        /// Whether to check only that the partitions are in the transaction.
        verify_only: bool;
        /// The topics.
        topics: Vec<AddPartitionsToTxnTopic>;
    }

    /// The partitions of one topic.
    struct AddPartitionsToTxnTopic {
        /// The name of the topic.
        name: Str;
        /// The partitions.
        partitions: Vec<i32>;
    }

    /// The results of one transaction.
    struct AddPartitionsToTxnResult {
        /// The name of the transactional producer, which survives restarts.
        transactional_id: Str;
        /// The results, one entry a topic.
        topic_results: Vec<AddPartitionsToTxnTopicResult>;
    }

    /// The results of one topic.
    struct AddPartitionsToTxnTopicResult {
        /// The name of the topic.
        name: Str;
        /// The results, one entry a partition.
        results_by_partition: Vec<AddPartitionsToTxnPartitionResult>;
    }

    /// The result of one partition.
    struct AddPartitionsToTxnPartitionResult {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        partition_error_code: ErrorCode;
    }
}
