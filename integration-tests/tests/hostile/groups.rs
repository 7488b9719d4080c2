//! Groups: members that are too many or say too much, and offsets that cannot be.

use std::time::Duration;

use barnabas_integration_tests::wait;
use barnabas_protocol::kafka::ErrorCode::{self, *};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::join_group::JoinGroupRequestProtocol;
use barnabas_protocol::kafka::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use barnabas_protocol::kafka::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopics,
};
use barnabas_protocol::kafka::messages::sync_group::SyncGroupRequestAssignment;
use barnabas_protocol::kafka::messages::*;
use bytes::Bytes;

use crate::neighbour::Neighbour;
use crate::raw::{Answer, PLACE, Raw, with_long_string};
use crate::target::{MIB, Target};

const LIMIT: Duration = Duration::from_secs(30);
const NO_DELAY: &str = "group.initial.rebalance.delay.ms=0";

/// A broker that has read its groups.
fn start(overrides: &[&str]) -> Target {
    let target = Target::start(overrides);
    target.wait_for_groups();
    target
}

/// Waits until a group has so many members, and so many joins have come.
fn wait_for_members(target: &Target, group: &str, count: usize) {
    let mut client = target.connect();
    let asked = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
    wait::until_true(LIMIT, "members", || client.ask(5, &asked).groups[0].members.len() == count);
}

fn protocols(names: usize, metadata: &Bytes) -> Vec<JoinGroupRequestProtocol> {
    let protocol = |n| JoinGroupRequestProtocol {
        name: Str::from(format!("p{n}")),
        metadata: metadata.clone(),
    };
    (0..names).map(protocol).collect()
}

fn join(group: &str, protocols: Vec<JoinGroupRequestProtocol>) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: group.into(),
        session_timeout_ms: 300_000,
        rebalance_timeout_ms: 300_000,
        protocol_type: "other".into(),
        protocols,
        ..JoinGroupRequest::default()
    }
}

/// The answer to a leader's assignment for itself.
fn sync(client: &mut Raw, group: &str, joined: &JoinGroupResponse, assignment: Bytes) -> ErrorCode {
    let member_id = joined.member_id.clone();
    let request = SyncGroupRequest {
        group_id: group.into(),
        generation_id: joined.generation_id,
        member_id: member_id.clone(),
        assignments: vec![SyncGroupRequestAssignment { member_id, assignment }],
        ..SyncGroupRequest::default()
    };
    client.ask(3, &request).error_code
}

/// A group of this run only, also where the broker is not.
fn offsets_group() -> Str {
    Str::from(format!("offsets-{}", std::process::id()))
}

fn commit_request(metadata: &str, offset: i64, partition_index: i32) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition {
        partition_index,
        committed_offset: offset,
        committed_metadata: Some(metadata.into()),
        ..OffsetCommitRequestPartition::default()
    };
    let topic = OffsetCommitRequestTopic { name: "odd".into(), partitions: vec![partition] };
    OffsetCommitRequest { group_id: offsets_group(), topics: vec![topic], ..Default::default() }
}

/// The committed offset of the partition; -1 where there is none.
fn committed(client: &mut Raw) -> i64 {
    let asked = OffsetFetchRequestTopics { name: "odd".into(), partition_indexes: vec![0] };
    let group = OffsetFetchRequestGroup {
        group_id: offsets_group(),
        topics: Some(vec![asked]),
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest { groups: vec![group], ..OffsetFetchRequest::default() };
    client.ask(8, &request).groups[0].topics[0].partitions[0].committed_offset
}

/// A commit that is refused leaves nothing behind: neither an offset nor one that waits to become
/// one.
#[test]
fn odd_commits_get_their_errors() {
    let mut target = start(&[]);
    target.create_topic("odd", &[]);
    let mut client = target.connect();
    for (bytes, partition, expected) in [
        (4097, 0, OffsetMetadataTooLarge),
        (32_000, 0, OffsetMetadataTooLarge),
        (0, 1, UnknownTopicOrPartition),
        (0, -1, UnknownTopicOrPartition),
        (0, i32::MIN, UnknownTopicOrPartition),
    ] {
        let request = commit_request(&"m".repeat(bytes), 5, partition);
        let code = client.ask(7, &request).topics[0].partitions[0].error_code;
        assert_eq!(code, expected, "{bytes} {partition}");
    }
    // No string of the protocol has more than 32 767 bytes.
    let mut talker = target.connect();
    talker.send(&with_long_string(8, &commit_request(PLACE, 5, 0), MIB));
    assert_eq!(talker.answer(), Answer::Closed);
    assert_eq!(committed(&mut client), -1);
    let most = commit_request(&"m".repeat(4096), 5, 0);
    assert_eq!(client.ask(8, &most).topics[0].partitions[0].error_code, None);
    assert_eq!(committed(&mut client), 5);
    // A member that does not exist, and a generation that never was.
    let mut stranger = commit_request("", 6, 0);
    stranger.generation_id_or_member_epoch = 3;
    stranger.member_id = "nobody".into();
    let code = client.ask(7, &stranger).topics[0].partitions[0].error_code;
    assert!(matches!(code, UnknownMemberId | IllegalGeneration), "{code:?}");
    assert_eq!(committed(&mut client), 5);
    target.is_well();
}

#[test]
fn odd_joins_get_their_errors() {
    let mut target = start(&[]);
    let mut client = target.connect();
    let asked = |group, session, names| JoinGroupRequest {
        session_timeout_ms: session,
        rebalance_timeout_ms: 10_000,
        ..join(group, protocols(names, &Bytes::new()))
    };
    for (request, expected) in [
        (asked("", 10_000, 1), InvalidGroupId),
        (asked("g", 0, 1), InvalidSessionTimeout),
        (asked("g", -1, 1), InvalidSessionTimeout),
        (asked("g", i32::MAX, 1), InvalidSessionTimeout),
        (asked("g", 10_000, 0), InconsistentGroupProtocol),
    ] {
        assert_eq!(client.ask(5, &request).error_code, expected, "{request:?}");
    }
    let mut stranger = asked("g", 10_000, 1);
    stranger.member_id = "nobody".into();
    assert_eq!(client.ask(5, &stranger).error_code, UnknownMemberId);
    target.is_well();
}

/// Two members with a hundred thousand protocols each: the one that both like best is found, and
/// where none is common the second is refused.
#[test]
fn members_with_a_hundred_thousand_protocols_are_served() {
    let mut target = start(&[NO_DELAY]);
    let neighbour = Neighbour::move_in(&target, 100);
    let many = format!("many-{}", std::process::id());
    let (mut one, mut two, mut three) = (target.connect(), target.connect(), target.connect());
    let first = join(&many, protocols(100_000, &Bytes::new()));
    let joined = one.ask(3, &first);
    assert_eq!(joined.error_code, None);
    let mut others = join(&many, protocols(100_000, &Bytes::new()));
    others.protocols.iter_mut().for_each(|p| p.name = Str::from(format!("q{}", p.name)));
    assert_eq!(three.ask(3, &others).error_code, InconsistentGroupProtocol);
    // The other way round: what the first likes least comes first.
    let mut second = join(&many, protocols(100_000, &Bytes::new()));
    second.protocols.reverse();
    two.send_request(3, &second);
    wait_for_members(&target, &many, 2);
    let again = JoinGroupRequest { member_id: joined.member_id, ..first };
    let (first, second) = (one.ask(3, &again), two.response::<JoinGroupRequest>(3));
    assert_eq!((first.error_code, second.error_code), (None, None));
    assert_eq!(first.generation_id, second.generation_id);
    assert_eq!((first.protocol_name.as_deref(), first.members.len()), (Some("p0"), 2));
    neighbour.move_out();
    target.is_well();
}

/// `group.max.size` holds for members with and without an id to come back with, and for those that
/// wait.
#[test]
fn groups_are_limited_in_size() {
    let mut target = start(&[NO_DELAY, "group.max.size=10"]);
    if !target.is_ours() {
        return;
    }
    let mut clients: Vec<Raw> = (0..300).map(|_| target.connect()).collect();
    let request = join("full", protocols(1, &Bytes::new()));
    let first = clients[0].ask(3, &request);
    assert_eq!(first.error_code, None);
    for client in &mut clients[1..] {
        client.send_request(3, &request);
    }
    // The first is still one of them, and loses its place to those that wait.
    wait_for_members(&target, "full", 11);
    let again = JoinGroupRequest { member_id: first.member_id, ..request };
    clients[0].send_request(3, &again);
    let codes = clients.iter_mut().map(|c| c.response::<JoinGroupRequest>(3).error_code);
    let codes: Vec<_> = codes.collect();
    let inside = codes.iter().filter(|code| **code == None).count();
    let full = codes.iter().filter(|code| **code == GroupMaxSizeReached).count();
    assert_eq!((inside, full), (10, 290));
    target.is_well();
}

/// A subscription or an assignment that Kafka could not keep. Kafka takes the first, and fails when
/// the group is complete.
#[test]
fn members_that_say_too_much_are_refused() {
    let mut target = start(&[NO_DELAY]);
    let neighbour = Neighbour::move_in(&target, 100);
    let mut client = target.connect();
    let refusal = if target.is_ours() { MessageTooLarge } else { UnknownServerError };
    for (bytes, expected) in [(MIB / 2, None), (2 * MIB, refusal), (50 * MIB, refusal)] {
        let group = format!("subscription-{bytes}-{}", std::process::id());
        let joined = client.ask(3, &join(&group, protocols(1, &vec![7; bytes].into())));
        let code = match joined.error_code {
            None => sync(&mut client, &group, &joined, Bytes::new()),
            refused => refused,
        };
        assert_eq!(code, expected, "a subscription of {bytes} bytes");
        let group = format!("assignment-{bytes}-{}", std::process::id());
        let joined = client.ask(3, &join(&group, protocols(1, &Bytes::new())));
        assert_eq!(joined.error_code, None);
        let code = sync(&mut client, &group, &joined, vec![7; bytes].into());
        assert_eq!(code, expected, "an assignment of {bytes} bytes");
    }
    neighbour.move_out();
    target.is_well();
}

/// Members that say as much as they may and are not heard of again: only so many are taken, and
/// usual ones still are.
#[test]
fn members_do_not_fill_the_memory() {
    let mut target = start(&[NO_DELAY]);
    if !target.is_ours() {
        return;
    }
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let mut client = target.connect();
    let large = protocols(1, &vec![7; MIB - 100].into());
    let mut join_as = |n: usize| client.ask(3, &join(&format!("g{n}"), large.clone())).error_code;
    assert_eq!((0..191).map(&mut join_as).find(|code| *code != None), Option::None);
    assert_eq!((191..400).map(&mut join_as).filter(|code| *code == None).count(), 1);
    assert_eq!(join_as(400), CoordinatorNotAvailable);
    let usual = join("usual", protocols(3, &vec![7; 2000].into()));
    assert_eq!(client.ask(3, &usual).error_code, None);
    target.has_grown_less("VmHWM", before, 400 * MIB, "for 400 members of 1 MiB each");
    neighbour.move_out();
    target.is_well();
}

/// What a group says is larger than etcd takes under one key: it works, and is not kept.
#[test]
fn a_group_that_is_too_large_to_be_kept_works() {
    let mut target = start(&[NO_DELAY]);
    if !target.is_ours() {
        return;
    }
    let mut clients: Vec<Raw> = (0..3).map(|_| target.connect()).collect();
    let request = join("large", protocols(1, &vec![7; MIB - 100].into()));
    let first = clients[0].ask(3, &request);
    for client in &mut clients[1..] {
        client.send_request(3, &request);
    }
    wait_for_members(&target, "large", 3);
    clients[0].send_request(3, &JoinGroupRequest { member_id: first.member_id, ..request });
    let joined: Vec<_> =
        clients.iter_mut().map(|client| client.response::<JoinGroupRequest>(3)).collect();
    let leader = joined.iter().position(|one| one.member_id == one.leader).expect("a leader");
    let code = sync(&mut clients[leader], "large", &joined[leader], Bytes::from_static(b"all"));
    assert_eq!(code, None);
    let asked = DescribeGroupsRequest { groups: vec!["large".into()], ..Default::default() };
    assert_eq!(target.ask(5, &asked).groups[0].group_state.as_str(), "Stable");
    target.is_well();
}
