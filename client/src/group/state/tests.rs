use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::join_group::JoinGroupResponseMember;
use barnabas_protocol::kafka::messages::{HeartbeatResponse, JoinGroupResponse, SyncGroupResponse};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn topic() -> Str {
    Str::from_static("t")
}

fn set(indexes: impl IntoIterator<Item = i32>) -> PartitionSet {
    indexes.into_iter().map(|index| (topic(), index)).collect()
}

fn membership(assignors: &[Assignor]) -> Membership {
    let config = MemberConfig { assignors: assignors.to_vec(), ..MemberConfig::new("g".into()) };
    let mut member = Membership::new(config, BTreeSet::from([topic()]));
    assert_eq!(member.next(Duration::ZERO), Step::FindCoordinator);
    member.coordinator_found(Duration::ZERO, Ok(()));
    member
}

fn join_request(member: &mut Membership, now: Duration) -> JoinGroupRequest {
    match member.next(now) {
        Step::Join(request) => request,
        other => panic!("{other:?}"),
    }
}

fn joined(generation_id: i32, assignor: Assignor) -> JoinGroupResponse {
    JoinGroupResponse {
        generation_id,
        protocol_name: Some(assignor.name().into()),
        leader: "other".into(),
        member_id: "me".into(),
        ..JoinGroupResponse::default()
    }
}

fn synced(indexes: impl IntoIterator<Item = i32>) -> SyncGroupResponse {
    let assignment = Assignment { partitions: set(indexes) }.encode().expect("short names");
    SyncGroupResponse { assignment, ..SyncGroupResponse::default() }
}

/// Goes through a rebalance as a follower.
fn rebalance(
    member: &mut Membership,
    now: Duration,
    generation: i32,
    gets: impl IntoIterator<Item = i32>,
) -> JoinGroupRequest {
    let request = join_request(member, now);
    let assignor = *member.config.assignors.last().expect("one");
    member.joined(now, Ok(joined(generation, assignor)));
    assert!(matches!(member.next(now), Step::Sync(sync) if sync.generation_id == generation));
    member.synced(now, Ok(synced(gets)));
    request
}

fn beat(member: &mut Membership, now: Duration, code: ErrorCode) {
    assert!(matches!(member.next(now), Step::Heartbeat(_)), "no heartbeat is due");
    let answer = HeartbeatResponse { error_code: code, ..HeartbeatResponse::default() };
    member.heartbeat_answered(now, Ok(answer));
}

/// What a member of the group told about itself.
fn told(request: &JoinGroupRequest) -> Subscription {
    let protocol = request.protocols.last().expect("one");
    Subscription::decode(protocol.metadata.clone()).expect("well-formed")
}

#[test]
fn a_member_joins_with_the_id_it_is_given_and_beats() {
    let mut member = membership(&[Assignor::Range, Assignor::CooperativeSticky]);
    assert_eq!(join_request(&mut member, Duration::ZERO).member_id, "");
    let required = JoinGroupResponse {
        error_code: ErrorCode::MemberIdRequired,
        member_id: "me".into(),
        ..JoinGroupResponse::default()
    };
    member.joined(Duration::ZERO, Ok(required));
    let request = rebalance(&mut member, Duration::ZERO, 1, 0..2);
    assert_eq!(request.member_id, "me");
    assert_eq!(
        request.protocols.iter().map(|p| &*p.name).collect::<Vec<_>>(),
        ["range", "cooperative-sticky"]
    );
    let view = member.view();
    assert_eq!((view.held.set(), view.release, view.failure), (set(0..2), None, None));
    assert_eq!(view.committer.expect("in the group").generation, 1);
    assert_eq!(member.next(SECOND), Step::Wait(Some(3 * SECOND)));
    beat(&mut member, 3 * SECOND, ErrorCode::None);
    assert_eq!(member.next(3 * SECOND), Step::Wait(Some(6 * SECOND)));
}

#[test]
fn an_eager_member_gives_up_everything_before_it_joins() {
    let mut member = membership(&[Assignor::Range, Assignor::CooperativeSticky]);
    rebalance(&mut member, Duration::ZERO, 1, 0..2);
    beat(&mut member, 3 * SECOND, ErrorCode::RebalanceInProgress);
    assert!(matches!(member.next(3 * SECOND), Step::Wait(Some(_))));
    let view = member.view();
    assert!(view.held.is_empty() && view.committer.is_some());
    // The session goes on while the consumer commits.
    beat(&mut member, 6 * SECOND, ErrorCode::RebalanceInProgress);
    member.released(view.release.expect("asked for") + 1);
    assert!(matches!(member.next(6 * SECOND), Step::Wait(_)), "another release");
    member.released(view.release.expect("asked for"));
    let request = rebalance(&mut member, 6 * SECOND, 2, 1..2);
    assert!(told(&request).owned.is_empty());
    let view = member.view();
    assert_eq!(view.held.get("t", 1), Some(&2), "held anew");
}

#[test]
fn a_cooperative_member_gives_up_what_is_taken_and_joins_again() {
    let mut member = membership(&[Assignor::CooperativeSticky]);
    rebalance(&mut member, Duration::ZERO, 1, 0..3);
    beat(&mut member, 3 * SECOND, ErrorCode::RebalanceInProgress);
    let request = rebalance(&mut member, 3 * SECOND, 2, 0..2);
    assert_eq!((told(&request).owned, told(&request).generation), (set(0..3), 1));
    let view = member.view();
    assert_eq!(view.held.set(), set(0..2));
    assert_eq!(view.held.get("t", 0), Some(&1), "kept");
    member.released(view.release.expect("asked for"));
    let request = rebalance(&mut member, 4 * SECOND, 3, 0..2);
    assert_eq!(told(&request).owned, set(0..2));
    assert_eq!(member.view().release, None);
}

#[test]
fn a_leader_shares_out_what_all_want_and_watches_it() {
    let mut member = membership(&[Assignor::Range]);
    join_request(&mut member, Duration::ZERO);
    let other = |id: &str, wants: &str| JoinGroupResponseMember {
        member_id: id.into(),
        metadata: Subscription { topics: vec![wants.into()], ..Subscription::default() }
            .encode()
            .expect("short names"),
        ..JoinGroupResponseMember::default()
    };
    let mut answer = joined(1, Assignor::Range);
    answer.leader = "me".into();
    answer.members = vec![other("me", "t"), other("you", "u")];
    member.joined(Duration::ZERO, Ok(answer));
    let wanted = BTreeSet::from([topic(), "u".into()]);
    assert_eq!(member.next(Duration::ZERO), Step::Describe(wanted.clone()));
    let counts = BTreeMap::from([(topic(), 2), ("u".into(), 1)]);
    member.described(Duration::ZERO, Ok(counts.clone()));
    let Step::Sync(request) = member.next(Duration::ZERO) else { panic!("no sync") };
    let given = request.assignments.iter().map(|one| {
        let partitions = Assignment::decode(one.assignment.clone()).expect("ours").partitions;
        (&*one.member_id, partitions.len())
    });
    assert_eq!(given.collect::<Vec<_>>(), [("me", 2), ("you", 1)]);
    member.synced(Duration::ZERO, Ok(synced(0..2)));
    assert_eq!(member.watched().cloned().collect::<BTreeSet<_>>(), wanted);
    member.topics_are(BTreeSet::from([topic()]), &counts);
    assert!(matches!(member.next(SECOND), Step::Wait(_)));
    let more = BTreeMap::from([(topic(), 2), ("u".into(), 5)]);
    member.topics_are(BTreeSet::from([topic()]), &more);
    member.next(SECOND);
    let release = member.view().release.expect("a rebalance");
    member.released(release);
    join_request(&mut member, SECOND);
}

#[test]
fn a_member_that_was_thrown_out_has_lost_its_partitions() {
    for code in [ErrorCode::UnknownMemberId, ErrorCode::IllegalGeneration] {
        let mut member = membership(&[Assignor::Range]);
        rebalance(&mut member, Duration::ZERO, 1, 0..2);
        beat(&mut member, 3 * SECOND, code);
        let view = member.view();
        assert_eq!((view.held.len(), view.release, view.committer), (0, None, None));
        let id = join_request(&mut member, 3 * SECOND).member_id;
        assert_eq!(id.is_empty(), code == ErrorCode::UnknownMemberId);
    }
}

#[test]
fn a_coordinator_that_moves_is_followed_without_a_rebalance() {
    let mut member = membership(&[Assignor::Range]);
    rebalance(&mut member, Duration::ZERO, 1, 0..2);
    beat(&mut member, 3 * SECOND, ErrorCode::NotCoordinator);
    assert_eq!(member.view().held.len(), 2);
    assert!(matches!(member.next(3 * SECOND), Step::Wait(Some(_))), "it waits a little");
    assert_eq!(member.next(4 * SECOND), Step::FindCoordinator);
    member.coordinator_found(4 * SECOND, Err(Failure::Unreachable));
    assert_eq!(member.next(5 * SECOND), Step::FindCoordinator);
    member.coordinator_found(5 * SECOND, Ok(()));
    beat(&mut member, 5 * SECOND, ErrorCode::None);
}

#[test]
fn what_cannot_pass_ends_the_membership() {
    for (code, text) in [
        (ErrorCode::FencedInstanceId, "group.instance.id me has joined"),
        (ErrorCode::InconsistentGroupProtocol, "none of range is used by all members"),
        (ErrorCode::GroupAuthorizationFailed, "access to the group is denied"),
    ] {
        let mut member = membership(&[Assignor::Range]);
        member.config.instance_id = Some("me".into());
        join_request(&mut member, Duration::ZERO);
        let answer = JoinGroupResponse { error_code: code, ..JoinGroupResponse::default() };
        member.joined(Duration::ZERO, Ok(answer));
        assert_eq!(member.next(SECOND), Step::End);
        let failure = member.view().failure.expect("a failure").to_string();
        assert!(failure.contains(text), "{failure}");
    }
}

#[test]
fn a_stuck_consumer_lets_others_have_its_partitions_until_it_is_back() {
    let mut member = membership(&[Assignor::Range]);
    rebalance(&mut member, Duration::ZERO, 1, 0..2);
    let late = 300 * SECOND;
    assert_eq!(member.next(late), Step::Leave("me".into()));
    assert!(member.view().held.is_empty());
    assert_eq!(member.next(late), Step::Wait(None));
    member.polled(late + SECOND);
    assert_eq!(join_request(&mut member, late + SECOND).member_id, "");
}

#[test]
fn only_dynamic_members_say_that_they_go() {
    for (instance_id, told) in [(None, Some("me".into())), (Some("static".into()), None)] {
        let mut member = membership(&[Assignor::Range]);
        member.config.instance_id = instance_id;
        rebalance(&mut member, Duration::ZERO, 1, 0..2);
        assert_eq!(member.leave(), told);
    }
}
