//! ApiVersions: what this broker serves, from the table of handlers.

use barnabas_protocol::kafka::api_key::ApiKey;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};

use crate::api::context::RequestContext;
use crate::api::dispatch::SERVED;
use crate::api::features::{METADATA_VERSION, METADATA_VERSION_LEVEL};

pub(crate) async fn handle(
    context: &RequestContext,
    request: ApiVersionsRequest,
) -> ApiVersionsResponse {
    let named = [&request.client_software_name, &request.client_software_version];
    if context.version >= 3 && !named.iter().all(|name| is_valid(name)) {
        let error_code = ErrorCode::InvalidRequest;
        return ApiVersionsResponse { error_code, ..ApiVersionsResponse::default() };
    }
    let (name, level) = (METADATA_VERSION.into(), METADATA_VERSION_LEVEL);
    let supported = SupportedFeatureKey { name, min_version: level, max_version: level };
    let finalized = FinalizedFeatureKey {
        name: METADATA_VERSION.into(),
        min_version_level: level,
        max_version_level: level,
    };
    ApiVersionsResponse {
        api_keys: served(),
        supported_features: vec![supported],
        finalized_features: vec![finalized],
        finalized_features_epoch: 0,
        ..ApiVersionsResponse::default()
    }
}

/// The answer to a version from the future: in version 0, with what there is.
pub(crate) fn unsupported_version() -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion,
        api_keys: served(),
        ..ApiVersionsResponse::default()
    }
}

fn served() -> Vec<ApiVersion> {
    let mut keys: Vec<_> = SERVED
        .iter()
        .filter_map(|api| {
            let versions = api.versions()?;
            // librdkafka turns compression off for brokers that do not list the oldest versions
            // (KAFKA-18659); like Kafka, we list them and refuse them.
            let min_version = if *api == ApiKey::Produce { 0 } else { *versions.start() };
            Some(ApiVersion { api_key: *api as i16, min_version, max_version: *versions.end() })
        })
        .collect();
    keys.sort_by_key(|key| key.api_key);
    keys
}

/// Kafka's `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (KIP-511).
fn is_valid(name: &str) -> bool {
    let inner = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'.';
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|c| inner(*c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_names_follow_kip_511() {
        for valid in ["a", "librdkafka", "1.2.3-RC1", "apache-kafka-java"] {
            assert!(is_valid(valid), "{valid}");
        }
        for invalid in ["", "-a", "a-", "a b", "ä"] {
            assert!(!is_valid(invalid), "{invalid}");
        }
    }

    #[test]
    fn produce_is_listed_from_version_0() {
        let produce = served().into_iter().find(|key| key.api_key == 0).expect("served");
        assert_eq!((produce.min_version, produce.max_version), (0, 12));
    }
}
