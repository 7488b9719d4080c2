//! What clients are told while etcd does not answer.

use std::pin::pin;
use std::task::Poll;

use barnabas_coordinator_client::SessionState;
use barnabas_protocol::state::ids::{PartitionIndex, TopicId};
use futures_util::poll;

use super::node::Options;
use super::*;

/// A write is given up after a minute: whatever is answered sooner did not wait for that.
const PATIENT: Options = Options { config: "offsets.commit.timeout.ms=60000\n", ..Options::USUAL };

async fn commit(groups: &GroupManager, partition: i32, metadata: &str) -> Result<(), GroupError> {
    let committed = Committed {
        topic_id: TopicId(uuid::Uuid::from_u128(u128::from(b't'))),
        offset: 5,
        leader_epoch: -1,
        metadata: metadata.into(),
        timestamp_ms: 0,
        expires_ms: None,
    };
    let offsets = vec![(("t".into(), PartitionIndex(partition)), committed)];
    groups.commit("g".into(), caller("", -1), offsets).await?.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_write_are_refused_at_once() {
    let mut backing = Backing::start().await;
    let node = Node::start_with(&backing, PATIENT).await;
    assert_eq!(commit(&node.groups, 0, "").await, Ok(()));
    backing.stop().await;
    let groups = node.groups.clone();
    let in_flight = tokio::spawn(async move { commit(&groups, 0, "").await });
    let groups = node.groups.clone();
    let waiting = tokio::spawn(async move { commit(&groups, 1, "").await });
    node.session(SessionState::Suspect);
    // One of them may have been sent, and waits for its reply.
    let refused = Err(GroupError::NotAvailable);
    tokio::select! {
        first = in_flight => assert_eq!(first.expect("no panic"), refused),
        first = waiting => assert_eq!(first.expect("no panic"), refused),
    }
    assert_eq!(commit(&node.groups, 2, "").await, refused);
    assert_eq!(node.groups.delete("g".into()).await, refused);
    let joined = node.groups.join("g".into(), join("one")).await;
    assert_eq!(joined.expect_err("refused").error, GroupError::NotAvailable);
    assert_eq!(node.groups.fetch("g".into(), None).await.expect("from memory").len(), 1);
    backing.resume().await;
    node.session(SessionState::Connected);
    while commit(&node.groups, 2, "").await != Ok(()) {}
}

/// Clients that disconnect and come back leave their commits in the queue.
#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_that_wait_are_bounded() {
    let mut backing = Backing::start().await;
    let node = Node::start_with(&backing, PATIENT).await;
    backing.stop().await;
    let large = "x".repeat(1 << 20);
    let mut accepted = 0;
    loop {
        let mut sent = pin!(commit(&node.groups, accepted, &large));
        assert!(poll!(&mut sent).is_pending(), "the request is sent");
        // The shard answers in order: with this reply, it has taken or refused the commit.
        assert!(node.groups.fetch("g".into(), None).await.is_ok());
        if let Poll::Ready(refused) = poll!(&mut sent) {
            break assert_eq!(refused, Err(GroupError::NotAvailable));
        }
        accepted += 1;
        assert!(accepted < 100, "{accepted} MiB wait");
    }
    assert!(accepted > 0);
}
