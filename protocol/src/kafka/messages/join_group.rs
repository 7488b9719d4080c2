//! JoinGroup: enters a group, or starts a rebalance.

use bytes::Bytes;

use crate::kafka::{ErrorCode, Str};

api! {
    JoinGroup: versions 0..=9, flexible 6..;

    /// Enters a group, or starts a rebalance.
    request JoinGroupRequest {
        /// The id of the group.
        group_id: Str;
        /// The group takes the member for dead after so many ms without a heartbeat.
        session_timeout_ms: i32;
        /// How long the group waits for its members in a rebalance, in ms; -1 for the session
        /// timeout.
        rebalance_timeout_ms: i32 = -1, versions 1.., else ignored;
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>, versions 5..;
        /// The class of protocols; `consumer` for consumers.
        protocol_type: Str;
        /// The protocols that the member supports, the best one first.
        protocols: Vec<JoinGroupRequestProtocol>;
        /// Why the member does it.
        reason: Option<Str>, versions 8.., else ignored;
    }

    /// The new generation of the group.
    response JoinGroupResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 2.., else ignored;
        /// The error, or none.
        error_code: ErrorCode;
        /// The generation of the group, or -1.
        generation_id: i32 = -1;
        /// The class of protocols; `consumer` for consumers.
        protocol_type: Option<Str>, versions 7.., else ignored;
        /// The protocol that was chosen, as the assignor.
        protocol_name: Option<Str> = Some(Str::default()), nullable 7..;
        /// The member that makes the assignment.
        leader: Str;
        /// Whether the leader need not make an assignment, as a static one that came back.
        skip_assignment: bool, versions 9..;
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// All members, for the leader only.
        members: Vec<JoinGroupResponseMember>;
    }

    /// A protocol that the member supports.
    struct JoinGroupRequestProtocol {
        /// The name of the protocol, as the assignor.
        name: Str;
        /// What the member offers for this protocol, as its subscriptions.
        metadata: Bytes;
    }

    /// A member, as the leader sees it.
    struct JoinGroupResponseMember {
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>, versions 5.., else ignored;
        /// What the member offered for the protocol that was chosen.
        metadata: Bytes;
    }
}
