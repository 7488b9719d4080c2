//! The coordinator against etcd: the real one where it is installed, else the embedded one.

mod etcd_away;
mod node;
mod offsets;

use std::sync::Arc;

use super::*;
use crate::metadata::Image;
use node::{Backing, Node};
pub(super) use node::{config, keys};

pub(super) fn join(member: &str) -> Join {
    Join {
        member_id: Str::default(),
        instance: None,
        new_member_id: member.into(),
        client_id: "client".into(),
        client_host: "/127.0.0.1".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 10_000,
        protocol_type: "consumer".into(),
        protocols: vec![Protocol { name: "range".into(), metadata: bytes::Bytes::from("topics") }],
        needs_member_id: false,
        can_skip_assignment: true,
    }
}

pub(super) fn caller(member: &str, generation: i32) -> Caller {
    Caller { member_id: member.into(), instance: None, generation }
}

fn sync(member: &str, generation: i32, assignments: &[(&str, &'static str)]) -> SyncGroup {
    let assignments = assignments.iter();
    SyncGroup {
        caller: caller(member, generation),
        protocol_type: Some("consumer".into()),
        protocol: Some("range".into()),
        assignments: assignments.map(|(id, a)| (Str::from(*id), bytes::Bytes::from(*a))).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_does_not_disturb_a_stable_group() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    let [one, two] = ["one", "two"].map(|member| node.groups.join("g".into(), join(member)));
    let (one, two) = tokio::join!(one, two);
    let (one, two) = (one.expect("joined"), two.expect("joined"));
    assert_eq!((one.generation, two.generation), (1, 1));
    let (leader, follower) = if one.leader == "one" { ("one", "two") } else { ("two", "one") };
    let assignments = [(leader, "for the leader"), (follower, "for the follower")];
    let (led, followed) = tokio::join!(
        node.groups.sync("g".into(), sync(leader, 1, &assignments)),
        node.groups.sync("g".into(), sync(follower, 1, &[])),
    );
    assert_eq!(led.expect("synced").assignment, "for the leader");
    assert_eq!(followed.expect("synced").assignment, "for the follower");
    let before = node.groups.describe("g".into()).await.expect("described");

    let node = node.restart(&backing).await;
    assert_eq!(node.groups.heartbeat("g".into(), caller(follower, 1)).await, Ok(()));
    assert_eq!(node.groups.describe("g".into()).await, Ok(before));
    let again = node.groups.sync("g".into(), sync(follower, 1, &[])).await;
    assert_eq!(again.expect("synced").assignment, "for the follower");

    let leavers = ["one", "two"].map(|m| Leaver { member_id: m.into(), instance: None });
    assert_eq!(node.groups.leave("g".into(), leavers.into()).await, Ok(vec![Ok(()); 2]));
    assert_eq!(node.groups.delete("g".into()).await, Ok(()));
    assert_eq!(node.groups.describe("g".into()).await, Err(GroupError::NotFound));
    assert_eq!(node.kept().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_wait_are_turned_away_when_the_shard_is_released() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    let groups = node.groups.clone();
    let waiting = tokio::spawn(async move { groups.join("g".into(), join("one")).await });
    // The group is there once it is described.
    while node.groups.describe("g".into()).await.is_err() {
        tokio::task::yield_now().await;
    }
    node.publish_without_broker();
    let refused = waiting.await.expect("no panic").expect_err("sent away");
    assert_eq!(refused.error, GroupError::NotCoordinator);
    assert_eq!(node.groups.coordinator_of("g"), None);
}
