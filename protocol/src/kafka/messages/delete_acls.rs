//! DeleteAcls: removes the entries of access control lists that match filters.

use crate::kafka::{ErrorCode, Str};

api! {
    DeleteAcls: versions 1..=3, flexible 2..;

    /// The filters; an entry is removed if one of them matches it.
    request DeleteAclsRequest {
        /// The filters.
        filters: Vec<DeleteAclsFilter>;
    }

    /// One result for each filter, in the order of the request.
    response DeleteAclsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        filter_results: Vec<DeleteAclsFilterResult>;
    }

    /// A filter; an entry matches if all its fields do.
    struct DeleteAclsFilter {
        /// The type of the resource.
        resource_type_filter: i8;
        /// The name of the resource, or null for any.
        resource_name_filter: Option<Str> = Some(Str::default());
        /// How the name of an entry is to be taken: 3 is literal.
        pattern_type_filter: i8 = 3;
        /// The principal, or null for any.
        principal_filter: Option<Str> = Some(Str::default());
        /// The host, or null for any.
        host_filter: Option<Str> = Some(Str::default());
        /// The operation.
        operation: i8;
        /// Whether entries that allow or that deny are meant.
        permission_type: i8;
    }

    /// The result of one filter.
    struct DeleteAclsFilterResult {
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The entries that the filter matched.
        matching_acls: Vec<DeleteAclsMatchingAcl>;
    }

    /// An entry that a filter matched.
    struct DeleteAclsMatchingAcl {
        /// The error that kept the entry from being removed, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The type of the resource.
        resource_type: i8;
        /// The name of the resource.
        resource_name: Str;
        /// How the name is to be taken: 3 is literal, 4 is a prefix.
        pattern_type: i8 = 3;
        /// The principal.
        principal: Str;
        /// The host.
        host: Str;
        /// The operation.
        operation: i8;
        /// Whether the entry allows or denies.
        permission_type: i8;
    }
}
