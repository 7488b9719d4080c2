//! What the commands ask about groups and do to them.

use std::collections::{BTreeMap, BTreeSet};

use barnabas_client::group::wire::Assignment;
use barnabas_client::{Address, ByPartition, ClientError, Cluster, PartitionSet, offsets};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_groups::DescribedGroup;
use barnabas_protocol::kafka::messages::list_groups::ListedGroup;
use barnabas_protocol::kafka::messages::offset_delete::{
    OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use barnabas_protocol::kafka::messages::{
    DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest, OffsetDeleteRequest,
};

/// All groups of consumers, sorted, with their states. Every broker knows those that it
/// coordinates.
pub(super) async fn list(cluster: &Cluster) -> Result<Vec<ListedGroup>, ClientError> {
    let brokers = cluster.retry(async || cluster.metadata(Some(&[])).await).await?.brokers;
    let mut groups = BTreeMap::new();
    for broker in brokers {
        let listed = cluster.retry(async || {
            let request = ListGroupsRequest::default();
            let response = cluster.ask_broker(broker.node_id, &request).await?;
            ClientError::check(response.error_code, None).map(|()| response.groups)
        });
        for group in listed.await? {
            // A group without members has no protocol any more, or has had none.
            if group.protocol_type == "consumer" || group.protocol_type.is_empty() {
                groups.insert(group.group_id.clone(), group);
            }
        }
    }
    Ok(groups.into_values().collect())
}

pub(super) async fn list_ids(cluster: &Cluster) -> Result<Vec<String>, ClientError> {
    Ok(list(cluster).await?.iter().map(|group| group.group_id.to_string()).collect())
}

/// A group, its members and where its coordinator is.
pub(super) struct Described {
    pub(super) group: String,
    /// Kafka's name of it, such as `Stable`; none if there is no such group.
    pub(super) state: Option<String>,
    pub(super) assignor: String,
    pub(super) members: Vec<GroupMember>,
    pub(super) coordinator: (i32, Address),
}

pub(super) struct GroupMember {
    pub(super) id: String,
    pub(super) instance_id: Option<String>,
    pub(super) client_id: String,
    pub(super) host: String,
    pub(super) partitions: PartitionSet,
}

impl Described {
    /// Whether offsets may be changed: nobody is in the group.
    pub(super) fn is_inactive(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "Empty")
    }

    pub(super) fn state_name(&self) -> &str {
        self.state.as_deref().unwrap_or("Dead")
    }
}

pub(super) async fn describe(cluster: &Cluster, group: &str) -> Result<Described, ClientError> {
    cluster
        .retry(async || {
            let coordinator = cluster.coordinator_of(group).await?;
            let request = DescribeGroupsRequest {
                groups: vec![Str::from(group)],
                ..DescribeGroupsRequest::default()
            };
            let answer = coordinator.call(&request).await?.groups.into_iter().next();
            let answer = answer.unwrap_or_default();
            if answer.error_code != ErrorCode::GroupIdNotFound {
                ClientError::check(answer.error_code, answer.error_message.as_deref())?;
            }
            let brokers = cluster.metadata(Some(&[])).await?.brokers;
            let address = coordinator.address().clone();
            let here = brokers
                .iter()
                .find(|b| *b.host == *address.host && u16::try_from(b.port) == Ok(address.port));
            let id = here.map_or(-1, |broker| broker.node_id);
            Ok(described(group, &answer, (id, address)))
        })
        .await
}

fn described(group: &str, answer: &DescribedGroup, coordinator: (i32, Address)) -> Described {
    let gone = answer.error_code == ErrorCode::GroupIdNotFound || &*answer.group_state == "Dead";
    let members = answer.members.iter().map(|member| GroupMember {
        id: member.member_id.to_string(),
        instance_id: member.group_instance_id.as_ref().map(|id| id.to_string()),
        client_id: member.client_id.to_string(),
        host: member.client_host.to_string(),
        partitions: Assignment::decode(member.member_assignment.clone())
            .map(|assignment| assignment.partitions)
            .unwrap_or_default(),
    });
    Described {
        group: group.to_owned(),
        state: (!gone).then(|| answer.group_state.to_string()),
        assignor: answer.protocol_data.to_string(),
        members: members.collect(),
        coordinator,
    }
}

/// Deletes a group with all its offsets.
pub(super) async fn delete(cluster: &Cluster, group: &str) -> Result<(), ClientError> {
    let request = DeleteGroupsRequest { groups_names: vec![Str::from(group)] };
    cluster
        .retry(async || {
            let response = cluster.coordinator_of(group).await?.call(&request).await?;
            let mut results = response.results.iter();
            results.try_for_each(|result| ClientError::check(result.error_code, None))
        })
        .await
}

/// Deletes committed offsets; each partition has a result of its own.
pub(super) async fn delete_offsets(
    cluster: &Cluster,
    group: &str,
    partitions: &PartitionSet,
) -> Result<ByPartition<ErrorCode>, ClientError> {
    let topics = partitions.topics().map(|(name, indexes)| OffsetDeleteRequestTopic {
        name: name.clone(),
        partitions: indexes
            .keys()
            .map(|index| OffsetDeleteRequestPartition { partition_index: *index })
            .collect(),
    });
    let request = OffsetDeleteRequest { group_id: Str::from(group), topics: topics.collect() };
    cluster
        .retry(async || {
            let response = cluster.coordinator_of(group).await?.call(&request).await?;
            ClientError::check(response.error_code, None)?;
            let topics = response.topics.iter();
            Ok(topics
                .flat_map(|topic| {
                    let partitions = topic.partitions.iter();
                    partitions.map(|one| (topic.name.detach(), one.partition_index, one.error_code))
                })
                .collect())
        })
        .await
}

/// The partitions of topics that exist; the names of those that do not.
pub(super) async fn partitions_of(
    cluster: &Cluster,
    topics: &BTreeSet<String>,
) -> Result<(PartitionSet, Vec<String>), ClientError> {
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let (mut found, mut missing) = (PartitionSet::default(), Vec::new());
    if names.is_empty() {
        return Ok((found, missing));
    }
    for topic in cluster.retry(async || cluster.metadata(Some(&names)).await).await?.topics {
        let name = topic.name.map(|name| name.detach()).unwrap_or_default();
        match topic.error_code {
            ErrorCode::None => found
                .extend(topic.partitions.iter().map(|one| (name.clone(), one.partition_index, ()))),
            _ => missing.push(name.to_string()),
        }
    }
    Ok((found, missing))
}

/// The offset that each partition has for its timestamp; none where it has no leader or is not
/// there.
pub(super) async fn log_offsets(
    cluster: &Cluster,
    partitions: &PartitionSet,
    timestamp: i64,
) -> Result<ByPartition<i64>, ClientError> {
    let wanted = partitions.iter().map(|(topic, index, ())| (topic.clone(), index, timestamp));
    let found = offsets::list_offsets(cluster, &wanted.collect(), false).await?;
    let known = found.iter().filter_map(|(topic, index, offset)| {
        offset.ok().map(|offset| (topic.clone(), index, offset))
    });
    Ok(known.collect())
}
