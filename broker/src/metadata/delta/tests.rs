//! An image must not depend on how it came about.

use std::collections::BTreeMap;

use barnabas_protocol::state::values::Replicas;
use barnabas_protocol::state::{StateValue, to_json};
use proptest::prelude::*;

use super::*;

/// What is in etcd: the model that an image is compared with.
type Store = BTreeMap<StateKey, (Vec<u8>, Revision, Revision)>;

#[derive(Clone, Debug)]
enum Op {
    Topic { name: u8, partitions: u8 },
    State { name: u8, partition: u8, leader: i32 },
    Config { name: u8, value: u8 },
    BrokerConfig { id: Option<u8>, value: u8 },
    Broker(u8),
    BrokerState(u8),
    Controller(u8),
    Delete { choice: u16 },
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        (0..3u8, 0..4u8).prop_map(|(name, partitions)| Op::Topic { name, partitions }),
        (0..3u8, 0..5u8, -1..3i32).prop_map(|(name, partition, leader)| Op::State {
            name,
            partition,
            leader
        }),
        (0..3u8, any::<u8>()).prop_map(|(name, value)| Op::Config { name, value }),
        (proptest::option::of(0..2u8), any::<u8>())
            .prop_map(|(id, value)| Op::BrokerConfig { id, value }),
        (0..3u8).prop_map(Op::Broker),
        (0..3u8).prop_map(Op::BrokerState),
        (0..3u8).prop_map(Op::Controller),
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

fn topic(revision: i64, partitions: u8) -> Vec<u8> {
    let id = TopicId(uuid::Uuid::from_u128(revision.unsigned_abs().into()));
    let replicas = Replicas { replicas: vec![1, 2], adding: vec![], removing: vec![] };
    let partitions = (0..i32::from(partitions)).map(|index| (index, replicas.clone())).collect();
    to_json(&Topic { version: Topic::VERSION, topic_id: id.to_kafka_string(), partitions })
}

fn state(leader: i32) -> Vec<u8> {
    to_json(&PartitionState {
        version: PartitionState::VERSION,
        leader,
        leader_epoch: 4,
        isr: vec![Replica { id: 1, broker_epoch: 7 }],
        elr: vec![Replica { id: 2, broker_epoch: 8 }],
        recovery_state: 0,
        controller_epoch: 1,
        writer: Some(barnabas_protocol::state::values::Writer::default()),
    })
}

fn broker(id: u8) -> Vec<u8> {
    to_json(&BrokerRegistration {
        version: BrokerRegistration::VERSION,
        broker_id: i32::from(id),
        incarnation: uuid::Uuid::from_u128(5).to_string(),
        data_dir_id: uuid::Uuid::from_u128(6).to_string(),
        endpoints: vec![barnabas_protocol::state::values::Endpoint {
            listener: "PLAINTEXT".to_owned(),
            security_protocol: "PLAINTEXT".to_owned(),
            host: "localhost".to_owned(),
            port: 9092,
        }],
        rack: Some("r".to_owned()),
        software_version: "0".to_owned(),
        lease_id: 3,
        previous_epoch: -1,
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
        Op::Topic { name, partitions } => {
            (StateKey::Topic(topic_name(*name)), Some(topic(revision, *partitions)))
        }
        Op::State { name, partition, leader } => {
            let partition = PartitionIndex(i32::from(*partition));
            let key = StateKey::PartitionState { topic: topic_name(*name), partition };
            (key, Some(state(*leader)))
        }
        Op::Config { name, value } => kind_config(ConfigKind::Topic, topic_name(*name), *value),
        Op::BrokerConfig { id, value } => {
            let name = id.map_or_else(String::new, |id| id.to_string());
            kind_config(ConfigKind::Broker, name, *value)
        }
        Op::Broker(id) => (StateKey::Broker(BrokerId(i32::from(*id))), Some(broker(*id))),
        Op::BrokerState(id) => {
            let value = BrokerState {
                version: BrokerState::VERSION,
                last_epoch: revision,
                fenced: true,
                shutting_down: false,
            };
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
    fn reuse_changes_pointers_only(ops in ops()) {
        let (mut store, mut image) = (Store::new(), Image::default());
        for (op, revision) in ops.iter().zip(1..) {
            apply(&mut store, &mut image, op, revision);
        }
        let mut again = rebuild(store.iter());
        reuse(&image, &mut again);
        prop_assert_eq!(&again, &image);
        for (name, topic) in &again.topics {
            prop_assert!(Arc::ptr_eq(topic, &image.topics[name]));
        }
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
    apply(&mut store, &mut image, &Op::State { name: 0, partition: 0, leader: 1 }, 1);
    assert!(image.topic("topic-0").is_none());
    apply(&mut store, &mut image, &Op::Topic { name: 0, partitions: 2 }, 2);
    let topic = image.topic("topic-0").unwrap();
    assert_eq!(topic.partitions[0].leader, Some(BrokerId(1)));
    assert_eq!(topic.partitions[0].partition_epoch, PartitionEpoch(1));
    // The state of partition 1 is missing: no leader, and an epoch that says "absent".
    assert_eq!(topic.partitions[1].state, PartitionStateImage::default());
    assert_eq!(image.topic_by_id(topic.id).unwrap().name, "topic-0");
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    let mut image = Image::default();
    let mut value: Topic = from_json(&topic(1, 2)).unwrap();
    let replicas = value.partitions.remove(&1).unwrap();
    value.partitions.insert(7, replicas);
    let json = to_json(&value);
    let entry = Entry { value: &json, created: Revision(1), modified: Revision(1) };
    assert_eq!(
        put(&mut image, StateKey::Topic("t".to_owned()), entry),
        Err(DeltaError::Invalid("the partitions are not numbered 0, 1, ..."))
    );
}
