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
    BrokerConfig, Description, describe_broker, describe_broker_defaults, describe_group,
    describe_topic,
};
use crate::metadata::Image;
use crate::telemetry::{LogLevel, LogLevels};

/// The source of the levels of loggers.
const DYNAMIC_BROKER_LOGGER: i8 = 6;

/// Answers from the image that this broker serves.
pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let broker = context.broker();
    respond(&broker.config(), &broker.image(), &broker.log_levels, &request)
}

fn respond(
    config: &BrokerConfig,
    image: &Image,
    levels: &LogLevels,
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
        match entries(config, image, levels, resource, request) {
            Ok(found) => result.configs = found,
            Err(refusal) => {
                result.error_code = refusal.code;
                result.error_message = Some(refusal.message.into());
            }
        }
        result
    });
    DescribeConfigsResponse { results: results.collect(), ..DescribeConfigsResponse::default() }
}

fn entries(
    config: &BrokerConfig,
    image: &Image,
    levels: &LogLevels,
    resource: &DescribeConfigsResource,
    request: &DescribeConfigsRequest,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let name = resource.resource_name.as_str();
    let found = Resource::find(resource.resource_type, name, config.broker_id, image)?;
    let wanted = resource.configuration_keys.as_ref().filter(|keys| !keys.is_empty());
    let wanted: Option<HashSet<&str>> = wanted.map(|keys| keys.iter().map(Str::as_str).collect());
    let is_wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| wanted.contains(name));
    let layers = config.layers(image.overrides(config.broker_id));
    let mut descriptions = match found {
        Resource::Topic(name) => {
            let overrides = image.topic(&name).map(|topic| &topic.configs.values);
            overrides.map(|overrides| describe_topic(&layers, overrides)).unwrap_or_default()
        }
        Resource::ThisBroker => describe_broker(&layers),
        Resource::AllBrokers => describe_broker_defaults(&layers),
        Resource::Group => describe_group(&layers),
        Resource::Loggers => {
            let loggers = levels.describe().into_iter().filter(|(name, _)| is_wanted(name));
            return Ok(loggers.map(|(name, level)| logger(name, level)).collect());
        }
    };
    descriptions.retain(|described| is_wanted(described.name));
    Ok(descriptions.into_iter().map(|description| entry(description, request)).collect())
}

fn logger(name: String, level: LogLevel) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult {
        name: name.into(),
        value: Some(Str::from_static(level.name())),
        config_source: DYNAMIC_BROKER_LOGGER,
        documentation: Some(Str::default()),
        ..DescribeConfigsResourceResult::default()
    }
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
