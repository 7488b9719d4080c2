//! ApiVersions: asks which APIs a broker serves; the first request of a connection.

use crate::kafka::{ErrorCode, Str};

api! {
    ApiVersions: versions 0..=4, flexible 3..;

    /// Asks which APIs a broker serves; the first request of a connection.
    request ApiVersionsRequest {
        /// The name of the client library.
        client_software_name: Str, versions 3.., else ignored;
        /// The version of the client library.
        client_software_version: Str, versions 3.., else ignored;
    }

    /// The APIs that the broker serves.
    response ApiVersionsResponse {
        /// The error, or none.
        error_code: ErrorCode;
        /// The APIs that the broker serves.
        api_keys: Vec<ApiVersion>;
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 1.., else ignored;
        /// The features that the broker supports.
        supported_features: Vec<SupportedFeatureKey>, versions 3.., tag 0, else ignored;
        /// Counts the changes of the finalized features; -1 if unknown.
        finalized_features_epoch: i64 = -1, versions 3.., tag 1, else ignored;
        /// The features that the whole cluster has agreed on.
        finalized_features: Vec<FinalizedFeatureKey>, versions 3.., tag 2, else ignored;
        /// Whether the broker is ready to leave ZooKeeper; never true here.
        zk_migration_ready: bool, versions 3.., tag 3, else ignored;
    }

    /// An API and the versions of it that are served.
    struct ApiVersion {
        /// The key of the API.
        api_key: i16;
        /// The lowest version.
        min_version: i16;
        /// The highest version.
        max_version: i16;
    }

    /// A feature that the broker supports.
    struct SupportedFeatureKey {
        /// The name of the feature.
        name: Str;
        /// The lowest version.
        min_version: i16;
        /// The highest version.
        max_version: i16;
    }

    /// A feature that the cluster has agreed on.
    struct FinalizedFeatureKey {
        /// The name of the feature.
        name: Str;
        /// The highest level of the feature that is in use.
        max_version_level: i16;
        /// The lowest level of the feature that is in use.
        min_version_level: i16;
    }
}
