//! Committed offsets.

use barnabas_protocol::state::ids::{PartitionIndex, TopicId};
use futures_util::future::join_all;

use super::node::{LATER, Options, register, without_u};
use super::*;
use crate::env;
use crate::metadata::Revision;

fn at(topic: &str, partition: i32) -> TopicPartition {
    (topic.into(), PartitionIndex(partition))
}

/// The id that topics have in test images.
fn id(topic: &str) -> TopicId {
    TopicId(uuid::Uuid::from_u128(topic.bytes().map(u128::from).sum()))
}

/// An offset of the topic `t`.
fn committed(offset: i64) -> Committed {
    Committed {
        topic_id: id("t"),
        offset,
        leader_epoch: 3,
        metadata: "note".into(),
        timestamp_ms: 1000 + offset,
        expires_ms: None,
    }
}

async fn commit(node: &Node, topic: &str, partition: i32, offset: i64) -> Result<(), GroupError> {
    let committed = Committed { topic_id: id(topic), ..committed(offset) };
    let offsets = vec![(at(topic, partition), committed)];
    node.groups.commit("g".into(), caller("", -1), offsets).await?.remove(0)
}

async fn fetch(node: &Node) -> Vec<(TopicPartition, Committed)> {
    loop {
        match node.groups.fetch("g".into(), None).await {
            // As a client does: the shard is still being read.
            Err(GroupError::Loading) => tokio::task::yield_now().await,
            fetched => return fetched.expect("fetched"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_survive_a_restart() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    // More than fit in one transaction.
    let offsets: Vec<_> = (0..300).map(|p| (at("t", p), committed(i64::from(p)))).collect();
    let results = node.groups.commit("g".into(), caller("", -1), offsets.clone()).await;
    assert_eq!(results, Ok(vec![Ok(()); 300]));
    assert_eq!(fetch(&node).await, offsets);
    let node = node.restart(&backing).await;
    assert_eq!(fetch(&node).await, offsets);
    let some = node.groups.fetch("g".into(), Some(vec![at("t", 7), at("t", 900)])).await;
    assert_eq!(some, Ok(vec![(at("t", 7), committed(7))]));
    assert_eq!(node.kept().await.len(), 300);
    assert!(node.kept().await.contains(&"g/offsets/t/299".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_commits_at_once_what_is_served_is_what_is_kept() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    let commits = (0..500).map(|n| commit(&node, "t", n % 2, n.into()));
    assert!(join_all(commits).await.into_iter().all(|result| result == Ok(())));
    let served = fetch(&node).await;
    assert_eq!(served.len(), 2);
    let node = node.restart(&backing).await;
    assert_eq!(fetch(&node).await, served);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_registered_any_more_commits_nothing() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    assert_eq!(commit(&node, "t", 0, 5).await, Ok(()));
    let epoch = register(&node.client).await;
    assert_eq!(commit(&node, "t", 0, 6).await, Err(GroupError::NotCoordinator));
    node.publish(epoch);
    node.ready().await;
    // As a client does: the shard may be the earlier life's still, or be read just now.
    loop {
        match commit(&node, "t", 1, 7).await {
            Err(GroupError::NotCoordinator | GroupError::Loading) => node.ready().await,
            committed => break assert_eq!(committed, Ok(())),
        }
    }
    assert_eq!(fetch(&node).await, [(at("t", 0), committed(5)), (at("t", 1), committed(7))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_etcd_offsets_are_served_and_commits_are_to_be_repeated() {
    let mut backing = Backing::start().await;
    let node = Node::start(&backing).await;
    assert_eq!(commit(&node, "t", 0, 5).await, Ok(()));
    backing.stop().await;
    assert_eq!(commit(&node, "t", 0, 6).await, Err(GroupError::NotAvailable));
    assert_eq!(fetch(&node).await, [(at("t", 0), committed(5))]);
    backing.resume().await;
    while commit(&node, "t", 0, 7).await != Ok(()) {}
    assert_eq!(fetch(&node).await, [(at("t", 0), committed(7))]);
    let node = node.restart(&backing).await;
    assert_eq!(fetch(&node).await, [(at("t", 0), committed(7))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_wrote_is_written_over() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    let key = keys().group_offset("g", "t", PartitionIndex(0));
    let txn = barnabas_coordinator_client::Txn::new().put(key, "something else");
    node.client.txn(txn).await.expect("written");
    assert_eq!(commit(&node, "t", 0, 5).await, Ok(()));
    let node = node.restart(&backing).await;
    assert_eq!(fetch(&node).await, [(at("t", 0), committed(5))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_group_keeps_nothing_of_what_was_being_committed() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    for n in 0..100 {
        assert_eq!(commit(&node, "t", 0, n).await, Ok(()));
        // Both are in the shard's mailbox, the commit first.
        let (committed, deleted) =
            tokio::join!(biased; commit(&node, "t", 1, n), node.groups.delete("g".into()));
        assert_eq!((committed, deleted), (Ok(()), Ok(())));
        assert_eq!(node.kept().await, [""; 0]);
    }
}

/// As Kafka has it: a group with committed offsets is empty without them, and not gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_stays_when_its_last_offset_is_deleted() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    assert_eq!(commit(&node, "t", 0, 5).await, Ok(()));
    let deleted = node.groups.delete_offsets("g".into(), vec![at("t", 0), at("t", 3)]).await;
    assert_eq!(deleted, Ok(vec![Ok(()); 2]));
    assert_eq!(node.kept().await, [""; 0]);
    let listed = node.groups.list().await.expect("listed");
    assert_eq!(listed.iter().map(|g| (&*g.group, g.state)).collect::<Vec<_>>(), [("g", "Empty")]);
    assert_eq!(node.groups.delete("g".into()).await, Ok(()));
    assert_eq!(node.groups.list().await, Ok(vec![]));
    assert_eq!(node.groups.delete("g".into()).await, Err(GroupError::NotFound));
}

/// The broker dies right after a topic was deleted, and the topic is created again before it
/// returns.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_topic_does_not_inherit_the_offsets_of_a_deleted_one() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    assert_eq!(commit(&node, "t", 0, 5).await, Ok(()));
    assert_eq!(commit(&node, "u", 0, 5).await, Ok(()));
    let image = |image: Image| image.with_recreated("t", 7, 60);
    let node = node.restart_with(&backing, Options { image, ..Options::default() }).await;
    let of_u = Committed { topic_id: id("u"), ..committed(5) };
    assert_eq!(fetch(&node).await, [(at("u", 0), of_u)]);
    let asked = node.groups.fetch("g".into(), Some(vec![at("t", 0)])).await;
    assert_eq!(asked, Ok(vec![]));
    // A commit for the new topic takes the place of the old offset.
    let new = Committed { topic_id: TopicId(uuid::Uuid::from_u128(7)), ..committed(9) };
    let offsets = vec![(at("t", 0), new.clone())];
    let done = node.groups.commit("g".into(), caller("", -1), offsets).await;
    assert_eq!(done, Ok(vec![Ok(())]));
    let asked = node.groups.fetch("g".into(), Some(vec![at("t", 0)])).await;
    assert_eq!(asked, Ok(vec![(at("t", 0), new)]));
}

/// What the image does not show may be there all the same: a value that cannot be read, for one.
#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_deleted_only_if_etcd_has_no_such_topic() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    node.write_topic("u").await;
    assert_eq!(commit(&node, "t", 0, 5).await, Ok(()));
    assert_eq!(commit(&node, "u", 0, 5).await, Ok(()));
    node.publish_changed(without_u);
    assert_eq!(fetch(&node).await, [(at("t", 0), committed(5))]);
    // Loading a shard deletes offsets of topics that are gone. There is a key for `u`, and none for
    // `t`.
    let gone = |image| without_u(image).without_topic("t");
    let node = node.restart_with(&backing, Options { image: gone, ..Options::default() }).await;
    while node.kept().await.len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.kept().await, ["g/offsets/u/0"]);
    node.publish_changed(std::convert::identity);
    let of_u = Committed { topic_id: id("u"), ..committed(5) };
    assert_eq!(fetch(&node).await, [(at("u", 0), of_u)]);
}

/// Another broker committed for a topic that this broker's image does not show yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_shard_is_served_once_the_image_shows_the_topics_of_its_offsets() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    node.write_topic("u").await;
    assert_eq!(commit(&node, "u", 0, 5).await, Ok(()));
    let image = |image| Image { revision: Revision(0), ..without_u(image) };
    let options = Options { image, wait: false, ..Options::default() };
    let node = node.restart_with(&backing, options).await;
    let early = node.groups.fetch("g".into(), None).await;
    assert!(matches!(early, Err(GroupError::Loading | GroupError::NotCoordinator)), "{early:?}");
    node.publish_changed(|image| Image { revision: LATER, ..image });
    node.ready().await;
    let of_u = Committed { topic_id: id("u"), ..committed(5) };
    assert_eq!(fetch(&node).await, [(at("u", 0), of_u)]);
}

/// Offsets expire, and an empty group goes with them at the check of the retention.
#[tokio::test(flavor = "multi_thread")]
async fn an_empty_group_expires_with_its_last_offset() {
    let backing = Backing::start().await;
    let config = "offsets.retention.check.interval.ms=50\n";
    let node = Node::start_with(&backing, Options { config, ..Options::default() }).await;
    let fresh = Committed { timestamp_ms: env::wall_clock_ms(), ..committed(5) };
    let offsets = vec![(at("t", 0), fresh.clone()), (at("t", 1), committed(6))];
    let done = node.groups.commit("g".into(), caller("", -1), offsets).await;
    assert_eq!(done, Ok(vec![Ok(()); 2]));
    while fetch(&node).await.len() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(fetch(&node).await, [(at("t", 0), fresh)]);
    let deleted = node.groups.delete_offsets("g".into(), vec![at("t", 0)]).await;
    assert_eq!(deleted, Ok(vec![Ok(())]));
    while node.groups.list().await != Ok(vec![]) {
        tokio::task::yield_now().await;
    }
}

/// Two brokers that do not know of each other both take the groups for theirs.
#[tokio::test(flavor = "multi_thread")]
async fn a_coordinator_that_was_replaced_overwrites_nothing() {
    let backing = Backing::start().await;
    let node = Node::start(&backing).await;
    assert_eq!(commit(&node, "t", 0, 5).await, Ok(()));
    let other =
        Node::start_with(&backing, Options { broker: BrokerId(2), ..Options::default() }).await;
    assert_eq!(fetch(&other).await, [(at("t", 0), committed(5))]);
    assert_eq!(commit(&other, "t", 0, 7).await, Ok(()));
    assert_eq!(commit(&node, "t", 0, 6).await, Err(GroupError::NotCoordinator));
    // It still takes itself for the coordinator: it claims the groups again, and knows what the
    // other has written.
    assert_eq!(fetch(&node).await, [(at("t", 0), committed(7))]);
    assert_eq!(commit(&node, "t", 0, 8).await, Ok(()));
    assert_eq!(commit(&other, "t", 0, 6).await, Err(GroupError::NotCoordinator));
}
