//! LeaveGroup: takes members out of a group.

use crate::kafka::{ErrorCode, Str};

api! {
    LeaveGroup: versions 0..=5, flexible 4..;

    /// Takes members out of a group.
    request LeaveGroupRequest {
        /// The id of the group.
        group_id: Str;
        /// The member that leaves.
        member_id: Str, versions ..=2;
        /// The members that leave.
        members: Vec<MemberIdentity>, versions 3..;
    }

    /// Which members have left.
    response LeaveGroupResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 1.., else ignored;
        /// The error, or none.
        error_code: ErrorCode;
        /// The members.
        members: Vec<MemberResponse>, versions 3..;
    }

    /// A member that leaves.
    struct MemberIdentity {
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>;
        /// Why the member does it.
        reason: Option<Str>, versions 5.., else ignored;
    }

    /// The result of one member.
    struct MemberResponse {
        /// The member.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str> = Some(Str::default());
        /// The error, or none.
        error_code: ErrorCode;
    }
}
