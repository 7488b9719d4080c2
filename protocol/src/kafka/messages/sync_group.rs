//! SyncGroup: hands over, or asks for, the assignment of a generation.

use bytes::Bytes;

use crate::kafka::{ErrorCode, Str};

api! {
    SyncGroup: versions 0..=5, flexible 4..;

    /// Hands over, or asks for, the assignment of a generation.
    request SyncGroupRequest {
        /// The id of the group.
        group_id: Str;
        /// The generation of the group, or -1.
        generation_id: i32;
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>, versions 3..;
        /// The class of protocols; `consumer` for consumers.
        protocol_type: Option<Str>, versions 5.., else ignored;
        /// The protocol that was chosen, as the assignor.
        protocol_name: Option<Str>, versions 5.., else ignored;
        /// The assignment, one entry a member; from the leader only.
        assignments: Vec<SyncGroupRequestAssignment>;
    }

    /// The assignment of the member.
    response SyncGroupResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 1.., else ignored;
        /// The error, or none.
        error_code: ErrorCode;
        /// The class of protocols; `consumer` for consumers.
        protocol_type: Option<Str>, versions 5.., else ignored;
        /// The protocol that was chosen, as the assignor.
        protocol_name: Option<Str>, versions 5.., else ignored;
        /// The member's part of the assignment, in the format of the group's protocol.
        assignment: Bytes;
    }

    /// The assignment of one member.
    struct SyncGroupRequestAssignment {
        /// The member.
        member_id: Str;
        /// The member's part of the assignment, in the format of the group's protocol.
        assignment: Bytes;
    }
}
