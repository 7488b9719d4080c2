//! An image must not depend on how it came about.

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{BrokerId, PartitionEpoch, PartitionIndex, TopicId};
use barnabas_protocol::state::values::{
    BrokerRegistration, BrokerState, Config, DeletedTopic, Endpoint, PartitionState, Replica,
    Restored, Topic, Writer,
};
use barnabas_protocol::state::{StateValue, to_json};
use proptest::prelude::*;

use super::*;

/// What is in etcd: the model that an image is compared with.
type Store = BTreeMap<StateKey, (Vec<u8>, Revision, Revision)>;

#[derive(Clone, Debug)]
enum Op {
    Topic { name: u8, life: u8, partitions: u8 },
    State { name: u8, life: u8, partition: u8, leader: i32 },
    Config { name: u8, value: u8 },
    BrokerConfig { id: Option<u8>, value: u8 },
    Broker(u8),
    BrokerState(u8),
    Controller(u8),
    Restored(u8),
    DeletedTopic { id: u8, broker: u8 },
    Delete { choice: u16 },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        (0..3u8, 0..2u8, 0..4u8).prop_map(|(name, life, partitions)| Op::Topic {
            name,
            life,
            partitions
        }),
        (0..3u8, 0..2u8, 0..5u8, -1..3i32).prop_map(|(name, life, partition, leader)| {
            Op::State { name, life, partition, leader }
        }),
        (0..3u8, any::<u8>()).prop_map(|(name, value)| Op::Config { name, value }),
        (proptest::option::of(0..2u8), any::<u8>())
            .prop_map(|(id, value)| Op::BrokerConfig { id, value }),
        (0..3u8).prop_map(Op::Broker),
        (0..3u8).prop_map(Op::BrokerState),
        (0..3u8).prop_map(Op::Controller),
        (0..3u8).prop_map(Op::Restored),
        (0..3u8, 0..3u8).prop_map(|(id, broker)| Op::DeletedTopic { id, broker }),
        any::<u16>().prop_map(|choice| Op::Delete { choice }),
        any::<u16>().prop_map(|choice| Op::Delete { choice }),
    ];
    proptest::collection::vec(op, 0..60)
}

fn topic_name(number: u8) -> String {
    format!("topic-{number}")
}

fn config(value: u8) -> Vec<u8> {
    let config = BTreeMap::from([("retention.ms".to_owned(), value.to_string())]);
    to_json(&Config { version: Config::VERSION, config })
}

/// The id of a topic: one that is created again has another.
fn topic_id(name: u8, life: u8) -> String {
    TopicId(uuid::Uuid::from_u128(u128::from(name) << 8 | u128::from(life))).to_kafka_string()
}

fn topic(name: u8, life: u8, partitions: u8) -> Vec<u8> {
    let (topic_id, partitions) = (topic_id(name, life), i32::from(partitions));
    to_json(&Topic { version: Topic::VERSION, topic_id, partitions })
}

fn state(name: u8, life: u8, leader: i32) -> Vec<u8> {
    to_json(&PartitionState {
        version: PartitionState::VERSION,
        topic_id: topic_id(name, life),
        replicas: vec![1, 2],
        adding: vec![3],
        removing: vec![4],
        min_isr: 2,
        leader,
        leader_epoch: 4,
        isr: vec![Replica { id: 1, broker_epoch: 7 }],
        elr: vec![Replica { id: 2, broker_epoch: 8 }],
        failed: vec![5],
        recovery_state: 0,
        restored: 6,
        controller_epoch: 1,
        writer: Some(Writer::default()),
    })
}

fn broker(id: u8) -> Vec<u8> {
    to_json(&BrokerRegistration {
        version: BrokerRegistration::VERSION,
        broker_id: i32::from(id),
        incarnation: uuid::Uuid::from_u128(5).to_string(),
        data_dir_id: uuid::Uuid::from_u128(6).to_string(),
        endpoints: vec![Endpoint {
            listener: "PLAINTEXT".to_owned(),
            security_protocol: "PLAINTEXT".to_owned(),
            host: "localhost".to_owned(),
            port: 9092,
        }],
        rack: Some("r".to_owned()),
        software_version: "0".to_owned(),
        lease_id: 3,
        ready: true,
        shutting_down: false,
        directory_since: 0,
        lossless_since: 0,
        absences: vec![],
    })
}

fn controller(id: u8) -> Vec<u8> {
    to_json(&Controller {
        version: Controller::VERSION,
        broker_id: i32::from(id),
        broker_epoch: 1,
        incarnation: String::new(),
        term: 1,
    })
}

/// The key that an operation changes, and its value: none for a deletion.
fn key_and_value(store: &Store, op: &Op, revision: i64) -> Option<(StateKey, Option<Vec<u8>>)> {
    let kind_config = |kind, name, value| (StateKey::Config { kind, name }, Some(config(value)));
    Some(match op {
        Op::Topic { name, life, partitions } => {
            (StateKey::Topic(topic_name(*name)), Some(topic(*name, *life, *partitions)))
        }
        Op::State { name, life, partition, leader } => {
            let partition = PartitionIndex(i32::from(*partition));
            let key = StateKey::PartitionState { topic: topic_name(*name), partition };
            (key, Some(state(*name, *life, *leader)))
        }
        Op::Config { name, value } => kind_config(ConfigKind::Topic, topic_name(*name), *value),
        Op::BrokerConfig { id, value } => {
            let name = id.map_or_else(String::new, |id| id.to_string());
            kind_config(ConfigKind::Broker, name, *value)
        }
        Op::Restored(count) => {
            let value = Restored {
                version: Restored::VERSION,
                count: i64::from(*count),
                broker_id: 1,
                reason: "found by a test".to_owned(),
            };
            (StateKey::Restored, Some(to_json(&value)))
        }
        Op::DeletedTopic { id, broker } => {
            let (name, brokers) = ("gone".to_owned(), vec![i32::from(*broker)]);
            let value = DeletedTopic { version: DeletedTopic::VERSION, name, brokers };
            let id = TopicId(uuid::Uuid::from_u128(u128::from(*id)));
            (StateKey::DeletedTopic(id), Some(to_json(&value)))
        }
        Op::Broker(id) => (StateKey::Broker(BrokerId(i32::from(*id))), Some(broker(*id))),
        Op::BrokerState(id) => {
            let value =
                BrokerState { version: BrokerState::VERSION, last_epoch: revision, fenced: true };
            (StateKey::BrokerState(BrokerId(i32::from(*id))), Some(to_json(&value)))
        }
        Op::Controller(id) => (StateKey::Controller, Some(controller(*id))),
        Op::Delete { choice } => {
            let key = store.keys().nth(usize::from(*choice) % store.len().max(1))?;
            (key.clone(), None)
        }
    })
}

fn apply(store: &mut Store, image: &mut Image, op: &Op, revision: i64) {
    let Some((key, value)) = key_and_value(store, op, revision) else { return };
    let Some(value) = value else {
        store.remove(&key);
        return delete(image, key);
    };
    let modified = Revision(revision);
    let created = store.get(&key).map_or(modified, |(_, created, _)| *created);
    put(image, key.clone(), Entry { value: &value, created, modified }).unwrap();
    store.insert(key, (value, created, modified));
}

fn rebuild<'a>(
    entries: impl Iterator<Item = (&'a StateKey, &'a (Vec<u8>, Revision, Revision))>,
) -> Image {
    let mut image = Image::default();
    for (key, (value, created, modified)) in entries {
        let entry = Entry { value, created: *created, modified: *modified };
        put(&mut image, key.clone(), entry).unwrap();
    }
    image
}

proptest! {
    #[test]
    fn applying_changes_equals_rebuilding(ops in ops()) {
        let (mut store, mut image) = (Store::new(), Image::default());
        for (op, revision) in ops.iter().zip(1..) {
            apply(&mut store, &mut image, op, revision);
            prop_assert_eq!(&image, &rebuild(store.iter()));
            prop_assert_eq!(&image, &rebuild(store.iter().rev()));
        }
    }

    #[test]
    fn an_image_is_not_changed_by_its_successors(before in ops(), after in ops()) {
        let (mut store, mut image) = (Store::new(), Image::default());
        for (op, revision) in before.iter().zip(1..) {
            apply(&mut store, &mut image, op, revision);
        }
        let (published, expected) = (image.clone(), rebuild(store.iter()));
        for (op, revision) in after.iter().zip(100..) {
            apply(&mut store, &mut image, op, revision);
        }
        prop_assert_eq!(published, expected);
    }

    #[test]
    fn a_listing_shares_what_is_the_same_with_the_image_before_it(ops in ops()) {
        let (mut store, mut image) = (Store::new(), Image::default());
        for (op, revision) in ops.iter().zip(1..) {
            apply(&mut store, &mut image, op, revision);
        }
        let mut again = rebuild(store.iter());
        succeed(&image, &mut again);
        prop_assert_eq!(&again, &image);
        for (name, topic) in &again.topics {
            prop_assert!(Arc::ptr_eq(topic, &image.topics[name]));
        }
        prop_assert_eq!(again.topics_changed_since(&image), [].into());
    }

    #[test]
    fn every_change_of_a_topic_is_noted(before in ops(), after in ops(), listed: bool) {
        let (mut store, mut image) = (Store::new(), Image::default());
        for (op, revision) in before.iter().zip(1..) {
            apply(&mut store, &mut image, op, revision);
        }
        let earlier = image.clone();
        for (op, revision) in after.iter().zip(100..) {
            apply(&mut store, &mut image, op, revision);
        }
        if listed {
            image = rebuild(store.iter());
            succeed(&earlier, &mut image);
        }
        let noted = image.topics_changed_since(&earlier);
        for name in (0..3).map(topic_name) {
            let of = |image: &Image| (image.topics.get(&*name).cloned(), image.remains.get(&*name).cloned());
            prop_assert!(of(&image) == of(&earlier) || noted.contains(&*name), "{}", name);
        }
    }

    #[test]
    fn what_cannot_be_read_keeps_its_last_good_value(ops in ops(), broken in any::<u16>()) {
        let (mut store, mut image) = (Store::new(), Image::default());
        for (op, revision) in ops.iter().zip(1..) {
            apply(&mut store, &mut image, op, revision);
        }
        prop_assume!(!store.is_empty());
        let broken = store.keys().nth(usize::from(broken) % store.len()).unwrap().clone();
        let mut again = rebuild(store.iter().filter(|(key, _)| **key != broken));
        keep(&image, &mut again, broken);
        prop_assert_eq!(&again, &image);
    }

    #[test]
    fn garbage_changes_nothing(ops in ops(), garbage: Vec<u8>) {
        let (mut store, mut image) = (Store::new(), Image::default());
        for (op, revision) in ops.iter().zip(1..) {
            apply(&mut store, &mut image, op, revision);
        }
        let before = image.clone();
        let entry = Entry { value: &garbage, created: Revision(1), modified: Revision(900) };
        for key in store.keys() {
            prop_assert!(put(&mut image, key.clone(), entry).is_err());
        }
        prop_assert_eq!(image, before);
    }
}

#[test]
fn a_topic_without_its_key_is_not_shown() {
    let mut store = Store::new();
    let mut image = Image::default();
    apply(&mut store, &mut image, &Op::State { name: 0, life: 0, partition: 0, leader: 1 }, 1);
    assert!(image.topic("topic-0").is_none());
    apply(&mut store, &mut image, &Op::Topic { name: 0, life: 0, partitions: 2 }, 2);
    let topic = image.topic("topic-0").unwrap();
    let first = topic.partition(PartitionIndex(0)).unwrap();
    assert_eq!((first.leader, first.partition_epoch), (Some(BrokerId(1)), PartitionEpoch(1)));
    // The state of partition 1 is absent.
    assert_eq!(topic.partition(PartitionIndex(1)), None);
    assert!(topic.has_partition(PartitionIndex(1)) && !topic.has_partition(PartitionIndex(2)));
    assert!(image.irregular.contains("topic-0"));
    assert_eq!(image.topic_by_id(topic.id).unwrap().name, "topic-0");
    let shown: Vec<_> = topic.shown_partitions().map(|partition| partition.leader).collect();
    assert_eq!(shown, [Some(BrokerId(1)), None]);
    apply(&mut store, &mut image, &Op::State { name: 0, life: 0, partition: 1, leader: 1 }, 3);
    assert!(image.irregular.is_empty());
}

#[test]
fn a_topic_with_no_partitions_and_the_states_of_another_topic_are_not_shown() {
    let (mut store, mut image) = (Store::new(), Image::default());
    apply(&mut store, &mut image, &Op::Topic { name: 0, life: 0, partitions: 0 }, 1);
    apply(&mut store, &mut image, &Op::State { name: 0, life: 0, partition: 0, leader: 1 }, 2);
    assert!(image.topic("topic-0").is_none() && image.topics_by_id.is_empty());
    apply(&mut store, &mut image, &Op::Topic { name: 0, life: 1, partitions: 1 }, 3);
    let topic = image.topic("topic-0").unwrap();
    assert_eq!(topic.partition(PartitionIndex(0)), None);
    assert_eq!(topic.unlisted.size(), 1);
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let mut image = Image::default();
    for partitions in [-1, 1_000_001, i32::MAX] {
        let topic_id = topic_id(1, 1);
        let json = to_json(&Topic { version: Topic::VERSION, topic_id, partitions });
        let entry = Entry { value: &json, created: Revision(1), modified: Revision(1) };
        assert_eq!(
            put(&mut image, StateKey::Topic("t".to_owned()), entry),
            Err(DeltaError::Invalid("the number of partitions is out of range"))
        );
    }
    assert_eq!(image, Image::default());
}
