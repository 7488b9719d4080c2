//! UnregisterBroker: removes a broker that is gone for good from the cluster (KIP-631).

use crate::kafka::{ErrorCode, Str};

api! {
    UnregisterBroker: versions 0..=0, flexible 0..;

    /// The broker to remove.
    request UnregisterBrokerRequest {
        /// The id of the broker.
        broker_id: i32;
    }

    /// The result.
    response UnregisterBrokerResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
    }
}
