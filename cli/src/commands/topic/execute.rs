//! Executes a [`TopicCommand`] and prints what Kafka's tool prints.

use std::io;

use barnabas_client::{ClientError, Cluster};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::create_partitions::{
    CreatePartitionsAssignment, CreatePartitionsTopic,
};
use barnabas_protocol::kafka::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use barnabas_protocol::kafka::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use barnabas_protocol::kafka::messages::delete_topics::DeleteTopicState;
use barnabas_protocol::kafka::messages::metadata::MetadataResponseTopic;
use barnabas_protocol::kafka::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
};

use serde_json::json;

use super::describe::describe;
use super::pattern::{self, name_of};
use super::{Selection, TopicCommand};
use crate::output::{self, Format};

/// How long the cluster may take to make a change.
const TIMEOUT_MS: i32 = 30_000;

pub(crate) async fn execute(cluster: &Cluster, command: TopicCommand) -> anyhow::Result<()> {
    match command {
        TopicCommand::Create {
            name,
            partitions,
            replication_factor,
            assignment,
            configs,
            if_not_exists,
        } => {
            warn_of_collisions(&name)?;
            let topic = creatable(&name, partitions, replication_factor, assignment, &configs);
            match create(cluster, topic).await {
                Ok(()) => output::line(format_args!("Created topic {name}."))?,
                Err(ClientError::Refused { code: ErrorCode::TopicAlreadyExists, .. })
                    if if_not_exists => {}
                Err(error) => return Err(error.into()),
            }
            Ok(())
        }
        TopicCommand::List { selection, format } => list(cluster, &selection, format).await,
        TopicCommand::Describe { selection, format, if_exists } => {
            describe(cluster, &selection, format, if_exists).await
        }
        TopicCommand::AddPartitions { name, total, assignment, if_exists } => {
            for topic in pattern::existing(cluster, &name, if_exists).await? {
                add_partitions(cluster, &topic, total, &assignment).await?;
            }
            Ok(())
        }
        TopicCommand::Delete { name, if_exists } => {
            for topic in pattern::existing(cluster, &name, if_exists).await? {
                delete(cluster, name_of(&topic)).await?;
            }
            Ok(())
        }
        TopicCommand::Trim { name, partition, before } => {
            trim(cluster, &name, partition, before).await
        }
    }
}

/// A topic to create, with the broker's defaults for what is not given.
pub(crate) fn creatable(
    name: &str,
    partitions: Option<i32>,
    replication_factor: Option<i16>,
    assignment: Vec<Vec<i32>>,
    configs: &[(String, String)],
) -> CreatableTopic {
    let configs = configs.iter().map(|(key, value)| CreatableTopicConfig {
        name: Str::from(key.as_str()),
        value: Some(Str::from(value.as_str())),
    });
    let assignments = assignment
        .into_iter()
        .zip(0..)
        .map(|(broker_ids, partition_index)| CreatableReplicaAssignment {
            partition_index,
            broker_ids,
        })
        .collect();
    CreatableTopic {
        name: Str::from(name),
        num_partitions: partitions.unwrap_or(-1),
        replication_factor: replication_factor.unwrap_or(-1),
        assignments,
        configs: configs.collect(),
    }
}

pub(crate) async fn create(cluster: &Cluster, topic: CreatableTopic) -> Result<(), ClientError> {
    let request = CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: TIMEOUT_MS,
        ..CreateTopicsRequest::default()
    };
    let response = cluster.ask_controller(&request).await?;
    for result in &response.topics {
        ClientError::check(result.error_code, result.error_message.as_deref())?;
    }
    Ok(())
}

async fn add_partitions(
    cluster: &Cluster,
    topic: &MetadataResponseTopic,
    total: i32,
    assignment: &[Vec<i32>],
) -> Result<(), ClientError> {
    // The option places all partitions, the request only the new ones.
    let new = assignment.iter().skip(topic.partitions.len()).cloned();
    let new = new.map(|broker_ids| CreatePartitionsAssignment { broker_ids }).collect();
    let topic = CreatePartitionsTopic {
        name: topic.name.clone().unwrap_or_default(),
        count: total,
        assignments: (!assignment.is_empty()).then_some(new),
    };
    let request = CreatePartitionsRequest {
        topics: vec![topic],
        timeout_ms: TIMEOUT_MS,
        ..CreatePartitionsRequest::default()
    };
    let response = cluster.ask_controller(&request).await?;
    for result in &response.results {
        ClientError::check(result.error_code, result.error_message.as_deref())?;
    }
    Ok(())
}

async fn delete(cluster: &Cluster, name: &str) -> Result<(), ClientError> {
    // Versions 6 and later name topics in another field than the versions before.
    let connection = cluster.controller().await?;
    let newer = connection.version::<DeleteTopicsRequest>()? >= 6;
    let state = DeleteTopicState { name: Some(Str::from(name)), ..DeleteTopicState::default() };
    let request = DeleteTopicsRequest {
        topics: if newer { vec![state] } else { Vec::new() },
        topic_names: if newer { Vec::new() } else { vec![Str::from(name)] },
        timeout_ms: TIMEOUT_MS,
    };
    let response = connection.call(&request).await?;
    for result in &response.responses {
        ClientError::check(result.error_code, result.error_message.as_deref())?;
    }
    Ok(())
}

async fn list(cluster: &Cluster, selection: &Selection, format: Format) -> anyhow::Result<()> {
    let mut topics = pattern::topics(cluster, selection.topic.as_deref()).await?;
    topics.retain(|topic| !(selection.exclude_internal && topic.is_internal));
    match format {
        Format::Table => topics.iter().try_for_each(|topic| output::line(name_of(topic)))?,
        Format::Json => {
            let topic = |topic: &MetadataResponseTopic| {
                json!({
                    "topic": name_of(topic),
                    "internal": topic.is_internal,
                    "partitions": topic.partitions.len(),
                })
            };
            output::json(&topics.iter().map(topic).collect::<Vec<_>>().into())?;
        }
    }
    Ok(())
}

async fn trim(cluster: &Cluster, name: &str, only: Option<i32>, before: i64) -> anyhow::Result<()> {
    let topic = cluster.topic(name, false).await?;
    for index in topic.partitions() {
        if only.is_some_and(|only| only != index) {
            continue;
        }
        let wanted = DeleteRecordsPartition { partition_index: index, offset: before };
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic { name: Str::from(name), partitions: vec![wanted] }],
            timeout_ms: TIMEOUT_MS,
        };
        let leader = cluster.broker(topic.leader(index)?).await?;
        let response = leader.call(&request).await?;
        for result in response.topics.iter().flat_map(|topic| &topic.partitions) {
            ClientError::check(result.error_code, None)?;
            let first = result.low_watermark;
            output::line(format_args!("{name}-{index} now begins at offset {first}"))?;
        }
    }
    Ok(())
}

/// Kafka's metrics replace dots by underscores, so its tool warns of names with either.
fn warn_of_collisions(name: &str) -> io::Result<()> {
    if name.contains(['.', '_']) {
        output::line(
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.",
        )?;
    }
    Ok(())
}
