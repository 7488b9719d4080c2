//! Long lists: what is asked for is looked up one by one and compared with each other by none, and
//! what is asked for again and again is answered once.

use barnabas_protocol::kafka::ErrorCode::*;
use barnabas_protocol::kafka::Records;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::describe_configs::DescribeConfigsResource;
use barnabas_protocol::kafka::messages::incremental_alter_configs::AlterConfigsResource;
use barnabas_protocol::kafka::messages::join_group::JoinGroupRequestProtocol;
use barnabas_protocol::kafka::messages::leave_group::MemberIdentity;
use barnabas_protocol::kafka::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use barnabas_protocol::kafka::messages::metadata::MetadataRequestTopic;
use barnabas_protocol::kafka::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas_protocol::kafka::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use barnabas_protocol::kafka::messages::*;
use bytes::Bytes;

use crate::neighbour::Neighbour;
use crate::target::{MIB, Target, produce};

/// Many names are looked up one by one, and compared with each other by none.
#[test]
fn many_names_in_any_order_are_answered() {
    let mut target = Target::start(&["auto.create.topics.enable=false"]);
    let neighbour = Neighbour::move_in(&target, 100);
    let names: Vec<Str> = (0..100_000).rev().map(|n| Str::from(format!("n{n}"))).collect();
    let topic = |name: &Str| MetadataRequestTopic {
        name: Some(name.clone()),
        ..MetadataRequestTopic::default()
    };
    let request = MetadataRequest {
        topics: Some(names.iter().map(topic).collect()),
        ..MetadataRequest::default()
    };
    let topics = target.ask(8, &request).topics;
    assert!(
        topics.len() == names.len()
            && topics.iter().all(|t| t.error_code == UnknownTopicOrPartition)
    );

    let mut request = produce("none", 0, 1, Bytes::new());
    let partition =
        |index| produce::PartitionProduceData { index, records: Some(Records::default()) };
    request.topic_data[0].partition_data = (0..200_000).rev().map(partition).collect();
    let results = &target.ask(9, &request).responses[0].partition_responses;
    assert!(
        results.len() == 200_000 && results.iter().all(|r| r.error_code == UnknownTopicOrPartition)
    );

    let twice = [&names[..50_000], &names[..50_000]].concat();
    let request = DeleteTopicsRequest {
        topic_names: twice,
        timeout_ms: 1000,
        ..DeleteTopicsRequest::default()
    };
    let results = target.ask(5, &request).responses;
    assert!(
        results.iter().all(|r| matches!(r.error_code, InvalidRequest | UnknownTopicOrPartition))
    );
    neighbour.move_out();
    target.is_well();
}

/// An answer does not grow with how often the same is asked.
#[test]
fn the_same_question_many_times_over_is_answered_in_bounded_memory() {
    let mut target = Target::start(&[]);
    let before = target.memory("VmHWM");
    let resource = DescribeConfigsResource {
        resource_type: 4,
        resource_name: "1".into(),
        configuration_keys: Option::None,
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource; 30_000],
        include_synonyms: true,
        include_documentation: true,
    };
    if target.is_ours() {
        assert_eq!(target.ask(4, &request).results.len(), 1);
        target.has_grown_less("VmHWM", before, 60 * MIB, "for the answer");
    }
    target.is_well();
}

/// As the first, for what is refused in other ways.
#[test]
fn long_lists_of_anything_are_answered() {
    let mut target = Target::start(&[]);
    target.wait_for_groups();
    target.create_topic("long", &[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let partition = |partition_index| ListOffsetsPartition {
        partition_index,
        timestamp: -1,
        ..ListOffsetsPartition::default()
    };
    let partitions = (0..300_000).chain(0..100).rev().map(partition).collect();
    let topics = vec![ListOffsetsTopic { name: "long".into(), partitions }];
    let request = ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
    let answers = target.ask(7, &request).topics.remove(0).partitions;
    let twice = answers.iter().filter(|answer| answer.error_code == InvalidRequest).count();
    let unknown = answers.iter().filter(|a| a.error_code == UnknownTopicOrPartition).count();
    assert_eq!((twice, unknown, answers.len()), (100, 299_900, 300_000));

    let resource = |n: usize| AlterConfigsResource {
        resource_type: 2,
        resource_name: Str::from(format!("n{n}")),
        configs: Vec::new(),
    };
    let resources = (0..200_000).map(resource).collect();
    let request = IncrementalAlterConfigsRequest { resources, validate_only: false };
    let answers = target.ask(1, &request).responses;
    assert_eq!(answers.len(), 200_000);
    assert!(answers.iter().all(|answer| answer.error_code == UnknownTopicOrPartition));

    let member = |n: usize| MemberIdentity {
        member_id: Str::from(format!("m{n}")),
        ..MemberIdentity::default()
    };
    let members = (0..200_000).map(member).collect();
    let request = LeaveGroupRequest { group_id: "g".into(), members, ..Default::default() };
    let answers = target.ask(3, &request).members;
    assert_eq!(answers.len(), 200_000);
    assert!(answers.iter().all(|answer| answer.error_code == UnknownMemberId));
    neighbour.move_out();
    target.is_well();
}

/// As above, where a group has much to say: its members, and the metadata of its offsets.
#[test]
fn the_same_group_many_times_over_is_answered_once() {
    let mut target = Target::start(&["group.initial.rebalance.delay.ms=0"]);
    if !target.is_ours() {
        return;
    }
    target.wait_for_groups();
    target.create_topic("said", &[]);
    let mut client = target.connect();
    let protocol = JoinGroupRequestProtocol { name: "p".into(), metadata: vec![7; MIB / 2].into() };
    let join = JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 300_000,
        rebalance_timeout_ms: 300_000,
        protocol_type: "other".into(),
        protocols: vec![protocol],
        ..JoinGroupRequest::default()
    };
    let joined = client.ask(3, &join);
    let mut commit = commit("said", &"m".repeat(4000));
    (commit.group_id, commit.member_id) = ("g".into(), joined.member_id.clone());
    commit.generation_id_or_member_epoch = joined.generation_id;
    let sync = SyncGroupRequest {
        group_id: "g".into(),
        generation_id: joined.generation_id,
        member_id: joined.member_id,
        ..SyncGroupRequest::default()
    };
    assert_eq!(client.ask(3, &sync).error_code, None);
    assert_eq!(client.ask(7, &commit).topics[0].partitions[0].error_code, None);
    let before = target.memory("VmHWM");

    let request = DescribeGroupsRequest { groups: vec!["g".into(); 100_000], ..Default::default() };
    assert_eq!(client.ask(5, &request).groups.len(), 1);
    let partitions =
        OffsetFetchRequestTopics { name: "said".into(), partition_indexes: vec![0; 100_000] };
    let group = OffsetFetchRequestGroup {
        group_id: "g".into(),
        topics: Some(vec![partitions]),
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest { groups: vec![group; 2], ..Default::default() };
    let groups = client.ask(8, &request).groups;
    assert_eq!((groups.len(), groups[0].topics[0].partitions.len()), (1, 1));
    target.has_grown_less("VmHWM", before, 60 * MIB, "for the answer");
    target.is_well();
}

/// A commit for the first partition of a topic.
fn commit(topic: &str, metadata: &str) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        committed_offset: 1,
        committed_metadata: Some(metadata.into()),
        ..OffsetCommitRequestPartition::default()
    };
    let topic = OffsetCommitRequestTopic { name: topic.into(), partitions: vec![partition] };
    OffsetCommitRequest { topics: vec![topic], ..OffsetCommitRequest::default() }
}
