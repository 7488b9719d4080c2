//! Does what a [`TopicCommand`] says and prints what Kafka's tool prints.

use anyhow::bail;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::create_partitions::CreatePartitionsTopic;
use barnabas_protocol::kafka::messages::create_topics::{CreatableTopic, CreatableTopicConfig};
use barnabas_protocol::kafka::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use barnabas_protocol::kafka::messages::delete_topics::DeleteTopicState;
use barnabas_protocol::kafka::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest,
};

use super::describe::describe;
use super::{Selection, TopicCommand};
use crate::client::{ClientError, Cluster};

/// How long the cluster may take for a change.
const TIMEOUT_MS: i32 = 30_000;

/// Does what the command says.
pub(crate) async fn execute(cluster: &Cluster, command: TopicCommand) -> anyhow::Result<()> {
    match command {
        TopicCommand::Create { name, partitions, replication_factor, configs, if_not_exists } => {
            warn_of_collisions(&name);
            let created = create(cluster, &name, partitions, replication_factor, &configs).await;
            match created {
                Ok(()) => println!("Created topic {name}."),
                Err(ClientError::Refused { code: ErrorCode::TopicAlreadyExists, .. })
                    if if_not_exists => {}
                Err(error) => return Err(error.into()),
            }
            Ok(())
        }
        TopicCommand::List(selection) => list(cluster, &selection).await,
        TopicCommand::Describe { selection, json } => describe(cluster, &selection, json).await,
        TopicCommand::AddPartitions { name, total, if_exists } => {
            if !must_exist(cluster, &name, if_exists).await? {
                return Ok(());
            }
            let topic =
                CreatePartitionsTopic { name: Str::from(name), count: total, assignments: None };
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
        TopicCommand::Delete { name, if_exists } => {
            if must_exist(cluster, &name, if_exists).await? {
                delete(cluster, &name).await?;
            }
            Ok(())
        }
        TopicCommand::Trim { name, partition, before } => {
            trim(cluster, &name, partition, before).await
        }
    }
}

/// Creates a topic.
pub(crate) async fn create(
    cluster: &Cluster,
    name: &str,
    partitions: Option<i32>,
    replication_factor: Option<i16>,
    configs: &[(String, String)],
) -> Result<(), ClientError> {
    let configs = configs.iter().map(|(key, value)| CreatableTopicConfig {
        name: Str::from(key.as_str()),
        value: Some(Str::from(value.as_str())),
    });
    let topic = CreatableTopic {
        name: Str::from(name),
        num_partitions: partitions.unwrap_or(-1),
        replication_factor: replication_factor.unwrap_or(-1),
        configs: configs.collect(),
        ..CreatableTopic::default()
    };
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

async fn delete(cluster: &Cluster, name: &str) -> Result<(), ClientError> {
    // Versions from 6 on have one list, those before the other.
    let connection = {
        let metadata = cluster.metadata(Some(&[])).await?;
        cluster.broker(&metadata, metadata.controller_id).await?
    };
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

async fn list(cluster: &Cluster, selection: &Selection) -> anyhow::Result<()> {
    let response = cluster.metadata(None).await?;
    let topics = response.topics.iter().filter(|t| !(selection.exclude_internal && t.is_internal));
    let mut names: Vec<_> = topics
        .filter_map(|topic| topic.name.as_deref())
        .filter(|name| selection.topic.as_deref().is_none_or(|wanted| wanted == *name))
        .collect();
    names.sort_unstable();
    names.iter().for_each(|name| println!("{name}"));
    Ok(())
}

/// Whether the topic exists; it is an error that it does not unless `lenient`.
async fn must_exist(cluster: &Cluster, name: &str, lenient: bool) -> anyhow::Result<bool> {
    let response = cluster.metadata(Some(&[name])).await?;
    let unknown = |code| {
        matches!(code, ErrorCode::UnknownTopicOrPartition | ErrorCode::InvalidTopicException)
    };
    let missing = response.topics.iter().all(|topic| unknown(topic.error_code));
    if missing && !lenient {
        bail!("Topic '{name}' does not exist as expected");
    }
    Ok(!missing)
}

async fn trim(cluster: &Cluster, name: &str, only: Option<i32>, before: i64) -> anyhow::Result<()> {
    let (metadata, topic) = cluster.topic(name, false).await?;
    for partition in &topic.partitions {
        let index = partition.partition_index;
        if only.is_some_and(|only| only != index) {
            continue;
        }
        let wanted = DeleteRecordsPartition { partition_index: index, offset: before };
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic { name: Str::from(name), partitions: vec![wanted] }],
            timeout_ms: TIMEOUT_MS,
        };
        let leader = cluster.broker(&metadata, partition.leader_id).await?;
        let response = leader.call(&request).await?;
        for result in response.topics.iter().flat_map(|topic| &topic.partitions) {
            ClientError::check(result.error_code, None)?;
            println!("{name}-{index} now begins at offset {}", result.low_watermark);
        }
    }
    Ok(())
}

/// Kafka's metrics replace dots by underscores, so its tool warns of both.
fn warn_of_collisions(name: &str) {
    if name.contains(['.', '_']) {
        println!(
            "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both."
        );
    }
}
