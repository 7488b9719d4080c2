//! AlterConfigs: replaces the whole configuration of resources.

use crate::kafka::{ErrorCode, Str};

api! {
    AlterConfigs: versions 0..=2, flexible 2..;

    /// Replaces the whole configuration of resources.
    request AlterConfigsRequest {
        /// The resources.
        resources: Vec<AlterConfigsResource>;
        /// Whether to check only and change nothing.
        validate_only: bool;
    }

    /// Which resources were changed.
    response AlterConfigsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        responses: Vec<AlterConfigsResourceResponse>;
    }

    /// A resource and its new configuration.
    struct AlterConfigsResource {
        /// The type of the resource: 2 topic, 4 broker.
        resource_type: i8;
        /// The name of the resource.
        resource_name: Str;
        /// The configuration entries.
        configs: Vec<AlterableConfig>;
    }

    /// A configuration entry.
    struct AlterableConfig {
        /// The key.
        name: Str;
        /// The value, or null for the default.
        value: Option<Str> = Some(Str::default());
    }

    /// The result of one resource.
    struct AlterConfigsResourceResponse {
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// The type of the resource: 2 topic, 4 broker.
        resource_type: i8;
        /// The name of the resource.
        resource_name: Str;
    }
}
