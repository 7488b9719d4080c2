//! DescribeTransactions: describes transactions by their ids (KIP-664).

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeTransactions: versions 0..=0, flexible 0..;

    /// The transactions to describe.
    request DescribeTransactionsRequest {
        /// The transactional ids.
        transactional_ids: Vec<Str>;
    }

    /// The transactions.
    response DescribeTransactionsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// One state for each id.
        transaction_states: Vec<TransactionState>;
    }

    /// The state of one transaction.
    struct TransactionState {
        /// The error, or none.
        error_code: ErrorCode;
        /// The transactional id.
        transactional_id: Str;
        /// The name of the state.
        transaction_state: Str;
        /// After how many ms the coordinator aborts the transaction.
        transaction_timeout_ms: i32;
        /// When the transaction began, in ms since 1970.
        transaction_start_time_ms: i64;
        /// The id of the producer.
        producer_id: i64;
        /// The epoch of the producer.
        producer_epoch: i16;
        /// The partitions that the transaction wrote to.
        topics: Vec<TopicData>;
    }

    /// The partitions of one topic.
    struct TopicData {
        /// The name of the topic.
        topic: Str;
        /// The partitions.
        partitions: Vec<i32>;
    }
}
