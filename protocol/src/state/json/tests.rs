//! Values are read back as written, and what is no value is refused with the reason.

use super::*;
use crate::state::values::{
    Absence, BrokerRegistration, CommittedOffset, Config, Endpoint, GroupMember, GroupProtocol,
    GroupState, PartitionState, RecoveryState, Replica, Topic, Writer,
};
use proptest::prelude::*;

fn partition_state() -> PartitionState {
    PartitionState {
        version: 1,
        topic_id: "AAAAAAAAAAAAAAAAAAAAAQ".to_owned(),
        replicas: vec![2, 1],
        adding: vec![1],
        removing: vec![],
        min_isr: 1,
        leader: 2,
        leader_epoch: 7,
        isr: vec![Replica { id: 2, broker_epoch: 41 }],
        elr: vec![],
        failed: vec![1],
        recovery_state: RecoveryState::Recovering.into(),
        restored: 5,
        controller_epoch: 3,
        writer: Some(Writer { broker_id: 2, broker_epoch: 41, sequence: 9 }),
    }
}

const PARTITION_STATE: &str = r#"{"version":1,"topic_id":"AAAAAAAAAAAAAAAAAAAAAQ","replicas":[2,1],"adding":[1],"removing":[],"min_isr":1,"leader":2,"leader_epoch":7,"isr":[{"id":2,"broker_epoch":"41"}],"elr":[],"failed":[1],"recovery_state":"RECOVERING","restored":"5","controller_epoch":3,"writer":{"broker_id":2,"broker_epoch":"41","sequence":"9"}}"#;

#[test]
fn reads_like_documentation() {
    assert_eq!(String::from_utf8(to_json(&partition_state())).unwrap(), PARTITION_STATE);
    let empty = String::from_utf8(to_json(&BrokerRegistration::default())).unwrap();
    assert_eq!(
        empty,
        r#"{"version":1,"broker_id":0,"incarnation":"","data_dir_id":"","endpoints":[],"software_version":"","lease_id":"0","ready":false,"shutting_down":false,"directory_since":"0","lossless_since":"0","absences":[]}"#
    );
    let topic_id = "AAAAAAAAAAAAAAAAAAAAAQ".to_owned();
    let topic = Topic { version: 0, topic_id, partitions: 12 };
    assert_eq!(
        String::from_utf8(to_json(&topic)).unwrap(),
        r#"{"version":1,"topic_id":"AAAAAAAAAAAAAAAAAAAAAQ","partitions":12}"#
    );
}

/// What `from_json` says to the state above with one replacement made in its text.
fn edited(from: &str, to: &str) -> Result<PartitionState, StateError> {
    let text = PARTITION_STATE.replace(from, to);
    assert_ne!(text, PARTITION_STATE, "{from} is not there");
    from_json(text.as_bytes())
}

#[test]
fn other_spellings_are_read() {
    for (from, to) in [
        (r#""leader":2"#, r#" "leader" : 2"#),
        (r#""broker_epoch":"41""#, r#""broker_epoch":41"#),
        (r#""leader_epoch":7"#, r#""leader_epoch":7,"a_later_field":[1]"#),
        (r#""recovery_state":"RECOVERING""#, r#""recovery_state":1"#),
    ] {
        assert_eq!(edited(from, to), Ok(partition_state()), "{to}");
    }
}

#[test]
fn a_newer_version_is_told_from_garbage() {
    let newer = StateError::NewerVersion { name: "PartitionState", found: 2, supported: 1 };
    assert_eq!(edited(r#""version":1"#, r#""version":2"#), Err(newer.clone()));
    // Even where nothing else can be understood.
    assert_eq!(from_json::<PartitionState>(br#"{"version":2,"leader":{}}"#), Err(newer));
}

#[test]
fn missing_fields_are_not_zeros() {
    let missing =
        |field: &str| Err(StateError::Missing { name: "PartitionState", field: field.to_owned() });
    assert_eq!(edited(r#""version":1,"#, ""), missing("version"));
    assert_eq!(edited(r#""leader":2,"#, ""), missing("leader"));
    assert_eq!(edited(r#""elr":[],"#, ""), missing("elr"));
    assert_eq!(edited(r#"{"id":2,"#, "{"), missing("isr.0.id"));
    assert_eq!(edited(r#","sequence":"9""#, ""), missing("writer.sequence"));
    assert_eq!(from_json::<PartitionState>(b"{}"), missing("version"));
}

#[test]
fn garbage_and_wrong_types_are_refused() {
    for (from, to) in [
        (r#""leader":2"#, r#""leader":"two""#),
        (r#""leader":2"#, r#""leader":null"#),
        (r#""elr":[]"#, r#""elr":null"#),
        (r#""leader":2"#, r#""leader":2.5"#),
        (r#""leader":2"#, r#""leader":4294967296"#),
        (r#""leader":2"#, r#""leader":2,"leader":3"#),
        (r#""isr":["#, r#""isr":{"a":["#),
        (r#""broker_epoch":"41""#, r#""broker_epoch":"9223372036854775808""#),
        (r#""recovery_state":"RECOVERING""#, r#""recovery_state":"BROKEN""#),
        (r#""version":1"#, r#""version":0"#),
        (r#""version":1"#, r#""version":-1"#),
        (r#""version":1"#, r#""version":"1""#),
    ] {
        assert!(matches!(edited(from, to), Err(StateError::Invalid { .. })), "{to}");
    }
    for text in ["", "null", "1", "[]", "{", "\"x\"", "\u{0}", &"[".repeat(100_000)] {
        let read = from_json::<PartitionState>(text.as_bytes());
        assert!(matches!(read, Err(StateError::Invalid { .. })), "{text:.20}");
    }
}

fn group() -> impl Strategy<Value = GroupState> {
    let member = (any::<String>(), any::<Option<String>>(), any::<i32>(), any::<Vec<u8>>())
        .prop_map(|(id, instance, timeout, bytes)| GroupMember {
            member_id: id.clone(),
            group_instance_id: instance,
            client_id: id.clone(),
            client_host: String::new(),
            rebalance_timeout_ms: timeout,
            session_timeout_ms: timeout,
            protocols: vec![GroupProtocol { name: id, metadata: bytes.clone() }],
            assignment: bytes,
        });
    (any::<i32>(), any::<String>(), prop::collection::vec(member, 0..4), any::<i64>()).prop_map(
        |(generation, protocol, members, state_timestamp_ms)| GroupState {
            version: 1,
            generation,
            protocol_type: "consumer".to_owned(),
            leader: protocol.clone(),
            protocol,
            members,
            state_timestamp_ms,
        },
    )
}

proptest! {
    #[test]
    fn groups_round_trip(group in group()) {
        prop_assert_eq!(from_json::<GroupState>(&to_json(&group)), Ok(group));
    }

    #[test]
    fn topics_round_trip(topic_id: String, partitions: i32) {
        let topic = Topic { version: 1, topic_id, partitions };
        prop_assert_eq!(from_json::<Topic>(&to_json(&topic)), Ok(topic));
    }

    #[test]
    fn configs_round_trip(config: std::collections::BTreeMap<String, String>) {
        let config = Config { version: 1, config };
        prop_assert_eq!(from_json::<Config>(&to_json(&config)), Ok(config));
    }

    #[test]
    fn registrations_round_trip(rack: Option<String>, host: String, port: i32, lease_id: i64, ready: bool) {
        let endpoint = Endpoint { listener: "A".into(), security_protocol: "SSL".into(), host, port };
        let registration = BrokerRegistration {
            version: 1, broker_id: port, incarnation: String::new(), data_dir_id: String::new(),
            endpoints: vec![endpoint], rack, software_version: "1".into(), lease_id, ready,
            shutting_down: !ready, directory_since: 3, lossless_since: lease_id,
            absences: vec![Absence { after: lease_id, before: 0 }],
        };
        prop_assert_eq!(from_json::<BrokerRegistration>(&to_json(&registration)), Ok(registration));
    }

    #[test]
    fn offsets_round_trip(
        topic_id: String, offset: i64, leader_epoch: i32, metadata: String, commit_timestamp_ms: i64,
        expire_timestamp_ms: Option<i64>,
    ) {
        let committed = CommittedOffset {
            version: 1, topic_id, offset, leader_epoch, metadata, commit_timestamp_ms, expire_timestamp_ms,
        };
        prop_assert_eq!(from_json::<CommittedOffset>(&to_json(&committed)), Ok(committed));
    }

    #[test]
    fn damage_never_panics(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut text = to_json(&partition_state());
        let at = at.index(text.len());
        text[at] = byte;
        let _ = from_json::<PartitionState>(&text);
        text.truncate(cut.index(text.len()));
        let _ = from_json::<PartitionState>(&text);
    }
}
