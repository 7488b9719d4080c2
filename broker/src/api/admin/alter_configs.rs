//! AlterConfigs: replaces all overrides of a resource by those in the request.

use barnabas_protocol::kafka::messages::alter_configs::{
    AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse,
    AlterableConfig,
};

use super::config_change::{Requested, apply};
use crate::api::context::RequestContext;
use crate::config::{AlterOperation, Alteration};

/// Each resource succeeds or fails by itself.
pub(crate) async fn handle(
    context: &RequestContext,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let requested: Vec<_> = request.resources.iter().map(requested).collect();
    let outcomes = apply(context, &requested, request.validate_only).await;
    let responses = request.resources.into_iter().zip(outcomes).map(|(resource, outcome)| {
        let (error_code, error_message) = outcome;
        let AlterConfigsResource { resource_type, resource_name, .. } = resource;
        AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
    });
    AlterConfigsResponse { responses: responses.collect(), ..AlterConfigsResponse::default() }
}

fn requested(resource: &AlterConfigsResource) -> Requested {
    let alteration = |config: &AlterableConfig| Alteration {
        name: config.name.to_string(),
        operation: AlterOperation::Set,
        value: config.value.as_ref().map(ToString::to_string),
    };
    Requested {
        kind: resource.resource_type,
        name: resource.resource_name.clone(),
        replace: true,
        alterations: Ok(resource.configs.iter().map(alteration).collect()),
    }
}
