//! AddOffsetsToTxn: adds the offsets of a group to an open transaction.

use crate::kafka::{ErrorCode, Str};

api! {
    AddOffsetsToTxn: versions 0..=4, flexible 3..;

    /// Adds the offsets of a group to an open transaction.
    request AddOffsetsToTxnRequest {
        /// The name of the transactional producer, which survives restarts.
        transactional_id: Str;
        /// The id of the producer.
        producer_id: i64;
        /// The epoch of the producer id.
        producer_epoch: i16;
        /// The id of the group.
        group_id: Str;
    }

    /// Whether they were added.
    response AddOffsetsToTxnResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
    }
}
