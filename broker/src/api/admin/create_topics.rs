//! CreateTopics (versions 2 to 7): asks the controller, and shows each new topic with its
//! configuration (KIP-525).

use barnabas_protocol::kafka::messages::create_topics::{
    CreatableTopic, CreatableTopicConfigs, CreatableTopicResult, CreateTopicsRequest,
    CreateTopicsResponse,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use barnabas_protocol::state::ids::{BrokerId, PartitionIndex};

use super::config_change::warn_if_inert;
use super::topics::{DUPLICATE_NAME, deadline, repeated};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::config::registry;
use crate::config::{Description, Layers, describe_topic};
use crate::controller::{CreatedTopic, NewTopic};

/// Creates the topics of the request, each by itself.
pub(crate) async fn handle(
    context: &RequestContext,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let broker = context.broker();
    let twice = repeated(request.topics.iter().map(|topic| &topic.name));
    let asked: Vec<_> =
        request.topics.iter().filter(|topic| !twice.contains(&topic.name)).collect();
    let new_topics = asked.iter().map(|topic| new_topic(topic)).collect();
    let deadline = deadline(request.timeout_ms);
    let results = broker.create_topics(new_topics, request.validate_only, deadline).await;
    if !request.validate_only {
        asked.iter().zip(&results).filter(|(_, result)| result.is_ok()).for_each(|(topic, _)| {
            topic.configs.iter().for_each(|c| warn_if_inert(&topic.name, registry::topic(&c.name)));
        });
    }
    let (config, image) = (broker.config(), broker.image());
    let layers = config.layers(image.overrides(config.broker_id));
    let answers = asked.iter().zip(results).map(|(topic, result)| match result {
        Ok(created) => created_topic(&layers, &created),
        Err(error) => refused(&topic.name, error_map::create_topic(&error), &error.to_string()),
    });
    // Kafka answers a topic that is named twice once, after the others.
    let repeated =
        twice.iter().map(|name| refused(name, ErrorCode::InvalidRequest, DUPLICATE_NAME));
    let topics = answers.chain(repeated).collect();
    CreateTopicsResponse { topics, ..CreateTopicsResponse::default() }
}

fn new_topic(topic: &CreatableTopic) -> NewTopic {
    let assignments = topic.assignments.iter().map(|assignment| {
        let replicas = assignment.broker_ids.iter().copied().map(BrokerId).collect();
        (PartitionIndex(assignment.partition_index), replicas)
    });
    let configs = topic.configs.iter();
    NewTopic {
        name: topic.name.to_string(),
        num_partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments.collect(),
        configs: configs
            .map(|config| (config.name.to_string(), config.value.as_ref().map(Str::to_string)))
            .collect(),
    }
}

fn created_topic(layers: &Layers<'_>, created: &CreatedTopic) -> CreatableTopicResult {
    let configs = describe_topic(layers, &created.configs).into_iter().map(config_entry);
    let factor = created.replicas.first().map_or(0, Vec::len);
    CreatableTopicResult {
        name: created.name.clone(),
        topic_id: created.id.0,
        error_message: None,
        num_partitions: i32::try_from(created.replicas.len()).unwrap_or(i32::MAX),
        replication_factor: i16::try_from(factor).unwrap_or(i16::MAX),
        configs: Some(configs.collect()),
        ..CreatableTopicResult::default()
    }
}

fn config_entry(description: Description) -> CreatableTopicConfigs {
    CreatableTopicConfigs {
        name: Str::from_static(description.name),
        value: description.value.map(Str::from),
        read_only: description.read_only,
        config_source: description.source as i8,
        is_sensitive: description.sensitive,
    }
}

fn refused(name: &Str, error_code: ErrorCode, message: &str) -> CreatableTopicResult {
    CreatableTopicResult {
        name: name.clone(),
        error_code,
        error_message: Some(message.into()),
        ..CreatableTopicResult::default()
    }
}
