//! Topics, partitions and configs: what Kafka 4.3 answers, word by word, and what is written.

use std::sync::Arc;

use super::*;
use crate::controller::error::{
    AlterConfigError, CreatePartitionsError, CreateTopicError, DeleteTopicError,
};
use crate::controller::plan::topic::{CreateRules, CreateSeed, too_many_partitions};
use crate::controller::request::{
    ConfigChange, ConfigOp, CreatedTopic, DeletedTopic, NewPartitions, NewTopic, TopicRef,
};
use crate::metadata::{ConfigImage, TopicRemains};

fn new_topic(name: &str, num_partitions: i32, replication_factor: i16) -> NewTopic {
    NewTopic { name: name.to_owned(), num_partitions, replication_factor, ..NewTopic::default() }
}

fn assigned(assignments: &[(i32, &[i32])]) -> NewTopic {
    let assignments = assignments.iter().map(|(index, ids)| (PartitionIndex(*index), brokers(ids)));
    NewTopic { assignments: assignments.collect(), ..new_topic("t", -1, -1) }
}

fn create(view: &Image, topic: &NewTopic) -> Result<(CreatedTopic, ChangeSet), CreateTopicError> {
    let refuse = |configs: &BTreeMap<String, String>| match configs.get("bad") {
        Some(value) => Err(format!("refused: {value}")),
        None => Ok(()),
    };
    let validate_configs = &refuse;
    let rules =
        CreateRules { num_partitions: 2, replication_factor: 1, min_isr: 1, validate_configs };
    topic::create(view, topic, &rules, CreateSeed { id: id(9), start: 1 })
}

fn refused(view: &Image, topic: &NewTopic) -> CreateTopicError {
    create(view, topic).expect_err("it is refused")
}

#[test]
fn a_topic_is_its_states_its_config_and_its_key_last() {
    let mut topic = new_topic("t", 3, 2);
    topic.configs = vec![
        ("retention.ms".to_owned(), Some("1".to_owned())),
        ("retention.ms".to_owned(), Some("2".to_owned())),
    ];
    let (created, set) = create(&three_brokers(), &topic).unwrap();
    let replicas = [[2, 3], [3, 1], [1, 3]];
    assert_eq!(
        created,
        CreatedTopic {
            name: "t".into(),
            id: id(9),
            replicas: replicas.iter().map(|ids| brokers(ids)).collect(),
            configs: config(&[("retention.ms", "2")]),
            revision: Revision(0),
        }
    );
    let config_key = Key::Config(ConfigResource::Topic("t".to_owned()));
    assert_eq!(
        set.changes,
        [
            put_state(first(id(9), 0, &[(2, 12), (3, 13)], 1)),
            put_state(first(id(9), 1, &[(3, 13), (1, 11)], 1)),
            put_state(first(id(9), 2, &[(1, 11), (3, 13)], 1)),
            Change::put(config_key, Expected::Absent, Value::Config(created.configs)),
            put_topic(id(9), 0, 3),
        ]
    );
    // What a creation leaves that is cut off.
    assert_eq!(set.opening, Some(put_topic(id(9), 0, 0)));
}

#[test]
fn a_config_that_is_left_over_is_replaced() {
    let mut view = three_brokers();
    let configs = Arc::new(ConfigImage { values: config(&[("a", "b")]), revision: Revision(34) });
    view.remains.insert_mut("t".into(), Arc::new(TopicRemains { configs, ..Default::default() }));
    let (_, set) = create(&view, &new_topic("t", -1, -1)).unwrap();
    let config_key = Key::Config(ConfigResource::Topic("t".to_owned()));
    assert_eq!(
        set.changes,
        [
            put_state(first(id(9), 0, &[(2, 12)], 1)),
            put_state(first(id(9), 1, &[(3, 13)], 1)),
            Change::delete(config_key, Revision(34)),
            put_topic(id(9), 0, 2),
        ]
    );
}

#[test]
fn a_topic_whose_key_was_lost_is_not_created_again() {
    let mut view = three_brokers();
    let lost = state(Some(1), 7, &[(1, 2)], 33);
    let states = [(lost.index, Arc::new(lost))].into_iter().collect();
    view.remains.insert_mut("t".into(), Arc::new(TopicRemains { states, ..Default::default() }));
    let error = refused(&view, &new_topic("t", -1, -1));
    let CreateTopicError::AlreadyExists(message) = error else { panic!("{error:?}") };
    assert!(message.contains("missing in etcd"), "{message}");
    assert_eq!(leftovers::plan(&view, &"t".into()), []);
}

#[test]
fn min_isr_is_that_of_the_topic_else_of_the_cluster() {
    let mut view = three_brokers();
    let values = config(&[("min.insync.replicas", "3")]);
    let cluster = Arc::new(ConfigImage { values, revision: Revision(5) });
    view.broker_configs.insert(None, cluster);
    assert_eq!((min_isr::default(&view, 2), min_isr::default(&three_brokers(), 2)), (3, 2));
    let mut topic = new_topic("t", 1, 1);
    topic.configs = vec![("min.insync.replicas".to_owned(), Some("2".to_owned()))];
    let (_, set) = create(&three_brokers(), &topic).unwrap();
    assert_eq!(set.changes[0], put_state(first(id(9), 0, &[(2, 12)], 2)));
    // A change of the override comes with the states.
    let view = view.with_topic("t", 1, &[1]);
    let op = ConfigOp::Set { name: "min.insync.replicas".to_owned(), value: "2".to_owned() };
    let resource = ConfigResource::Topic("t".to_owned());
    let change = ConfigChange { resource, replace: false, ops: vec![op] };
    let set = configs::alter(&view, &change, 1, &|_, _| Ok(())).unwrap();
    let before = view.partition("t", PartitionIndex(0)).unwrap();
    let after = PartitionImage { min_isr: 2, ..PartitionImage::clone(before) };
    assert_eq!(set.changes[1], Change::partition_settings(&"t".into(), after));
    assert_eq!(set.changes[1].registrations, []);
}

#[test]
fn names() {
    use CreateTopicError::{AlreadyExists, InvalidRequest, InvalidTopic};
    let view = three_brokers().with_topic("x.y", 1, &[1]).with_topic("plain", 1, &[1]);
    let long = "x".repeat(250);
    let invalid = |flaw: &str| InvalidTopic(format!("Topic name is invalid: {flaw}"));
    let characters =
        "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'";
    for (name, expected) in [
        ("", invalid("the empty string is not allowed")),
        (".", invalid("'.' is not allowed")),
        ("..", invalid("'..' is not allowed")),
        (
            &long,
            invalid(&format!("the length of '{long}' is longer than the max allowed length 249")),
        ),
        ("a b", invalid(&format!("'a b' {characters}"))),
        ("ü/", invalid(&format!("'ü/' {characters}"))),
        ("x_y", InvalidTopic("Topic 'x_y' collides with existing topic: x.y".to_owned())),
        ("x.y", AlreadyExists("Topic 'x.y' already exists.".to_owned())),
        ("plain", AlreadyExists("Topic 'plain' already exists.".to_owned())),
        (
            "__cluster_metadata",
            InvalidRequest(
                "Creation of internal topic __cluster_metadata is prohibited.".to_owned(),
            ),
        ),
    ] {
        assert_eq!(refused(&view, &new_topic(name, 1, 1)), expected);
    }
    for name in ["__consumer_offsets", "__transaction_state", "__share_group_state"] {
        let refused = refused(&view, &new_topic(name, 1, 1));
        assert!(matches!(refused, InvalidTopic(_)), "{name}: {refused:?}");
    }
    for name in [&long[1..], "x-y", "X.y", "...", "__consumer_offsets2", "a_b.c-D9"] {
        assert!(create(&view, &new_topic(name, 1, 1)).is_ok(), "{name}");
    }
}

#[test]
fn numbers_and_configs() {
    use CreateTopicError::{InvalidConfig, InvalidPartitions, InvalidReplicationFactor};
    let partitions = "Number of partitions was set to an invalid non-positive value.";
    let factor = "Replication factor must be larger than 0, or -1 to use the default value.";
    let too_few = |factor: i16| {
        format!(
            "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be \
             reached because only 3 broker(s) are registered or some brokers have all their log directories cordoned."
        )
    };
    for ((count, replicas), expected) in [
        ((0, 1), InvalidPartitions(partitions.to_owned())),
        ((-2, 1), InvalidPartitions(partitions.to_owned())),
        ((1, 0), InvalidReplicationFactor(factor.to_owned())),
        ((1, -2), InvalidReplicationFactor(factor.to_owned())),
        ((0, 0), InvalidReplicationFactor(factor.to_owned())),
        ((1, 4), InvalidReplicationFactor(too_few(4))),
        ((1, i16::MAX), InvalidReplicationFactor(too_few(i16::MAX))),
    ] {
        assert_eq!(refused(&three_brokers(), &new_topic("t", count, replicas)), expected);
    }
    let with = |configs: &[(&str, Option<&str>)]| NewTopic {
        configs: configs.iter().map(|(k, v)| ((*k).to_owned(), v.map(str::to_owned))).collect(),
        ..new_topic("t", 1, 9)
    };
    // Configs are looked at before the numbers.
    assert_eq!(
        refused(&three_brokers(), &with(&[("bad", Some("x"))])),
        InvalidConfig("refused: x".to_owned())
    );
    assert_eq!(
        refused(&three_brokers(), &with(&[("bad", None), ("a", None)])),
        InvalidConfig("Null value not supported for topic configs: bad,a".to_owned())
    );
    assert!(!too_many_partitions(&vec![new_topic("t", -1, 1); 5000], 2));
    assert!(too_many_partitions(&vec![new_topic("t", 2001, 1); 5], 2));
    assert!(too_many_partitions(&[new_topic("t", i32::MAX, 1), new_topic("t", i32::MAX, 1)], 2));
}

#[test]
fn brokers_that_are_down_hold_replicas_last() {
    let view = three_brokers().with_broker_state(4, 5, true);
    let (created, set) = create(&view, &new_topic("t", 1, 4)).unwrap();
    assert_eq!(created.replicas, [brokers(&[2, 3, 1, 4])]);
    let live = first(id(9), 0, &[(2, 12), (3, 13), (1, 11)], 1);
    let replicas = brokers(&[2, 3, 1, 4]);
    assert_eq!(set.changes[0], put_state(PartitionImage { replicas, ..live }));
    let none = Image::default().with_broker_state(4, 5, true);
    assert_eq!(
        refused(&none, &new_topic("t", 1, 1)),
        CreateTopicError::InvalidReplicationFactor(
            "Unable to replicate the partition 1 time(s): All brokers are currently fenced."
                .to_owned()
        )
    );
}

#[test]
fn manual_assignments() {
    use CreateTopicError::{InvalidReplicaAssignment, InvalidRequest};
    let (created, _) = create(&three_brokers(), &assigned(&[(1, &[3, 1]), (0, &[2, 3])])).unwrap();
    assert_eq!(created.replicas, [brokers(&[2, 3]), brokers(&[3, 1])]);
    let view = three_brokers().with_broker_state(4, 5, true);
    let sequence = "partitions should be a consecutive 0-based integer sequence";
    for (assignments, expected) in [
        (&[(0, &[1][..]), (2, &[1])][..], sequence),
        (&[(1, &[1])], sequence),
        (&[(-1, &[1])], sequence),
        (&[(0, &[1]), (0, &[2])], "Found multiple manual partition assignments for partition 0"),
        (&[(0, &[])], "The manual partition assignment includes an empty replica list."),
        (
            &[(0, &[9, 8])],
            "The manual partition assignment includes broker 8, but no such broker is registered.",
        ),
        (&[(0, &[2, 2])], "The manual partition assignment includes the broker 2 more than once."),
        (
            &[(0, &[1]), (1, &[1, 2])],
            "The manual partition assignment includes a partition with 2 replica(s), but this is not consistent with \
             previous partitions, which have 1 replica(s).",
        ),
        (
            &[(0, &[4])],
            "All brokers specified in the manual partition assignment for partition 0 are fenced or in controlled \
             shutdown.",
        ),
    ] {
        let expected = InvalidReplicaAssignment(expected.to_owned());
        assert_eq!(refused(&view, &assigned(assignments)), expected);
    }
    let mut both = assigned(&[(0, &[1])]);
    both.num_partitions = 1;
    let message =
        "A manual partition assignment was specified, but numPartitions was not set to -1.";
    assert_eq!(refused(&view, &both), InvalidRequest(message.to_owned()));
    both.replication_factor = 1;
    let message =
        "A manual partition assignment was specified, but replication factor was not set to -1.";
    assert_eq!(refused(&view, &both), InvalidRequest(message.to_owned()));
}

#[test]
fn leaders_and_replicas_are_spread_over_brokers_and_racks() {
    let mut view = Image::default();
    for broker in 1..=6 {
        view = view.with_broker(broker, 10);
        let rack = if broker % 2 == 0 { "even" } else { "odd" };
        Arc::make_mut(view.brokers.get_mut(&BrokerId(broker)).unwrap()).rack = Some(rack.into());
    }
    let (created, _) = create(&view, &new_topic("t", 60, 2)).unwrap();
    let mut leaders = BTreeMap::<BrokerId, usize>::new();
    let mut all = BTreeMap::<BrokerId, usize>::new();
    for replicas in &created.replicas {
        assert_ne!(replicas[0].0 % 2, replicas[1].0 % 2, "both replicas in one rack");
        *leaders.entry(replicas[0]).or_default() += 1;
        replicas.iter().for_each(|id| *all.entry(*id).or_default() += 1);
    }
    assert!(leaders.len() == 6 && leaders.values().all(|count| *count == 10), "{leaders:?}");
    assert!(all.values().all(|count| (15..=25).contains(count)), "{all:?}");
}

fn tombstone(id: TopicId, holders: &[i32]) -> Change {
    let value = Value::DeletedTopic { name: "t".into(), brokers: brokers(holders) };
    Change::put(Key::DeletedTopic(id), Expected::Absent, value)
}

#[test]
fn a_deletion_takes_the_config_and_the_partitions_of_the_topic_key() {
    let mut view = three_brokers().with_topic("t", 2, &[1]);
    let values = config(&[("a", "b")]);
    let configs = Arc::new(ConfigImage { values, revision: Revision(61) });
    view.change_topic("t", |topic| topic.configs = configs);
    let topic_id = fixture_id("t");
    let (deleted, set) = topic::delete(&view, &TopicRef::Id(topic_id), true).unwrap();
    let expected = DeletedTopic { name: "t".into(), id: topic_id, revision: Revision(0) };
    assert_eq!(deleted, expected);
    assert_eq!(
        set.changes,
        [
            Change::delete(Key::Config(ConfigResource::Topic("t".to_owned())), Revision(61)),
            tombstone(topic_id, &[1]),
            put_topic(topic_id, 60, 0),
        ]
    );
    // Where a state is lost, any broker may have its log.
    view.change_topic("t", |topic| {
        topic.partitions.remove_mut(&PartitionIndex(1));
    });
    let (_, set) = topic::delete(&view, &TopicRef::Id(topic_id), true).unwrap();
    assert!(set.changes.contains(&tombstone(topic_id, &[1, 2, 3])));
    let delete = |topic, enabled| topic::delete(&view, &topic, enabled).unwrap_err();
    let name = |name: &str| TopicRef::Name(name.to_owned());
    assert_eq!(delete(name("u"), true), DeleteTopicError::UnknownTopic);
    assert_eq!(delete(TopicRef::Id(id(77)), true), DeleteTopicError::UnknownTopicId);
    assert_eq!(delete(name("t"), false), DeleteTopicError::Disabled);
}

#[test]
fn more_partitions() {
    use CreatePartitionsError::{InvalidPartitions, InvalidReplicaAssignment};
    let mut view = three_brokers().with_topic("t", 2, &[1, 2]);
    let topic_id = fixture_id("t");
    let cut_off = PartitionImage { index: PartitionIndex(2), ..state(Some(9), 3, &[(9, 9)], 44) };
    view.change_topic("t", |topic| {
        topic.unlisted.insert_mut(cut_off.index, Arc::new(cut_off));
    });
    let request = |count, assignments: Option<&[&[i32]]>| NewPartitions {
        topic: "t".to_owned(),
        count,
        assignments: assignments.map(|all| all.iter().map(|ids| brokers(ids)).collect()),
    };
    let set = partitions::create(&view, &request(4, None), 1, 0).unwrap();
    let third = first(topic_id, 2, &[(3, 13), (1, 11)], 1);
    assert_eq!(
        set.changes,
        [
            put_state(PartitionImage { partition_epoch: PartitionEpoch(44), ..third }),
            put_state(first(topic_id, 3, &[(1, 11), (3, 13)], 1)),
            put_topic(topic_id, 60, 4),
        ]
    );
    let set = partitions::create(&view, &request(3, Some(&[&[3, 2]])), 1, 0).unwrap();
    assert_eq!(set.changes[1], put_topic(topic_id, 60, 3));
    for (request, expected) in [
        (request(2, None), InvalidPartitions("Topic already has 2 partition(s).".to_owned())),
        (
            request(-1, None),
            InvalidPartitions(
                "The topic t currently has 2 partition(s); -1 would not be an increase.".to_owned(),
            ),
        ),
        (request(10_003, None), CreatePartitionsError::TooManyPartitions),
        (
            request(4, Some(&[&[1, 2]])),
            InvalidReplicaAssignment(
                "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."
                    .to_owned(),
            ),
        ),
        (
            request(3, Some(&[&[1]])),
            InvalidReplicaAssignment(
                "The manual partition assignment includes a partition with 1 replica(s), but this is not consistent \
                 with previous partitions, which have 2 replica(s)."
                    .to_owned(),
            ),
        ),
    ] {
        assert_eq!(partitions::create(&view, &request, 1, 0), Err(expected));
    }
    let unknown = NewPartitions { topic: "u".to_owned(), count: 3, assignments: None };
    assert_eq!(partitions::create(&view, &unknown, 1, 0), Err(CreatePartitionsError::UnknownTopic));
}

#[test]
fn configs_change_by_key_or_as_a_whole() {
    let mut view = three_brokers().with_topic("t", 1, &[1]);
    let before =
        ConfigImage { values: config(&[("list", "a,b"), ("x", "1")]), revision: Revision(61) };
    view.change_topic("t", |topic| topic.configs = Arc::new(before));
    let text = str::to_owned;
    let set = |name: &str, value: &str| ConfigOp::Set { name: text(name), value: text(value) };
    let append = |name: &str, value: &str| ConfigOp::Append {
        name: text(name),
        value: text(value),
        default: text("d"),
    };
    let subtract = |name: &str, value: &str| ConfigOp::Subtract {
        name: text(name),
        value: text(value),
        default: text("d"),
    };
    let key = || ConfigResource::Topic(text("t"));
    let alter = |resource: ConfigResource, replace, ops: &[ConfigOp]| {
        let change = ConfigChange { resource, replace, ops: ops.to_vec() };
        configs::alter(&view, &change, 1, &|_, after| match after.get("bad") {
            Some(value) => Err(format!("refused: {value}")),
            None => Ok(()),
        })
    };
    let keep = || Change::keep(Key::Topic("t".into()), Revision(60));
    let put = |pairs| Change::put(Key::Config(key()), Revision(61), Value::Config(config(pairs)));
    let changes = |result: Result<ChangeSet, _>| result.unwrap().changes;
    assert_eq!(
        changes(alter(
            key(),
            false,
            &[set("x", "2"), append("list", "b, c"), subtract("list", "a")]
        )),
        [keep(), put(&[("list", "b,c"), ("x", "2")])]
    );
    assert_eq!(
        changes(alter(key(), false, &[append("new", "e"), ConfigOp::Delete { name: text("x") }])),
        [keep(), put(&[("list", "a,b"), ("new", "d,e")])]
    );
    assert_eq!(changes(alter(key(), true, &[set("y", "3")])), [keep(), put(&[("y", "3")])]);
    assert_eq!(
        changes(alter(key(), true, &[])),
        [keep(), Change::delete(Key::Config(key()), Revision(61))]
    );
    assert_eq!(changes(alter(key(), false, &[set("x", "1")])), []);
    let broker = ConfigResource::Broker(None);
    assert_eq!(
        changes(alter(broker.clone(), false, &[set("x", "1")])),
        [Change::put(Key::Config(broker), Expected::Absent, Value::Config(config(&[("x", "1")])))]
    );
    let refused = AlterConfigError::InvalidConfig(text("refused: 1"));
    assert_eq!(alter(key(), false, &[set("bad", "1")]), Err(refused));
    let unknown = ConfigResource::Topic(text("u"));
    assert_eq!(alter(unknown, false, &[]), Err(AlterConfigError::UnknownTopic(text("u"))));
}
