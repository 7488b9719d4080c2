//! UpdateFeatures: changes the features that the whole cluster has agreed on (KIP-584, KIP-778).

use crate::kafka::{ErrorCode, Str};

api! {
    UpdateFeatures: versions 0..=2, flexible 0..;

    /// The changes.
    request UpdateFeaturesRequest {
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32 = 60000;
        /// The changes, by feature.
        feature_updates: Vec<FeatureUpdateKey>;
        /// Whether to check only and change nothing.
        validate_only: bool, versions 1..;
    }

    /// The results.
    response UpdateFeaturesResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error of the whole request, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// One result for each feature; from version 2 on a request succeeds or fails as a whole.
        results: Vec<UpdatableFeatureResult>, versions 0..=1, else ignored;
    }

    /// The change of one feature.
    struct FeatureUpdateKey {
        /// The name of the feature.
        feature: Str;
        /// The new level; below 1 the feature is removed.
        max_version_level: i16;
        /// Whether the level may become lower.
        allow_downgrade: bool, versions 0..=0;
        /// 1 raises the level, 2 lowers it if nothing is lost, 3 lowers it in any case.
        upgrade_type: i8 = 1, versions 1..;
    }

    /// The result of one feature.
    struct UpdatableFeatureResult {
        /// The name of the feature.
        feature: Str;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
    }
}
