//! Who may be in a group, and what others may do.

use std::collections::BTreeSet;

use super::*;

#[test]
fn a_new_client_joins_twice() {
    let mut scene = Scene::new();
    let join = Join { needs_member_id: true, ..new_member("a") };
    let said = scene.join(join.clone());
    assert_eq!(said, [Said::Joined(1, Err(refused(GroupError::MemberIdRequired, "a")))]);
    assert!(!scene.group.is_vacant());
    assert_eq!(scene.join(known_member("a")), []);
    assert_eq!(scene.pass(DELAY_MS), [Said::Joined(2, Ok(joined("a", 1, "a", &["a"])))]);
    // One that never comes back is forgotten.
    scene.join(Join { new_member_id: "b".into(), ..join });
    scene.pass(SESSION_MS as u64);
    let said = scene.join(known_member("b"));
    assert_eq!(said, [Said::Joined(4, Err(refused(GroupError::UnknownMember, "b")))]);
}

#[test]
fn a_rebalance_waits_for_who_was_told_to_come_back() {
    let mut scene = Scene::stable(&["a"]);
    let replies = scene.replies;
    scene.join(Join { needs_member_id: true, ..new_member("b") });
    assert_eq!(scene.join(known_member("a")), []);
    assert_eq!(scene.leave("b").0, [Ok(())]);
    assert_eq!(scene.group.state_name(), "CompletingRebalance");
    assert_eq!(scene.replies, replies + 2);
}

#[test]
fn a_full_group_takes_nobody() {
    let mut scene = Scene { max_size: 2, ..Scene::stable(&["a", "b"]) };
    let replies = scene.replies;
    let full = |reply| Said::Joined(reply, Err(refused(GroupError::MaxSizeReached, "")));
    assert_eq!(scene.join(new_member("c")), [full(replies + 1)]);
    assert_eq!(scene.group.state_name(), "Stable");
    // A group that has become too large shrinks when it rebalances.
    scene.max_size = 1;
    assert_eq!(scene.join(known_member("a")), []);
    let alone = Said::Joined(replies + 2, Ok(joined("a", 2, "a", &["a"])));
    assert_eq!(scene.join(known_member("b")), [alone, full(replies + 3)]);
}

#[test]
fn a_group_that_is_read_shrinks_if_it_has_become_too_large() {
    let mut scene = Scene::stable(&["a", "b"]);
    scene.max_size = 1;
    scene.on(Group::loaded);
    assert_eq!(scene.group.state_name(), "PreparingRebalance");
    let mut scene = Scene::stable(&["a", "b"]);
    scene.on(Group::loaded);
    assert_eq!(scene.group.state_name(), "Stable");
}

#[test]
fn callers_are_judged_in_kafkas_order() {
    let mut scene = Scene::stable(&["a"]);
    assert_eq!(scene.heartbeat("x", 9), Err(GroupError::UnknownMember));
    assert_eq!(scene.heartbeat("a", 0), Err(GroupError::IllegalGeneration));
    let replies = scene.replies;
    let said = scene.sync("a", 7, &[]);
    assert_eq!(said, [Said::Synced(replies + 1, Err(GroupError::IllegalGeneration))]);
    let said = scene.join(Join { protocol_type: "connect".into(), ..known_member("a") });
    assert_eq!(
        said,
        [Said::Joined(replies + 2, Err(refused(GroupError::InconsistentProtocol, "a")))]
    );
}

#[test]
fn outsiders_commit_while_nobody_is_in_the_group() {
    let mut scene = Scene::new();
    let commit = |scene: &mut Scene, member: &str, generation: i32| {
        scene.on(|group, cx| group.check_commit(cx, &caller(member, generation))).0
    };
    assert_eq!(commit(&mut scene, "", -1), Ok(()));
    assert_eq!(commit(&mut scene, "a", 1), Err(GroupError::UnknownMember));
    scene.join(new_member("a"));
    scene.pass(DELAY_MS);
    assert_eq!(commit(&mut scene, "a", 1), Err(GroupError::RebalanceInProgress));
    scene.sync("a", 1, &[]);
    scene.persisted(Ok(()));
    assert_eq!(commit(&mut scene, "", -1), Err(GroupError::UnknownMember));
    assert_eq!(commit(&mut scene, "a", 2), Err(GroupError::IllegalGeneration));
    assert_eq!(commit(&mut scene, "a", 1), Ok(()));
    scene.join(new_member("b"));
    assert_eq!(commit(&mut scene, "a", 1), Ok(()));
}

#[test]
fn only_an_empty_group_is_deleted_and_nobody_joins_meanwhile() {
    let mut scene = Scene::stable(&["a"]);
    assert_eq!(scene.group.begin_delete(), Err(GroupError::NonEmpty));
    scene.leave("a");
    assert_eq!(scene.group.begin_delete(), Ok(()));
    let replies = scene.replies;
    let said = scene.join(new_member("b"));
    assert_eq!(said, [Said::Joined(replies + 1, Err(refused(GroupError::NotAvailable, "")))]);
    assert_eq!(scene.group.begin_delete(), Err(GroupError::NotFound));
    scene.group.undo_delete();
    assert_eq!(scene.group.state_name(), "Empty");
}

#[test]
fn the_topics_of_consumers_are_known() {
    let subscription = |topics: &[&str]| {
        let mut bytes = vec![0, 0];
        bytes.extend((topics.len() as i32).to_be_bytes());
        for topic in topics {
            bytes.extend((topic.len() as i16).to_be_bytes());
            bytes.extend(topic.as_bytes());
        }
        bytes.extend((-1_i32).to_be_bytes());
        Bytes::from(bytes)
    };
    let join = |id: &str, metadata| Join {
        protocols: vec![Protocol { name: "range".into(), metadata }],
        ..new_member(id)
    };
    let mut scene = Scene::new();
    scene.join(join("a", subscription(&["x", "y"])));
    scene.join(join("b", subscription(&["y", "z"])));
    let topics: BTreeSet<_> = ["x", "y", "z"].map(Str::from).into();
    assert_eq!(scene.group.subscribed_topics(), Some(topics.clone()));
    // Who has not joined yet may subscribe to more.
    assert_eq!(scene.group.kept_from_expiry(), None);
    let mut stable = Scene { group: scene.group.clone(), ..Scene::new() };
    stable.pass(2 * DELAY_MS);
    stable.sync("a", 1, &[]);
    stable.persisted(Ok(()));
    assert_eq!(stable.group.kept_from_expiry(), Some(topics));
    // Whoever lies about its length is not understood.
    scene.join(join("c", Bytes::from_static(&[0, 0, 0x7f, 0xff, 0xff, 0xff])));
    assert_eq!(scene.group.check_offset_delete(), Err(GroupError::NonEmpty));
}

#[test]
fn who_waits_is_told_when_the_group_moves_to_another_broker() {
    let mut scene = Scene::new();
    scene.join(new_member("a"));
    let error = GroupError::NotCoordinator;
    let ((), said) = scene.on(|group, cx| group.resign(cx, error));
    assert_eq!(said, [Said::Joined(1, Err(refused(error, "a")))]);
}
