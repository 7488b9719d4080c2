//! EndTxn: commits or aborts a transaction.

use crate::kafka::{ErrorCode, Str};

api! {
    EndTxn: versions 0..=5, flexible 3..;

    /// Commits or aborts a transaction.
    request EndTxnRequest {
        /// The name of the transactional producer, which survives restarts.
        transactional_id: Str;
        /// The id of the producer.
        producer_id: i64;
        /// The epoch of the producer id.
        producer_epoch: i16;
        /// True to commit, false to abort.
        committed: bool;
    }

    /// Whether the transaction ends.
    response EndTxnResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The producer id to go on with, or -1 for the same.
        producer_id: i64 = -1, versions 5.., else ignored;
        /// The epoch to go on with, or -1 for the same.
        producer_epoch: i16 = -1, versions 5.., else ignored;
    }
}
