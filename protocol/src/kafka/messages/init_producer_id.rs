//! InitProducerId: gets an id for an idempotent or transactional producer.

use crate::kafka::{ErrorCode, Str};

api! {
    InitProducerId: versions 0..=5, flexible 2..;

    /// Gets an id for an idempotent or transactional producer.
    request InitProducerIdRequest {
        /// The name of the transactional producer, or null for an idempotent one.
        transactional_id: Option<Str> = Some(Str::default());
        /// After how many ms the coordinator aborts an open transaction.
        transaction_timeout_ms: i32;
        /// The id that the producer has and wants to go on with, or -1.
        producer_id: i64 = -1, versions 3..;
        /// The epoch that the producer has, or -1.
        producer_epoch: i16 = -1, versions 3..;
    }

    /// The id of the producer.
    response InitProducerIdResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The id of the producer, or -1 after an error.
        producer_id: i64 = -1;
        /// The epoch of the producer id.
        producer_epoch: i16;
    }
}
