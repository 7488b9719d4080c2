//! ListGroups: lists the groups that a broker coordinates.

use crate::kafka::{ErrorCode, Str};

api! {
    ListGroups: versions 0..=5, flexible 3..;

    /// Lists the groups that a broker coordinates.
    request ListGroupsRequest {
        /// The states to list, or empty for all.
        states_filter: Vec<Str>, versions 4..;
        /// The types to list, or empty for all.
        types_filter: Vec<Str>, versions 5..;
    }

    /// The groups.
    response ListGroupsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 1.., else ignored;
        /// The error, or none.
        error_code: ErrorCode;
        /// The groups.
        groups: Vec<ListedGroup>;
    }

    /// A group.
    struct ListedGroup {
        /// The id of the group.
        group_id: Str;
        /// The class of protocols; `consumer` for consumers.
        protocol_type: Str;
        /// The state of the group, by name.
        group_state: Str, versions 4.., else ignored;
        /// The type of the group: `classic`, `consumer` or `share`.
        group_type: Str, versions 5.., else ignored;
    }
}
