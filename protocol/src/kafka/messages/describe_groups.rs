//! DescribeGroups: describes classic groups.

use bytes::Bytes;

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeGroups: versions 0..=6, flexible 5..;

    /// Describes classic groups.
    request DescribeGroupsRequest {
        /// The ids of the groups to describe.
        groups: Vec<Str>;
        /// Whether to return the operations that the caller may do.
        include_authorized_operations: bool, versions 3..;
    }

    /// The groups.
    response DescribeGroupsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 1.., else ignored;
        /// The groups.
        groups: Vec<DescribedGroup>;
    }

    /// A group and its members.
    struct DescribedGroup {
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str>, versions 6..;
        /// The id of the group.
        group_id: Str;
        /// The state of the group, by name.
        group_state: Str;
        /// The class of protocols; `consumer` for consumers.
        protocol_type: Str;
        /// The protocol that was chosen, as the assignor.
        protocol_data: Str;
        /// The members.
        members: Vec<DescribedGroupMember>;
        /// The operations that the caller may do, as bits; `i32::MIN` if not asked for.
        authorized_operations: i32 = i32::MIN, versions 3..;
    }

    /// A member of a group.
    struct DescribedGroupMember {
        /// The id of the member; empty before the group has given it one.
        member_id: Str;
        /// The name of a static member, which survives restarts (KIP-345).
        group_instance_id: Option<Str>, versions 4.., else ignored;
        /// The name that the member gave itself.
        client_id: Str;
        /// The address the member comes from.
        client_host: Str;
        /// What the member offered for the protocol that was chosen.
        member_metadata: Bytes;
        /// What the member was assigned.
        member_assignment: Bytes;
    }
}
