//! Keys are read back as they were written, and nothing else is read.

use super::*;
use proptest::prelude::*;

fn key() -> impl Strategy<Value = StateKey> {
    let name = || "\\PC{0,12}|[a-z/%<>]{0,8}|<default>|[\\x00-\\x20]{1,3}";
    let id = || (0..=i32::MAX).prop_map(BrokerId);
    let topic_id = || any::<u128>().prop_map(|id| TopicId(uuid::Uuid::from_u128(id)));
    let partition = || (0..=i32::MAX).prop_map(PartitionIndex);
    let kind = prop::sample::select(ConfigKind::ALL.to_vec());
    let coordinated = prop::sample::select(CoordinatorKind::ALL.to_vec());
    prop_oneof![
        Just(StateKey::ClusterId),
        Just(StateKey::Restored),
        Just(StateKey::Clock),
        Just(StateKey::Controller),
        Just(StateKey::ControllerEpoch),
        Just(StateKey::ProducerIdBlock),
        id().prop_map(StateKey::Broker),
        id().prop_map(StateKey::BrokerLives),
        id().prop_map(StateKey::BrokerState),
        name().prop_map(StateKey::Topic),
        (name(), partition())
            .prop_map(|(topic, partition)| StateKey::PartitionState { topic, partition }),
        topic_id().prop_map(StateKey::DeletedTopic),
        (id(), topic_id(), partition()).prop_map(|(broker, topic, partition)| StateKey::Stray {
            broker,
            topic,
            partition
        }),
        (kind, name()).prop_map(|(kind, name)| StateKey::Config { kind, name }),
        (coordinated, 0..=i32::MAX).prop_map(|(kind, shard)| StateKey::Coordinator { kind, shard }),
        name().prop_map(StateKey::GroupState),
        (name(), name(), partition()).prop_map(|(group, topic, partition)| {
            StateKey::GroupOffset { group, topic, partition }
        }),
        (name(), 0..=i64::MAX).prop_map(|(group, producer)| StateKey::GroupPending {
            group,
            producer: ProducerId(producer)
        }),
        name().prop_map(StateKey::Acl),
        (name(), name()).prop_map(|(user, mechanism)| StateKey::Scram { user, mechanism }),
    ]
}

#[test]
fn reads_like_documentation() {
    let keys = Keys::new("/barnabas/");
    assert_eq!(keys.topic("orders"), "/barnabas/brokers/topics/orders");
    assert_eq!(
        keys.partition_state("orders", PartitionIndex(3)),
        "/barnabas/brokers/topics/orders/partitions/3/state"
    );
    assert_eq!(
        keys.group_offset("team/a b%", "orders", PartitionIndex(0)),
        "/barnabas/consumers/team%2Fa%20b%25/offsets/orders/0"
    );
    assert_eq!(keys.broker_config(None), "/barnabas/config/brokers/<default>");
    assert_eq!(keys.broker_config(Some(BrokerId(1))), "/barnabas/config/brokers/1");
    assert_eq!(keys.config(ConfigKind::User, "<default>"), "/barnabas/config/users/%3Cdefault%3E");
    assert_eq!(keys.group_state(""), "/barnabas/consumers/%/state");
    assert_eq!(keys.all(), "/barnabas/");
}

#[test]
fn reads_no_other_keys() {
    let keys = Keys::new("/barnabas");
    for key in [
        "",
        "/barnabas",
        "/barnabas/",
        "/barnabas2/controller",
        "/other/controller",
        "/barnabas/controller/",
        "/barnabas/controller/x",
        "/barnabas/brokers/ids/",
        "/barnabas/brokers/ids/+1",
        "/barnabas/brokers/ids/01",
        "/barnabas/brokers/ids/-1",
        "/barnabas/brokers/ids/4294967296",
        "/barnabas/brokers/topics/",
        "/barnabas/brokers/topics/a/partitions/0",
        "/barnabas/brokers/topics/a/partitions//state",
        "/barnabas/brokers/topics/a%2fb",
        "/barnabas/brokers/topics/%41",
        "/barnabas/brokers/topics/%4",
        "/barnabas/consumers//state",
        "/barnabas/consumers/g/offsets/t",
        "/barnabas/consumers/g/offsets/t/0/x",
        "/barnabas/config/topics/%",
        "/barnabas/config/planets/mars",
    ] {
        assert_eq!(keys.parse(key.as_bytes()), None, "{key}");
    }
    assert_eq!(keys.parse(b"/barnabas/brokers/topics/\xff"), None);
}

proptest! {
    #[test]
    fn round_trip(key in key(), prefix in "(/[a-z]{1,5}){0,2}") {
        let keys = Keys::new(&prefix);
        let text = key.to_key(&keys);
        prop_assert!(text.bytes().all(|b| b.is_ascii_graphic()));
        prop_assert_eq!(keys.parse(text.as_bytes()), Some(key));
    }

    #[test]
    fn what_is_read_is_what_was_written(path in "(cluster|brokers|config|consumers|scram|acls)(/[a-z0-9%<>]{0,10}){0,5}") {
        let keys = Keys::new("/p");
        let text = format!("/p/{path}");
        if let Some(key) = keys.parse(text.as_bytes()) {
            prop_assert_eq!(key.to_key(&keys), text);
        }
    }

    #[test]
    fn never_panics(bytes: Vec<u8>) {
        let _ = Keys::new("").parse(&bytes);
    }
}
