//! ListConfigResources: lists the resources that have a configuration (KIP-714, KIP-1142).

use crate::kafka::{ErrorCode, Str};

api! {
    ListConfigResources: versions 0..=1, flexible 0..;

    /// The types of resources that the client asks for. Version 0 asks for client metrics.
    request ListConfigResourcesRequest {
        /// The types; none for all.
        resource_types: Vec<i8>, versions 1..;
    }

    /// The resources.
    response ListConfigResourcesResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The resources.
        config_resources: Vec<ConfigResource>;
    }

    /// A resource.
    struct ConfigResource {
        /// The name of the resource.
        resource_name: Str;
        /// The type of the resource.
        resource_type: i8 = 16, versions 1.., else ignored;
    }
}
