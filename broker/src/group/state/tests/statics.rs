//! Static members (KIP-345).

use super::*;

fn instance(member: &str, instance: &str) -> Join {
    Join { instance: Some(instance.into()), ..new_member(member) }
}

/// A stable group of the instances `i` (member `a`, the leader) and `j` (member `b`).
fn stable() -> Scene {
    let mut scene = Scene::new();
    scene.join(instance("a", "i"));
    scene.join(instance("b", "j"));
    scene.pass(2 * DELAY_MS);
    scene.sync("b", 1, &[]);
    scene.sync("a", 1, &[("a", "for i"), ("b", "for j")]);
    scene.persisted(Ok(()));
    scene
}

fn beat(scene: &mut Scene, member: &str, instance: &str) -> Result<(), GroupError> {
    let caller = Caller { instance: Some(instance.into()), ..caller(member, 1) };
    scene.on(|group, cx| group.heartbeat(cx, &caller)).0
}

#[test]
fn an_instance_that_comes_back_takes_its_place_without_a_rebalance() {
    let mut scene = stable();
    let said = scene.join(instance("c", "j"));
    let kept = Said::Persisted { generation: 1, members: 2 };
    assert_eq!(said, [kept]);
    assert_eq!(beat(&mut scene, "b", "j"), Err(GroupError::FencedInstance));
    // It would not know itself after a restart of the broker if it heard of its id earlier.
    let said = scene.persisted(Ok(()));
    assert_eq!(said, [Said::Joined(5, Ok(joined("c", 1, "a", &[])))]);
    assert_eq!(beat(&mut scene, "c", "j"), Ok(()));
    assert_eq!(scene.sync("c", 1, &[]), [Said::Synced(6, Ok(synced("for j")))]);
}

#[test]
fn a_leader_that_comes_back_is_told_to_keep_the_assignment() {
    let mut scene = stable();
    scene.join(instance("c", "i"));
    let said = scene.persisted(Ok(()));
    let Some(Said::Joined(5, Ok(told))) = said.last() else { panic!("{said:?}") };
    assert_eq!((told.skip_assignment, &*told.leader, told.members.len()), (true, "c", 2));
    // Older clients do not know how to skip: they are told that they follow.
    scene.join(Join { can_skip_assignment: false, ..instance("d", "i") });
    let said = scene.persisted(Ok(()));
    let Some(Said::Joined(6, Ok(told))) = said.last() else { panic!("{said:?}") };
    assert_eq!((told.skip_assignment, &*told.leader, told.members.len()), (false, "c", 0));
}

#[test]
fn an_instance_whose_new_id_cannot_be_kept_joins_once_more() {
    let mut scene = stable();
    scene.join(instance("c", "j"));
    let error = GroupError::NotAvailable;
    assert_eq!(scene.persisted(Err(error)), [Said::Joined(5, Err(refused(error, "")))]);
    scene.join(instance("d", "j"));
    let said = scene.join(instance("e", "j"));
    assert_eq!(said[0], Said::Joined(6, Err(refused(GroupError::FencedInstance, "d"))));
    assert_eq!(scene.persisted(Ok(())), [Said::Joined(7, Ok(joined("e", 1, "a", &[])))]);
}

#[test]
fn an_instance_that_came_back_has_joined_the_next_generation() {
    let mut scene = stable();
    scene.join(instance("c", "j"));
    assert_eq!(scene.join(Join { instance: Some("i".into()), ..known_member("a") }).len(), 2);
    assert_eq!(scene.group.state_name(), "CompletingRebalance");
    assert_eq!(scene.persisted(Ok(())), []);
}

#[test]
fn an_instance_that_replaces_one_that_waits_can_wait_as_long() {
    let mut scene = Scene::new();
    scene.join(Join { rebalance_timeout_ms: 60_000, ..instance("a", "i") });
    scene.join(Join { rebalance_timeout_ms: 60_000, ..instance("b", "i") });
    for more in ["c", "d", "e", "f"] {
        scene.pass(DELAY_MS - 1);
        scene.join(new_member(more));
    }
    assert!(scene.group.members.contains_key("b"));
}

#[test]
fn an_instance_with_another_protocol_starts_a_rebalance() {
    let mut scene = stable();
    scene.join(Join { protocols: vec![protocol("range"), protocol("x")], ..instance("c", "j") });
    assert_eq!(scene.group.state_name(), "Stable");
    let said = scene.join(Join { protocols: vec![protocol("x")], ..instance("d", "j") });
    assert_eq!(said, [Said::Joined(6, Err(refused(GroupError::InconsistentProtocol, "")))]);
}

#[test]
fn who_waits_under_the_same_instance_is_fenced() {
    let mut scene = Scene::new();
    scene.join(instance("a", "i"));
    let said = scene.join(instance("b", "i"));
    assert_eq!(said, [Said::Joined(1, Err(refused(GroupError::FencedInstance, "a")))]);
    let said = scene.pass(2 * DELAY_MS);
    let Some(Said::Joined(2, Ok(told))) = said.last() else { panic!("{said:?}") };
    assert_eq!((&*told.leader, told.members.len()), ("b", 1));
}

#[test]
fn an_instance_is_not_entered_with_the_id_of_who_was_told_to_come_back() {
    let mut scene = Scene::new();
    scene.join(instance("a", "i"));
    scene.join(Join { needs_member_id: true, ..new_member("b") });
    let with = |instance: &str| Join { instance: Some(instance.into()), ..known_member("b") };
    let said = scene.join(with("i"));
    assert_eq!(said, [Said::Joined(3, Err(refused(GroupError::FencedInstance, "b")))]);
    let said = scene.join(with("j"));
    assert_eq!(said, [Said::Joined(4, Err(refused(GroupError::UnknownMember, "b")))]);
    assert_eq!(scene.join(known_member("b")), []);
    assert_eq!(scene.group.members.len(), 2);
}

#[test]
fn an_instance_stays_through_rebalances_until_its_session_ends() {
    let mut scene = stable();
    scene.leave("x");
    scene.join(Join { instance: Some("i".into()), ..known_member("a") });
    assert_eq!(scene.group.state_name(), "PreparingRebalance");
    for _ in 0..4 {
        assert_eq!(beat(&mut scene, "b", "j"), Err(GroupError::RebalanceInProgress));
        scene.pass(7_400);
    }
    beat(&mut scene, "b", "j").expect_err("rebalancing");
    scene.pass(1_000);
    assert_eq!(scene.group.state_name(), "CompletingRebalance");
    assert_eq!(scene.group.members.len(), 2);
}

#[test]
fn an_instance_can_be_removed_by_its_name() {
    let mut scene = stable();
    let leaver = |member: &str, instance: &str| Leaver {
        member_id: member.into(),
        instance: Some(instance.into()),
    };
    let leavers = [leaver("", "i"), leaver("x", "j"), leaver("", "k"), leaver("b", "j")];
    let (results, said) = scene.on(|group, cx| group.leave(cx, &leavers));
    let fenced = Err(GroupError::FencedInstance);
    let unknown = Err(GroupError::UnknownMember);
    assert_eq!(results, Ok(vec![Ok(()), fenced, unknown, Ok(())]));
    assert_eq!(said, [Said::Persisted { generation: 2, members: 0 }]);
}
