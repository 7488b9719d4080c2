//! DescribeConfigs: every key with its value, source and synonyms (KIP-226, KIP-569).

use std::collections::HashSet;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
    DescribeConfigsResponse, DescribeConfigsResult, DescribeConfigsSynonym,
};

use super::config_resource::{Refusal, Resource};
use crate::api::context::RequestContext;
use crate::config::{
    BrokerConfig, Description, describe_broker, describe_broker_defaults, describe_topic,
};
use crate::metadata::Image;

/// Answers from the image that this broker serves.
pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    respond(&context.broker().config(), &context.broker().image(), &request)
}

fn respond(
    config: &BrokerConfig,
    image: &Image,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    // Each once: an answer is thousands of times as large as the question.
    let mut seen = HashSet::new();
    let mut new =
        |r: &&DescribeConfigsResource| seen.insert((r.resource_type, r.resource_name.clone()));
    let results = request.resources.iter().filter(|resource| new(resource)).map(|resource| {
        let mut result = DescribeConfigsResult {
            // Kafka sends an empty text, not null, where there is no error.
            error_message: Some(Str::default()),
            resource_type: resource.resource_type,
            resource_name: resource.resource_name.clone(),
            ..DescribeConfigsResult::default()
        };
        match descriptions(config, image, resource) {
            Ok(found) => result.configs = found.into_iter().map(|d| entry(d, request)).collect(),
            Err(refusal) => {
                result.error_code = refusal.code;
                result.error_message = Some(refusal.message.into());
            }
        }
        result
    });
    DescribeConfigsResponse { results: results.collect(), ..DescribeConfigsResponse::default() }
}

fn descriptions(
    config: &BrokerConfig,
    image: &Image,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Description>, Refusal> {
    let name = resource.resource_name.as_str();
    let found = Resource::find(resource.resource_type, name, config.broker_id, image)?;
    let layers = config.layers(image.overrides(config.broker_id));
    let mut descriptions = match found {
        Resource::Topic(name) => {
            let overrides = image.topic(&name).map(|topic| &topic.configs.values);
            overrides.map(|overrides| describe_topic(&layers, overrides)).unwrap_or_default()
        }
        Resource::ThisBroker => describe_broker(&layers),
        Resource::AllBrokers => describe_broker_defaults(&layers),
    };
    if let Some(wanted) = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty()) {
        let wanted: HashSet<&str> = wanted.iter().map(Str::as_str).collect();
        descriptions.retain(|described| wanted.contains(described.name));
    }
    Ok(descriptions)
}

fn entry(
    description: Description,
    request: &DescribeConfigsRequest,
) -> DescribeConfigsResourceResult {
    let synonyms = description.synonyms.into_iter().filter(|_| request.include_synonyms);
    DescribeConfigsResourceResult {
        name: Str::from_static(description.name),
        value: description.value.map(Str::from),
        read_only: description.read_only,
        config_source: description.source as i8,
        is_sensitive: description.sensitive,
        synonyms: synonyms
            .map(|synonym| DescribeConfigsSynonym {
                name: Str::from_static(synonym.name),
                value: synonym.value.map(Str::from),
                source: synonym.source as i8,
            })
            .collect(),
        config_type: description.kind.wire(),
        documentation: request.include_documentation.then(|| Str::from(description.documentation)),
    }
}

#[cfg(test)]
#[path = "describe_configs_tests.rs"]
mod tests;
