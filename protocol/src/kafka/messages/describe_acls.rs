//! DescribeAcls: lists the access control lists that match a filter.

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeAcls: versions 1..=3, flexible 2..;

    /// The filter; an entry is listed if all its fields match.
    request DescribeAclsRequest {
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

    /// The entries, by resource.
    response DescribeAclsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The resources that have entries.
        resources: Vec<DescribeAclsResource>;
    }

    /// A resource and its entries.
    struct DescribeAclsResource {
        /// The type of the resource.
        resource_type: i8;
        /// The name of the resource.
        resource_name: Str;
        /// How the name is to be taken: 3 is literal, 4 is a prefix.
        pattern_type: i8 = 3;
        /// The entries.
        acls: Vec<AclDescription>;
    }

    /// One entry.
    struct AclDescription {
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
