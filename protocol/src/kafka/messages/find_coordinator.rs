//! FindCoordinator: asks which broker coordinates a group or a transaction.

use crate::kafka::{ErrorCode, Str};

api! {
    FindCoordinator: versions 0..=6, flexible 3..;

    /// Asks which broker coordinates a group or a transaction.
    request FindCoordinatorRequest {
        /// The id of the group or transaction.
        key: Str, versions ..=3;
        /// What the keys are: 0 groups, 1 transactional ids, 2 share groups.
        key_type: i8, versions 1..;
        /// The groups or transactional ids whose coordinators are asked for.
        coordinator_keys: Vec<Str>, versions 4..;
    }

    /// The coordinators; in older versions the only one.
    response FindCoordinatorResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 1.., else ignored;
        /// The error, or none.
        error_code: ErrorCode, versions ..=3;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default()), versions 1..=3, else ignored;
        /// The id of the broker.
        node_id: i32, versions ..=3;
        /// The host name to connect to.
        host: Str, versions ..=3;
        /// The port to connect to.
        port: i32, versions ..=3;
        /// The coordinators, one for each key.
        coordinators: Vec<Coordinator>, versions 4..;
    }

    /// The coordinator of one key.
    struct Coordinator {
        /// The id of the group or transaction.
        key: Str;
        /// The id of the broker.
        node_id: i32;
        /// The host name to connect to.
        host: Str;
        /// The port to connect to.
        port: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
    }
}
