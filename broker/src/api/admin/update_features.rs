//! UpdateFeatures (versions 0 to 2, KIP-584): there is one feature, at one level. To ask for that
//! level is no change and succeeds, as in Kafka; everything else is refused.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::update_features::{
    FeatureUpdateKey, UpdatableFeatureResult, UpdateFeaturesRequest, UpdateFeaturesResponse,
};

use crate::api::context::RequestContext;
use crate::api::features::{METADATA_VERSION, METADATA_VERSION_LEVEL};

/// Raise the level, lower it if nothing is lost, lower it in any case.
const UPGRADE_TYPES: std::ops::RangeInclusive<i8> = 1..=3;

pub(crate) async fn handle(
    _: &RequestContext,
    request: UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    respond(&request.feature_updates)
}

fn respond(updates: &[FeatureUpdateKey]) -> UpdateFeaturesResponse {
    if let Some(flaw) = updates.iter().find_map(flaw) {
        let message = format!(
            "The update failed for all features since the following feature had an error: {flaw}"
        );
        return UpdateFeaturesResponse {
            error_code: ErrorCode::InvalidUpdateVersion,
            error_message: Some(message.into()),
            ..UpdateFeaturesResponse::default()
        };
    }
    let result = |update: &FeatureUpdateKey| UpdatableFeatureResult {
        feature: update.feature.clone(),
        error_code: ErrorCode::None,
        error_message: Some(Str::from_static("NONE")),
    };
    UpdateFeaturesResponse {
        error_message: None,
        results: updates.iter().map(result).collect(),
        ..UpdateFeaturesResponse::default()
    }
}

fn flaw(update: &FeatureUpdateKey) -> Option<String> {
    let FeatureUpdateKey { feature, max_version_level, upgrade_type, .. } = update;
    if feature != METADATA_VERSION {
        return Some(format!("There is no feature {feature}; there is only {METADATA_VERSION}."));
    }
    if !UPGRADE_TYPES.contains(upgrade_type) {
        return Some(format!("{upgrade_type} is no type of an upgrade."));
    }
    (*max_version_level != METADATA_VERSION_LEVEL).then(|| {
        format!(
            "{METADATA_VERSION} is {METADATA_VERSION_LEVEL} and cannot become {max_version_level}."
        )
    })
}
