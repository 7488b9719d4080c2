//! DeleteGroups: deletes empty groups and their offsets.

use crate::kafka::{ErrorCode, Str};

api! {
    DeleteGroups: versions 0..=2, flexible 2..;

    /// Deletes empty groups and their offsets.
    request DeleteGroupsRequest {
        /// The ids of the groups to delete.
        groups_names: Vec<Str>;
    }

    /// Which groups were deleted.
    response DeleteGroupsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        results: Vec<DeletableGroupResult>;
    }

    /// The result of one group.
    struct DeletableGroupResult {
        /// The id of the group.
        group_id: Str;
        /// The error, or none.
        error_code: ErrorCode;
    }
}
