//! CreateAcls: adds entries to access control lists.

use crate::kafka::{ErrorCode, Str};

api! {
    CreateAcls: versions 1..=3, flexible 2..;

    /// The entries to add.
    request CreateAclsRequest {
        /// The entries to add.
        creations: Vec<AclCreation>;
    }

    /// One result for each entry, in the order of the request.
    response CreateAclsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        results: Vec<AclCreationResult>;
    }

    /// An entry to add.
    struct AclCreation {
        /// The type of the resource.
        resource_type: i8;
        /// The name of the resource.
        resource_name: Str;
        /// How the name is to be taken: 3 is literal, 4 is a prefix.
        resource_pattern_type: i8 = 3;
        /// The principal.
        principal: Str;
        /// The host.
        host: Str;
        /// The operation.
        operation: i8;
        /// Whether the entry allows or denies.
        permission_type: i8;
    }

    /// The result of one entry.
    struct AclCreationResult {
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
    }
}
