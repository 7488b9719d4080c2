//! Prints topics as Kafka's tool does, tab-separated, or as JSON.

use std::collections::HashMap;

use anyhow::bail;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::describe_configs::DescribeConfigsResource;
use barnabas_protocol::kafka::messages::metadata::{
    MetadataResponsePartition, MetadataResponseTopic,
};
use barnabas_protocol::kafka::messages::{DescribeConfigsRequest, DescribeTopicPartitionsRequest};
use barnabas_protocol::state::ids::TopicId;
use serde_json::json;

use super::Selection;
use crate::client::{ClientError, Cluster};

/// DescribeConfigs: a topic, and a value that was set for it.
const TOPIC: i8 = 2;
const SET_FOR_TOPIC: i8 = 1;

/// A topic's own settings, as `key=value`.
type Overrides = HashMap<String, Vec<(String, String)>>;
/// Eligible leader replicas, by topic and partition.
type Elr = HashMap<(String, i32), String>;

/// Prints the selected topics.
pub(super) async fn describe(
    cluster: &Cluster,
    selection: &Selection,
    as_json: bool,
) -> anyhow::Result<()> {
    let wanted = selection.topic.as_deref().map(|name| [name]);
    let response = cluster.metadata(wanted.as_ref().map(|names| &names[..])).await?;
    let mut topics: Vec<_> = response
        .topics
        .into_iter()
        .filter(|topic| topic.error_code == Default::default())
        .filter(|topic| !(selection.exclude_internal && topic.is_internal))
        .collect();
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    if let (Some(name), true) = (&selection.topic, topics.is_empty()) {
        bail!("Topic '{name}' does not exist as expected");
    }
    let overrides = overrides(cluster, &topics).await?;
    let elr = eligible(cluster, &topics).await;
    for topic in &topics {
        let name = topic.name.as_deref().unwrap_or_default();
        let configs = overrides.get(name).map(Vec::as_slice).unwrap_or_default();
        if as_json {
            println!("{}", to_json(topic, configs));
        } else if !(selection.with_overrides && configs.is_empty()) {
            print(topic, configs, selection, &elr);
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
        let own = result.configs.into_iter().filter(|c| c.config_source == SET_FOR_TOPIC);
        let values = own.map(|c| (c.name.to_string(), c.value.unwrap_or_default().to_string()));
        (result.resource_name.to_string(), values.collect())
    });
    Ok(described.collect())
}

/// Older brokers do not have the API; then nothing is known of eligible leaders.
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
    configs: &[(String, String)],
    selection: &Selection,
    elr: &Elr,
) {
    let name = topic.name.as_deref().unwrap_or_default();
    let partial = selection.under_replicated || selection.unavailable;
    if !partial {
        let replicas = topic.partitions.first().map_or(0, |p| p.replica_nodes.len());
        let configs: Vec<_> = configs.iter().map(|(key, value)| format!("{key}={value}")).collect();
        println!(
            "Topic: {name}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {replicas}\tConfigs: {}",
            TopicId(topic.topic_id).to_kafka_string(),
            topic.partitions.len(),
            configs.join(",")
        );
    }
    if selection.with_overrides {
        return;
    }
    let mut partitions: Vec<_> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    for partition in partitions.into_iter().filter(|p| selected(p, selection)) {
        let index = partition.partition_index;
        let leader = match partition.leader_id {
            -1 => "none".to_owned(),
            id => id.to_string(),
        };
        let eligible = elr.get(&(name.to_owned(), index)).map_or("N/A", String::as_str);
        let last_known = if eligible == "N/A" { "N/A" } else { "" };
        println!(
            "\tTopic: {name}\tPartition: {index}\tLeader: {leader}\tReplicas: {}\tIsr: {}\tElr: {eligible}\tLastKnownElr: {last_known}",
            joined(&partition.replica_nodes),
            joined(&partition.isr_nodes),
        );
    }
}

fn selected(partition: &MetadataResponsePartition, selection: &Selection) -> bool {
    let under_replicated = partition.isr_nodes.len() < partition.replica_nodes.len();
    (!selection.under_replicated || under_replicated)
        && (!selection.unavailable || partition.leader_id == -1)
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
