//! Heartbeat: tells the coordinator that a member is alive.

use crate::kafka::{ErrorCode, Str};

api! {
    Heartbeat: versions 0..=4, flexible 4..;

    /// Tells the coordinator that a member is alive.
    request HeartbeatRequest {
        /// The id of the group.
        group_id: Str;
        /// The generation of the group, or -1.
        generation_id: i32;
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>, versions 3..;
    }

    /// Whether the member may go on, or has to join again.
    response HeartbeatResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 1.., else ignored;
        /// The error, or none.
        error_code: ErrorCode;
    }
}
