//! Whole rebalances.

use super::*;

#[test]
fn the_first_rebalance_waits_for_more_members() {
    let mut scene = Scene::new();
    assert_eq!(scene.join(new_member("a")), []);
    assert_eq!(scene.pass(DELAY_MS - 1), []);
    assert_eq!(scene.join(new_member("b")), []);
    // Somebody came: wait once more.
    assert_eq!(scene.pass(1), []);
    assert_eq!(scene.pass(DELAY_MS - 1), []);
    assert_eq!(
        scene.pass(1),
        [
            Said::Joined(1, Ok(joined("a", 1, "a", &["a", "b"]))),
            Said::Joined(2, Ok(joined("b", 1, "a", &[]))),
        ]
    );
    assert_eq!(scene.group.state_name(), "CompletingRebalance");
}

#[test]
fn members_get_their_assignments_when_they_are_persisted() {
    let mut scene = Scene::new();
    scene.join(new_member("a"));
    scene.join(new_member("b"));
    scene.pass(2 * DELAY_MS);
    assert_eq!(scene.sync("b", 1, &[]), []);
    assert_eq!(scene.heartbeat("b", 1), Ok(()));
    let stored = [Said::Persisted { generation: 1, members: 2 }];
    assert_eq!(scene.sync("a", 1, &[("a", "for a"), ("b", "for b"), ("x", "lost")]), stored);
    assert_eq!(scene.group.state_name(), "CompletingRebalance");
    assert_eq!(
        scene.persisted(Ok(())),
        [Said::Synced(4, Ok(synced("for a"))), Said::Synced(3, Ok(synced("for b")))]
    );
    assert_eq!(scene.group.state_name(), "Stable");
    assert_eq!(scene.sync("b", 1, &[]), [Said::Synced(5, Ok(synced("for b")))]);
}

#[test]
fn an_assignment_that_cannot_be_persisted_is_void() {
    let mut scene = Scene::new();
    scene.join(new_member("a"));
    scene.pass(DELAY_MS);
    scene.sync("a", 1, &[("a", "x")]);
    let error = GroupError::NotAvailable;
    assert_eq!(scene.persisted(Err(error)), [Said::Synced(2, Err(error))]);
    assert_eq!(scene.group.state_name(), "PreparingRebalance");
    assert_eq!(scene.join(known_member("a")), [Said::Joined(3, Ok(joined("a", 2, "a", &["a"])))]);
}

#[test]
fn a_new_member_starts_a_rebalance_that_ends_when_all_have_joined() {
    let mut scene = Scene::stable(&["a", "b"]);
    let replies = scene.replies;
    assert_eq!(scene.join(new_member("c")), []);
    assert_eq!(scene.heartbeat("a", 1), Err(GroupError::RebalanceInProgress));
    assert_eq!(scene.join(known_member("b")), []);
    assert_eq!(
        scene.join(known_member("a")),
        [
            Said::Joined(replies + 3, Ok(joined("a", 2, "a", &["a", "b", "c"]))),
            Said::Joined(replies + 2, Ok(joined("b", 2, "a", &[]))),
            Said::Joined(replies + 1, Ok(joined("c", 2, "a", &[]))),
        ]
    );
}

#[test]
fn who_does_not_rejoin_in_time_is_left_behind_and_another_leads() {
    let mut scene = Scene::stable(&["a", "b"]);
    let replies = scene.replies;
    scene.join(known_member("a"));
    for _ in 0..5 {
        assert_eq!(scene.heartbeat("b", 1), Err(GroupError::RebalanceInProgress));
        assert_eq!(scene.pass(5_900), []);
    }
    assert_eq!(scene.pass(1_000), [Said::Joined(replies + 1, Ok(joined("a", 2, "a", &["a"])))]);
    assert_eq!(scene.heartbeat("b", 2), Err(GroupError::UnknownMember));
}

#[test]
fn a_silent_member_is_removed() {
    let mut scene = Scene::stable(&["a", "b"]);
    for _ in 0..2 {
        scene.pass(SESSION_MS as u64 - 1);
        assert_eq!(scene.heartbeat("a", 1).is_ok(), scene.group.members.len() == 2);
    }
    assert_eq!(scene.heartbeat("b", 1), Err(GroupError::UnknownMember));
    assert_eq!(scene.group.state_name(), "PreparingRebalance");
}

#[test]
fn who_never_asks_for_its_assignment_is_removed() {
    let mut scene = Scene::new();
    scene.join(new_member("a"));
    scene.join(new_member("b"));
    scene.pass(2 * DELAY_MS);
    assert_eq!(scene.sync("b", 1, &[]), []);
    // The leader lives, but never assigns.
    for _ in 0..6 {
        assert_eq!(scene.heartbeat("a", 1), Ok(()));
        assert_eq!(scene.group.state_name(), "CompletingRebalance");
        assert_eq!(scene.pass(4_900), []);
    }
    scene.heartbeat("a", 1).expect("alive");
    assert_eq!(scene.pass(1_000), [Said::Synced(3, Err(GroupError::RebalanceInProgress))]);
    assert_eq!(scene.heartbeat("a", 1), Err(GroupError::UnknownMember));
}

#[test]
fn the_last_one_leaves_an_empty_group() {
    let mut scene = Scene::stable(&["a"]);
    let said = [Said::Persisted { generation: 2, members: 0 }];
    assert_eq!(scene.leave("a"), (vec![Ok(())], said.into()));
    assert_eq!(scene.group.state_name(), "Empty");
    assert!(scene.group.is_vacant());
    assert_eq!(scene.group.next_deadline(), None);
}

#[test]
fn an_id_that_was_only_given_out_keeps_no_group_from_being_empty() {
    let mut scene = Scene::stable(&["a"]);
    let said = [Said::Persisted { generation: 2, members: 0 }];
    scene.join(Join { needs_member_id: true, ..new_member("b") });
    assert_eq!(scene.leave("a"), (vec![Ok(())], said.into()));
    assert_eq!(scene.group.state_name(), "Empty");
}

#[test]
fn the_protocol_is_what_all_support_and_most_prefer() {
    let mut scene = Scene::new();
    let with = |id: &str, names: &[&str]| Join {
        protocols: names.iter().copied().map(protocol).collect(),
        ..new_member(id)
    };
    scene.join(with("a", &["x", "range", "sticky"]));
    scene.join(with("b", &["sticky", "range"]));
    assert_eq!(scene.group.select_protocol().as_deref(), Some("range"));
    scene.join(with("c", &["sticky", "range"]));
    assert_eq!(scene.group.select_protocol().as_deref(), Some("sticky"));
    let said = scene.join(with("d", &["x"]));
    assert_eq!(said, [Said::Joined(4, Err(refused(GroupError::InconsistentProtocol, "")))]);
}

#[test]
fn a_follower_without_news_is_told_the_generation_but_a_leader_rebalances() {
    let mut scene = Scene::stable(&["a", "b"]);
    let replies = scene.replies;
    assert_eq!(
        scene.join(known_member("b")),
        [Said::Joined(replies + 1, Ok(joined("b", 1, "a", &[])))]
    );
    assert_eq!(scene.join(known_member("a")), []);
    assert_eq!(scene.group.state_name(), "PreparingRebalance");
}

#[test]
fn a_restored_group_goes_on() {
    let mut scene = Scene::stable(&["a", "b"]);
    let value = scene.group.to_value(Now::default());
    let (restored, _) = scene.on(|_, cx| Group::restore(cx, value));
    scene.group = restored;
    assert_eq!(scene.group.state_name(), "Stable");
    assert_eq!(scene.heartbeat("b", 1), Ok(()));
    scene.pass(SESSION_MS as u64 + REBALANCE_MS as u64);
    assert_eq!(scene.group.state_name(), "Empty");
}
