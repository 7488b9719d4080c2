//! IncrementalAlterConfigs: sets, removes, appends and subtracts single overrides (KIP-339).

use barnabas_protocol::kafka::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterConfigsResourceResponse, AlterableConfig,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
};

use super::config_change::{Requested, apply};
use super::config_resource::Refusal;
use crate::api::context::RequestContext;
use crate::config::{AlterOperation, Alteration};

/// Each resource succeeds or fails by itself.
pub(crate) async fn handle(
    context: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let requested: Vec<_> = request.resources.iter().map(requested).collect();
    let outcomes = apply(context, &requested, request.validate_only).await;
    let responses = request.resources.into_iter().zip(outcomes).map(|(resource, outcome)| {
        let (error_code, error_message) = outcome;
        let AlterConfigsResource { resource_type, resource_name, .. } = resource;
        AlterConfigsResourceResponse { error_code, error_message, resource_type, resource_name }
    });
    let responses = responses.collect();
    IncrementalAlterConfigsResponse { responses, ..IncrementalAlterConfigsResponse::default() }
}

fn requested(resource: &AlterConfigsResource) -> Requested {
    Requested {
        kind: resource.resource_type,
        name: resource.resource_name.clone(),
        replace: false,
        alterations: resource.configs.iter().map(alteration).collect(),
    }
}

fn alteration(config: &AlterableConfig) -> Result<Alteration, Refusal> {
    let operation = match config.config_operation {
        0 => AlterOperation::Set,
        1 => AlterOperation::Delete,
        2 => AlterOperation::Append,
        3 => AlterOperation::Subtract,
        other => {
            let message = format!("Unknown config operation {other} of key {}", config.name);
            return Err(Refusal::invalid_request(message));
        }
    };
    let value = config.value.as_ref().map(ToString::to_string);
    Ok(Alteration { name: config.name.to_string(), operation, value })
}
