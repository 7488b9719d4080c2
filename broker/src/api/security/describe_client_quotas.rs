//! DescribeClientQuotas (versions 0 and 1, KIP-546): there are no quotas, so every valid filter
//! finds nothing.

use std::collections::HashSet;

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_client_quotas::{
    ComponentData, DescribeClientQuotasRequest, DescribeClientQuotasResponse,
};

use crate::api::context::RequestContext;

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;

pub(crate) async fn handle(
    _: &RequestContext,
    request: DescribeClientQuotasRequest,
) -> DescribeClientQuotasResponse {
    match flaw(&request.components) {
        None => DescribeClientQuotasResponse::default(),
        Some((error_code, message)) => DescribeClientQuotasResponse {
            error_code,
            error_message: Some(message.into()),
            entries: None,
            ..DescribeClientQuotasResponse::default()
        },
    }
}

/// What is wrong with a filter, in Kafka's words.
fn flaw(components: &[ComponentData]) -> Option<(ErrorCode, String)> {
    let invalid = |message: String| Some((ErrorCode::InvalidRequest, message));
    let mut types = HashSet::new();
    for ComponentData { entity_type, match_type, r#match } in components {
        if entity_type.is_empty() {
            return invalid("Invalid empty entity type.".to_owned());
        }
        if !types.insert(entity_type.as_str()) {
            return invalid(format!(
                "Entity type {entity_type} cannot appear more than once in the filter."
            ));
        }
        if !["user", "client-id", "ip"].contains(&entity_type.as_str()) {
            let message = format!("Unsupported entity type {entity_type}");
            return Some((ErrorCode::UnsupportedVersion, message));
        }
        let message = match (*match_type, r#match) {
            (EXACT, Some(_)) | (DEFAULT | ANY, None) => continue,
            (EXACT, None) => {
                "Request specified MATCH_TYPE_EXACT, but set match string to null.".to_owned()
            }
            (DEFAULT, Some(_)) => {
                "Request specified MATCH_TYPE_DEFAULT, but also specified a match string."
                    .to_owned()
            }
            (ANY, Some(_)) => {
                "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string."
                    .to_owned()
            }
            (other, _) => format!("Unknown match type {other}"),
        };
        return invalid(message);
    }
    if types.contains("ip") && types.len() > 1 {
        return invalid(
            "Invalid entity filter component combination. \
             IP filter component should not be used with user or clientId filter component."
                .to_owned(),
        );
    }
    None
}
