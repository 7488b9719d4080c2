//! DescribeQuorum (versions 0 to 2): who keeps the metadata of the cluster. In Kafka that is a
//! quorum of controllers; here it is etcd, and one of the brokers is the controller.
//!
//! The controller is told as the leader, with its term as the epoch and etcd's revision as the high
//! watermark. The members of etcd are told as voters beside it; their ids are the lower 31 bits of
//! etcd's.

use barnabas_coordinator_client::{Error, Member};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, Listener, Node, PartitionData, ReplicaState,
    TopicData, TopicRequest,
};
use barnabas_protocol::state::ids::BrokerId;
use uuid::Uuid;

use crate::api::context::RequestContext;
use crate::broker::Quorum;
use crate::env;
use crate::metadata::{Image, Revision};

/// The topic and the partition that stand for the metadata.
const METADATA: (&str, i32) = ("__cluster_metadata", 0);
/// The first version that has directories and addresses.
const NODES: i16 = 2;
/// The name under which the addresses of etcd's members are told.
const ETCD_LISTENER: &str = "ETCD";

pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    if !asks_for_metadata(&request.topics) {
        let topics = request.topics.into_iter().map(unknown).collect();
        return answer(topics, Vec::new());
    }
    let image = context.broker().image();
    let quorum = match context.broker().quorum().await {
        Ok(quorum) => quorum,
        Err(error) => return answer(vec![topic(failed(&error))], Vec::new()),
    };
    let mut partition = described(image.revision, &quorum, env::wall_clock_ms());
    if context.version < NODES {
        let replicas = partition.current_voters.iter_mut().chain(&mut partition.observers);
        replicas.for_each(|replica| replica.replica_directory_id = Uuid::nil());
        return answer(vec![topic(partition)], Vec::new());
    }
    answer(vec![topic(partition)], nodes(&image, &quorum))
}

/// Kafka answers a request for anything besides the one partition with an error for everything.
fn asks_for_metadata(topics: &[TopicRequest]) -> bool {
    let [topic] = topics else { return false };
    let [partition] = &topic.partitions[..] else { return false };
    (topic.topic_name.as_str(), partition.partition_index) == METADATA
}

fn answer(topics: Vec<TopicData>, nodes: Vec<Node>) -> DescribeQuorumResponse {
    DescribeQuorumResponse { topics, nodes, ..DescribeQuorumResponse::default() }
}

fn topic(partition: PartitionData) -> TopicData {
    TopicData { topic_name: Str::from_static(METADATA.0), partitions: vec![partition] }
}

fn unknown(topic: TopicRequest) -> TopicData {
    let error_code = ErrorCode::UnknownTopicOrPartition;
    let partitions = topic.partitions.iter().map(|partition| PartitionData {
        partition_index: partition.partition_index,
        error_code,
        error_message: Some(error_code.message().into()),
        ..PartitionData::default()
    });
    TopicData { topic_name: topic.topic_name, partitions: partitions.collect() }
}

fn failed(error: &Error) -> PartitionData {
    PartitionData {
        error_code: ErrorCode::BrokerNotAvailable,
        error_message: Some(error.to_string().into()),
        leader_id: -1,
        ..PartitionData::default()
    }
}

fn described(revision: Revision, quorum: &Quorum, now_ms: i64) -> PartitionData {
    let replica = |replica_id, replica_directory_id| ReplicaState {
        replica_id,
        replica_directory_id,
        log_end_offset: revision.0,
        last_fetch_timestamp: now_ms,
        last_caught_up_timestamp: now_ms,
    };
    let member = |member: &Member| replica(node_id(member), directory_id(member));
    let controller = quorum.controller.map(|id| replica(id.0, Uuid::nil()));
    let (learners, voters): (Vec<_>, Vec<_>) =
        quorum.members.iter().partition(|member| member.learner);
    PartitionData {
        leader_id: quorum.controller.map_or(-1, |id| id.0),
        leader_epoch: quorum.term,
        high_watermark: revision.0,
        current_voters: controller.into_iter().chain(voters.into_iter().map(member)).collect(),
        observers: learners.into_iter().map(member).collect(),
        ..PartitionData::default()
    }
}

fn nodes(image: &Image, quorum: &Quorum) -> Vec<Node> {
    let of_broker = |id: BrokerId| {
        let endpoints = image.brokers.get(&id)?.endpoints.iter();
        let listeners = endpoints.map(|endpoint| Listener {
            name: Str::from(&*endpoint.listener),
            host: Str::from(&*endpoint.host),
            port: endpoint.port,
        });
        Some(Node { node_id: id.0, listeners: listeners.collect() })
    };
    let of_member = |member: &Member| Node {
        node_id: node_id(member),
        listeners: member.client_urls.iter().filter_map(|url| listener(url)).collect(),
    };
    let controller = quorum.controller.and_then(of_broker);
    controller.into_iter().chain(quorum.members.iter().map(of_member)).collect()
}

fn node_id(member: &Member) -> i32 {
    (member.id & 0x7fff_ffff) as i32
}

/// The whole of etcd's id, for those who look for it.
fn directory_id(member: &Member) -> Uuid {
    Uuid::from_u64_pair(0, member.id)
}

/// The host and port of a URL such as `http://10.0.0.1:2379`.
fn listener(url: &str) -> Option<Listener> {
    let (_, address) = url.split_once("://")?;
    let (host, port) = address.trim_end_matches('/').rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Some(Listener { name: ETCD_LISTENER.into(), host: host.into(), port: port.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(id: u64, learner: bool) -> Member {
        Member { id, client_urls: vec!["http://[::1]:2379".to_owned()], learner }
    }

    #[test]
    fn the_controller_leads_and_the_members_vote() {
        let members = vec![member(0x8e9e_05c5_2164_694d, false), member(7, true)];
        let quorum = Quorum { controller: Some(BrokerId(3)), term: 4, members };
        let told = described(Revision(90), &quorum, 1000);
        assert_eq!((told.leader_id, told.leader_epoch, told.high_watermark), (3, 4, 90));
        let ids = |replicas: &[ReplicaState]| {
            replicas.iter().map(|r| (r.replica_id, r.log_end_offset)).collect::<Vec<_>>()
        };
        assert_eq!(ids(&told.current_voters), [(3, 90), (0x2164_694d, 90)]);
        assert_eq!(ids(&told.observers), [(7, 90)]);
        let image = Image::default().with_broker(3, 5);
        let nodes = nodes(&image, &quorum);
        assert_eq!(nodes.iter().map(|node| node.node_id).collect::<Vec<_>>(), [3, 0x2164_694d, 7]);
        let listener = &nodes[1].listeners[0];
        assert_eq!((&*listener.host, listener.port), ("::1", 2379));
    }
}
