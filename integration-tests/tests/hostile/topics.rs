//! Topics that are too many, too large or badly named.

use barnabas_protocol::kafka::ErrorCode::*;
use barnabas_protocol::kafka::messages::create_partitions::CreatePartitionsTopic;
use barnabas_protocol::kafka::messages::create_topics::{
    CreatableReplicaAssignment, CreatableTopic,
};
use barnabas_protocol::kafka::messages::metadata::MetadataRequestTopic;
use barnabas_protocol::kafka::messages::*;

use crate::neighbour::Neighbour;
use crate::raw::Raw;
use crate::target::Target;

#[test]
fn topic_names_that_are_none_are_refused() {
    let mut target = Target::start(&[]);
    let long = "x".repeat(250);
    let names = [
        "",
        ".",
        "..",
        "/",
        "a/b",
        "../../etc/passwd",
        "a b",
        "a\0b",
        "größe",
        "a\u{202e}b",
        &long,
        "a\nb",
    ];
    let create = |name: &str, partitions, factor| {
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions: partitions,
            replication_factor: factor,
            ..CreatableTopic::default()
        };
        let request = CreateTopicsRequest {
            topics: vec![topic],
            timeout_ms: 10_000,
            ..CreateTopicsRequest::default()
        };
        target.ask(7, &request).topics[0].error_code
    };
    for name in names {
        assert_eq!(create(name, 1, 1), InvalidTopicException, "{name:?}");
        let topic =
            MetadataRequestTopic { name: Some(name.into()), ..MetadataRequestTopic::default() };
        let request = MetadataRequest { topics: Some(vec![topic]), ..MetadataRequest::default() };
        assert_eq!(target.ask(8, &request).topics[0].error_code, InvalidTopicException, "{name:?}");
    }
    for partitions in [0, -2, i32::MIN] {
        assert_eq!(create("t", partitions, 1), InvalidPartitions, "{partitions}");
    }
    for partitions in [1_000_000, i32::MAX] {
        let code = create("t", partitions, 1);
        assert!(matches!(code, PolicyViolation | InvalidPartitions), "{partitions}: {code:?}");
    }
    for factor in [0, -2, 2, i16::MAX, i16::MIN] {
        assert_eq!(create("t", 1, factor), InvalidReplicationFactor, "{factor}");
    }
    assert_eq!(create("x".repeat(249).as_str(), 1, 1), None);
    target.is_well();
}

/// The one that comes second finds that the topic exists, and has to wait until the broker serves
/// it as well.
#[test]
fn connections_that_want_the_same_new_topic_at_once_all_get_it() {
    let mut target = Target::start(&[]);
    if !target.is_ours() {
        return; // Kafka makes all of them ask again.
    }
    let mut connections: Vec<_> = (0..3).map(|_| target.connect()).collect();
    for number in 0..50 {
        let name = format!("wanted-{number}");
        let topic = MetadataRequestTopic {
            name: Some(name.as_str().into()),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: Some(vec![topic]),
            allow_auto_topic_creation: true,
            ..MetadataRequest::default()
        };
        let together = std::sync::Barrier::new(connections.len());
        let ask = |connection: &mut Raw| {
            together.wait();
            connection.ask(12, &request).topics.remove(0)
        };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> =
                connections.iter_mut().map(|connection| scope.spawn(|| ask(connection))).collect();
            asking.into_iter().map(|answer| answer.join().expect("an answer")).collect()
        });
        for answer in answers {
            assert_eq!((answer.error_code, answer.partitions.len()), (None, 1), "{name}");
        }
    }
    target.is_well();
}

fn new_topic(name: &str, num_partitions: i32) -> CreatableTopic {
    CreatableTopic {
        name: name.into(),
        num_partitions,
        replication_factor: 1,
        ..CreatableTopic::default()
    }
}

fn create_all(topics: Vec<CreatableTopic>) -> CreateTopicsRequest {
    CreateTopicsRequest { topics, timeout_ms: 20_000, ..CreateTopicsRequest::default() }
}

/// The names of all topics.
fn names(target: &Target) -> Vec<String> {
    let all = MetadataRequest { topics: Option::None, ..MetadataRequest::default() };
    let topics = target.ask(8, &all).topics;
    topics.into_iter().filter_map(|topic| Some(topic.name?.to_string())).collect()
}

/// A million partitions, in a topic, over many topics, and by hand: none of them is created, and
/// who asks for a few afterwards gets them.
#[test]
fn a_million_partitions_in_one_request_are_refused() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let one = create_all(vec![new_topic("huge", 1_000_000)]);
    let many = create_all((0..100).map(|n| new_topic(&format!("many-{n}"), 10_000)).collect());
    let each = create_all((0..100_000).map(|n| new_topic(&format!("each-{n}"), 1)).collect());
    let by_default = create_all((0..100_000).map(|n| new_topic(&format!("def-{n}"), -1)).collect());
    for (what, request) in [("one", one), ("many", many), ("each", each), ("default", by_default)] {
        let answers = target.ask(7, &request).topics;
        assert_eq!(answers.len(), request.topics.len(), "{what}");
        assert!(answers.iter().all(|topic| topic.error_code == PolicyViolation), "{what}");
    }
    let assignment =
        |partition_index| CreatableReplicaAssignment { partition_index, broker_ids: vec![1] };
    let by_hand = CreatableTopic {
        replication_factor: -1,
        assignments: (0..1_000_000).map(assignment).collect(),
        ..new_topic("by-hand", -1)
    };
    let answer = target.ask(7, &create_all(vec![by_hand])).topics[0].error_code;
    assert!(matches!(answer, PolicyViolation | InvalidPartitions), "{answer:?}");
    let unnamed =
        create_all((0..100_000).map(|n| new_topic(&format!("un_named-{n}"), 0)).collect());
    let answers = target.ask(7, &unnamed).topics;
    assert!(answers.iter().all(|t| matches!(t.error_code, PolicyViolation | InvalidPartitions)));
    assert!(!names(&target).iter().any(|name| name != "neighbour" && !name.starts_with("__")));
    let few = create_all(vec![new_topic("few", 3)]);
    assert_eq!(target.ask(7, &few).topics[0].error_code, None);
    neighbour.move_out();
    target.is_well();
}

/// The same for a topic that is there.
#[test]
fn a_million_more_partitions_are_refused() {
    let mut target = Target::start(&[]);
    if !target.is_ours() {
        return;
    }
    let request = create_all(vec![new_topic("grows", 1)]);
    assert_eq!(target.ask(7, &request).topics[0].error_code, None);
    let to = |count, validate_only| {
        let topic =
            CreatePartitionsTopic { name: "grows".into(), count, assignments: Option::None };
        let topics = vec![topic];
        let request = CreatePartitionsRequest { topics, timeout_ms: 60_000, validate_only };
        target.ask(3, &request).results[0].error_code
    };
    for count in [20_000, 1_000_000, i32::MAX] {
        assert_eq!(to(count, false), PolicyViolation, "{count}");
    }
    for count in [0, 1, -1, i32::MIN] {
        assert_eq!(to(count, false), InvalidPartitions, "{count}");
    }
    assert_eq!(to(2, false), None);
    target.is_well();
}
