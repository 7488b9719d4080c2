//! ListTransactions: lists the transactions of a coordinator (KIP-664, KIP-994, KIP-1152).

use crate::kafka::{ErrorCode, Str};

api! {
    ListTransactions: versions 0..=2, flexible 0..;

    /// The filter; a transaction is listed if all its parts match.
    request ListTransactionsRequest {
        /// The states; none for all.
        state_filters: Vec<Str>;
        /// The ids of producers; none for all.
        producer_id_filters: Vec<i64>;
        /// For how many ms a transaction must have been open; all if negative.
        duration_filter: i64 = -1, versions 1..;
        /// A regular expression for the transactional id; null or empty for all.
        transactional_id_pattern: Option<Str>, versions 2..;
    }

    /// The transactions.
    response ListTransactionsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The states of the filter that do not exist.
        unknown_state_filters: Vec<Str>;
        /// The transactions.
        transaction_states: Vec<TransactionState>;
    }

    /// A transaction.
    struct TransactionState {
        /// The transactional id.
        transactional_id: Str;
        /// The id of the producer.
        producer_id: i64;
        /// The name of the state.
        transaction_state: Str;
    }
}
