//! Prints topics as Kafka's tool does, tab-separated, or as JSON.

use std::collections::HashMap;
use std::io;

use anyhow::bail;
use barnabas_client::{ClientError, Cluster};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::describe_configs::DescribeConfigsResource;
use barnabas_protocol::kafka::messages::metadata::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use barnabas_protocol::kafka::messages::{DescribeConfigsRequest, DescribeTopicPartitionsRequest};
use barnabas_protocol::state::ids::TopicId;
use serde_json::json;

use super::pattern::{self, name_of};
use super::{Health, Selection};
use crate::output::{self, Format};

/// Numbers of DescribeConfigs: the resource type of topics, and the source of a topic's own
/// settings.
const TOPIC: i8 = 2;
const SET_FOR_TOPIC: i8 = 1;

#[derive(Default)]
struct Settings {
    /// Keys and values that were set for this topic.
    own: Vec<(String, String)>,
    min_isr: usize,
}

/// Settings by topic name.
type Overrides = HashMap<String, Settings>;
/// Eligible leader replicas, by topic and partition.
type Elr = HashMap<(String, i32), String>;

/// Prints the selected topics. If a named one does not exist, that is an error unless `if_exists`.
pub(super) async fn describe(
    cluster: &Cluster,
    selection: &Selection,
    format: Format,
    if_exists: bool,
) -> anyhow::Result<()> {
    let mut topics = match &selection.topic {
        Some(name) => pattern::existing(cluster, name, if_exists).await?,
        None => pattern::topics(cluster, None).await?,
    };
    topics.retain(|topic| topic.error_code == Default::default());
    topics.retain(|topic| !(selection.exclude_internal && topic.is_internal));
    if let Some(id) = &selection.topic_id {
        topics.retain(|topic| TopicId(topic.topic_id).to_kafka_string() == *id);
        if topics.is_empty() && !if_exists {
            bail!("TopicId '{id}' does not exist as expected");
        }
    }
    let settings = overrides(cluster, &topics).await?;
    let elr = eligible(cluster, &topics).await;
    let none = Settings::default();
    let of = |topic: &MetadataResponseTopic| settings.get(name_of(topic)).unwrap_or(&none);
    topics.retain(|topic| !(selection.with_overrides && of(topic).own.is_empty()));
    match format {
        Format::Table => {
            topics.iter().try_for_each(|topic| print(topic, of(topic), selection, &elr))?;
        }
        Format::Json => {
            let described = topics.iter().map(|topic| to_json(topic, &of(topic).own));
            output::json(&described.collect::<Vec<_>>().into())?;
        }
    }
    Ok(())
}

async fn overrides(
    cluster: &Cluster,
    topics: &[MetadataResponseTopic],
) -> Result<Overrides, ClientError> {
    let resources = topics.iter().map(|topic| DescribeConfigsResource {
        resource_type: TOPIC,
        resource_name: topic.name.clone().unwrap_or_default(),
        ..DescribeConfigsResource::default()
    });
    let request = DescribeConfigsRequest {
        resources: resources.collect(),
        ..DescribeConfigsRequest::default()
    };
    let response = cluster.ask(&request).await?;
    let described = response.results.into_iter().map(|result| {
        let mut settings = Settings::default();
        for config in result.configs {
            let (key, value) = (config.name.to_string(), config.value.unwrap_or_default());
            if key == "min.insync.replicas" {
                settings.min_isr = value.parse().unwrap_or_default();
            }
            if config.config_source == SET_FOR_TOPIC {
                settings.own.push((key, value.to_string()));
            }
        }
        (result.resource_name.to_string(), settings)
    });
    Ok(described.collect())
}

/// The eligible leader replicas; none if the broker is too old to have the API.
async fn eligible(cluster: &Cluster, topics: &[MetadataResponseTopic]) -> Elr {
    use barnabas_protocol::kafka::messages::describe_topic_partitions::TopicRequest;
    let names = topics.iter().filter_map(|topic| topic.name.clone());
    let mut request = DescribeTopicPartitionsRequest {
        topics: names.map(|name| TopicRequest { name }).collect(),
        ..DescribeTopicPartitionsRequest::default()
    };
    let mut found = Elr::new();
    while let Ok(page) = cluster.ask(&request).await {
        for topic in &page.topics {
            let name = topic.name.as_ref().map_or("", Str::as_str);
            for partition in &topic.partitions {
                let replicas = partition.eligible_leader_replicas.as_deref().unwrap_or_default();
                found.insert((name.to_owned(), partition.partition_index), joined(replicas));
            }
        }
        if page.next_cursor.is_none() {
            break;
        }
        request.cursor = page.next_cursor;
    }
    found
}

fn print(
    topic: &MetadataResponseTopic,
    settings: &Settings,
    selection: &Selection,
    elr: &Elr,
) -> io::Result<()> {
    let name = name_of(topic);
    if selection.only.is_none() {
        let replicas = topic.partitions.first().map_or(0, |p| p.replica_nodes.len());
        let configs = settings.own.iter().map(|(key, value)| format!("{key}={value}"));
        let configs = configs.collect::<Vec<_>>().join(",");
        output::line(format_args!(
            "Topic: {name}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {replicas}\tConfigs: {configs}",
            TopicId(topic.topic_id).to_kafka_string(),
            topic.partitions.len(),
        ))?;
    }
    if selection.with_overrides {
        return Ok(());
    }
    let mut partitions: Vec<_> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    let selected = |p: &&&_| selection.only.is_none_or(|health| has(p, health, settings.min_isr));
    for partition in partitions.iter().filter(selected) {
        let index = partition.partition_index;
        let leader = match partition.leader_id {
            -1 => "none".to_owned(),
            id => id.to_string(),
        };
        let eligible = elr.get(&(name.to_owned(), index)).map_or("N/A", String::as_str);
        let last_known = if eligible == "N/A" { "N/A" } else { "" };
        output::line(format_args!(
            "\tTopic: {name}\tPartition: {index}\tLeader: {leader}\tReplicas: {}\tIsr: {}\tElr: {eligible}\tLastKnownElr: {last_known}",
            joined(&partition.replica_nodes),
            joined(&partition.isr_nodes),
        ))?;
    }
    Ok(())
}

fn has(partition: &MetadataResponsePartition, health: Health, min_isr: usize) -> bool {
    let (replicas, in_sync) = (partition.replica_nodes.len(), partition.isr_nodes.len());
    match health {
        Health::UnderReplicated => in_sync < replicas,
        Health::UnderMinIsr => in_sync < min_isr,
        Health::AtMinIsr => in_sync == min_isr,
        Health::Unavailable => partition.leader_id == -1,
    }
}

fn to_json(topic: &MetadataResponseTopic, configs: &[(String, String)]) -> serde_json::Value {
    let partitions = topic.partitions.iter().map(|partition| {
        json!({
            "partition": partition.partition_index,
            "leader": partition.leader_id,
            "leader_epoch": partition.leader_epoch,
            "replicas": partition.replica_nodes,
            "isr": partition.isr_nodes,
            "offline_replicas": partition.offline_replicas,
        })
    });
    json!({
        "topic": topic.name.as_deref(),
        "topic_id": TopicId(topic.topic_id).to_kafka_string(),
        "internal": topic.is_internal,
        "configs": configs.iter().cloned().collect::<HashMap<_, _>>(),
        "partitions": partitions.collect::<Vec<_>>(),
    })
}

fn joined(ids: &[i32]) -> String {
    ids.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}
