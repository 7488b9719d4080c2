use barnabas_coordinator_client::{
    CreateRevision, Expect, KeyValue, LeaseId, Listing, ModRevision, Revision, Txn,
};
use barnabas_protocol::state::ids::{BrokerId, PartitionIndex, TopicId};
use barnabas_protocol::state::values::{StrayLog, Topic as TopicValue};
use barnabas_protocol::state::{Keys, StateValue, to_json};

use super::adopt::Adoption;
use super::survey::{Place, Survey, Topic};
use super::{delete, find, list};

const ID: TopicId = TopicId(uuid::Uuid::from_u128(7));

fn kv(key: String, value: Vec<u8>, revision: i64) -> KeyValue {
    KeyValue {
        key: key.into(),
        value: value.into(),
        create_revision: CreateRevision(revision),
        mod_revision: ModRevision(revision),
        version: 1,
        lease: LeaseId::NONE,
    }
}

fn stray(id: TopicId, broker: i32, partition: i32, partitions: i32) -> KeyValue {
    let value = StrayLog {
        version: StrayLog::VERSION,
        topic: "orders".to_owned(),
        partitions,
        broker_epoch: 500,
        partition_epoch: 90,
        leader_epoch: 4,
        log_start: 0,
        log_end: 10,
    };
    let key = Keys::new("/b").stray(BrokerId(broker), id, PartitionIndex(partition));
    kv(key, to_json(&value), 600)
}

fn topic_key(id: TopicId, partitions: i32) -> KeyValue {
    let topic_id = id.to_kafka_string();
    let value = TopicValue { version: TopicValue::VERSION, topic_id, partitions };
    kv(Keys::new("/b").topic("orders"), to_json(&value), 300)
}

fn survey(entries: Vec<KeyValue>) -> Survey {
    Survey::of(&Keys::new("/b"), &Listing { revision: Revision(700), entries }).expect("readable")
}

fn plan(survey: &Survey, allow_missing: bool) -> anyhow::Result<Adoption<'_>> {
    let topic = &survey.topics[0];
    let (name, here) = (topic.name.clone(), topic.here.clone());
    Adoption::plan(topic, name, here, survey.restored, allow_missing)
}

#[test]
fn a_lost_topic_is_written_as_one_if_the_reports_are_unchanged() {
    let found = survey(vec![stray(ID, 1, 0, 2), stray(ID, 1, 1, 2)]);
    let keys = Keys::new("/b");
    let txns = plan(&found, false).expect("complete").txns(&keys);
    let [txn] = &txns[..] else { panic!("{txns:?}") };
    // The restore count and the tombstone; of each partition its state and the report of its log;
    // the topic's key, and a configuration that deletes nothing.
    assert_eq!((txn.expects(), txn.ops()), (2 + 2 * 2 + 2, 2 + 2));
}

#[test]
fn large_topics_take_several_transactions() {
    let found = survey((0..500).map(|partition| stray(ID, 1, partition, 500)).collect());
    let txns = plan(&found, false).expect("complete").txns(&Keys::new("/b"));
    assert!(txns.iter().all(|txn| txn.expects() <= 120 && txn.ops() <= 120));
    assert_eq!(txns.iter().map(Txn::ops).sum::<usize>(), 500 + 2);
}

#[test]
fn a_topic_is_not_adopted_in_part_unless_that_is_wanted() {
    let found = survey(vec![stray(ID, 1, 0, 3), stray(ID, 1, 2, 3)]);
    let error = plan(&found, false).err().expect("partition 1 is missing").to_string();
    assert!(error.contains("[1]") && error.contains("--allow-missing"), "{error}");
    assert!(plan(&found, true).is_ok());
}

#[test]
fn a_name_that_is_taken_is_not_taken_away() {
    let other = TopicId(uuid::Uuid::from_u128(8));
    let found = survey(vec![stray(ID, 1, 0, 1), topic_key(other, 1)]);
    let error = plan(&found, false).err().expect("the name is taken").to_string();
    assert!(error.contains("--as"), "{error}");
    let topic: &Topic = &found.topics[0];
    let free = Adoption::plan(topic, "old".into(), Place::default(), found.restored, false);
    assert!(free.is_ok());
    assert!(topic.reason(&topic.logs[0]).contains(&other.to_kafka_string()));
}

#[test]
fn partitions_beyond_a_restored_topic_are_added_to_it() {
    let found = survey(vec![stray(ID, 1, 1, 2), topic_key(ID, 1)]);
    assert_eq!(found.topics[0].reason(&found.topics[0].logs[0]), "the topic has 1 partition(s)");
    // The state of partition 0 is not there either, and nobody has a log of it.
    assert!(plan(&found, false).is_err());
    assert!(delete::txns(&Keys::new("/b"), &found.topics[0], found.restored).is_err());
}

#[test]
fn topics_are_found_by_name_and_by_id() {
    let other = TopicId(uuid::Uuid::from_u128(8));
    let found = survey(vec![stray(ID, 1, 0, 1), stray(other, 2, 0, 1)]);
    assert!(find(&found, "orders").is_err(), "there are two");
    assert_eq!(find(&found, &other.to_kafka_string()).expect("one").id, other);
    assert!(find(&found, "none").is_err());
    let json = list::json(&found);
    assert_eq!(json["topics"][0]["logs"][0]["log_end"], 10);
}

#[test]
fn deleting_names_the_brokers_that_hold_data() {
    let found = survey(vec![stray(ID, 1, 0, 2), stray(ID, 3, 1, 2), stray(ID, 1, 1, 2)]);
    assert_eq!(found.restored.unchanged, Expect::Absent);
    let txns = delete::txns(&Keys::new("/b"), &found.topics[0], found.restored).expect("stray");
    assert_eq!((txns.len(), txns[0].ops()), (1, 1));
    assert!(format!("{:?}", txns[0]).contains("[1,3]"), "{:?}", txns[0]);
}
