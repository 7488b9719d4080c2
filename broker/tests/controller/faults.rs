//! What must hold when processes die, replies are lost, and leftovers lie around.

use std::time::Duration;

use barnabas_broker::controller::{ControllerError, CreateTopicError, TopicRef};
use barnabas_broker::membership::Registration;
use barnabas_broker::metadata::IsrMember;
use barnabas_coordinator_client::Txn;
use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch, PartitionIndex};

use crate::etcd::{Etcd, client};
use crate::node::{Node, keys, soon, topic};
use crate::proxy::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_leads_again_in_the_next_epoch() {
    let Some(etcd) = Etcd::start().await else { return };
    let mut before = None::<(Registration, LeaderEpoch)>;
    for _life in 0..3 {
        // It does not wait for the lease of the life before to expire.
        let node = Node::start_as_controller(&etcd.client(), 1, 10).await;
        if before.is_none() {
            node.create(topic("t", 2)).await.unwrap();
        }
        let epoch = node.registration().epoch;
        let member = IsrMember { id: BrokerId(1), epoch };
        let image = node
            .until(|image| {
                let partition = |index| image.partition("t", PartitionIndex(index));
                (0..2).all(|index| partition(index).is_some_and(|p| p.isr == [member]))
            })
            .await;
        let partition = image.partition("t", PartitionIndex(1)).unwrap();
        assert_eq!(partition.leader, Some(BrokerId(1)));
        if let Some((earlier, leader_epoch)) = before {
            assert!(epoch > earlier.epoch);
            assert!(partition.leader_epoch > leader_epoch);
        }
        before = Some((node.registration(), partition.leader_epoch));
        node.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposed_controller_writes_nothing() {
    let Some(etcd) = Etcd::start().await else { return };
    let client = etcd.client();
    let node = Node::start_as_controller(&client, 1, 10).await;
    node.create(topic("before", 1)).await.unwrap();
    // Another one takes the office: the key is deleted and created anew in one step, unseen by the old controller until
    // its image shows it.
    let controller = client.get(keys().controller()).await.unwrap().unwrap();
    client.txn(Txn::new().delete(keys().controller())).await.unwrap();
    let value = String::from_utf8(controller.value.to_vec()).unwrap();
    let value = value.replace("\"broker_id\":1", "\"broker_id\":7");
    client.txn(Txn::new().put(keys().controller(), value)).await.unwrap();
    let before = client.list(keys().topics()).await.unwrap().entries;
    let refused = node.create(topic("zombie", 1)).await;
    assert_eq!(refused, Err(CreateTopicError::Controller(ControllerError::NotController)));
    assert_eq!(client.list(keys().topics()).await.unwrap().entries, before);
    // When that one is gone, this broker is elected again, in a later term.
    client.txn(Txn::new().delete(keys().controller())).await.unwrap();
    node.until(|image| image.controller == Some(BrokerId(1))).await;
    node.create(topic("after", 1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn etcd_may_be_away_for_longer_than_the_lease() {
    let Some(mut etcd) = Etcd::start().await else { return };
    let node = Node::start_as_controller(&etcd.client(), 1, 10).await;
    node.create(topic("before", 1)).await.unwrap();
    etcd.kill();
    let short = soon() - Duration::from_secs(28);
    let refused =
        node.handle().create_topics(vec![topic("during", 1)], false, short).await.remove(0);
    assert!(matches!(refused, Err(CreateTopicError::Controller(_))), "{refused:?}");
    // The image stays.
    assert!(node.image().load().topic("before").is_some());
    tokio::time::sleep(2 * crate::node::TTL).await;
    etcd.resume();
    // Whether the lease survived or not: topics can be created again before long.
    let created = loop {
        match node.create(topic("after", 1)).await {
            Ok(created) => break created,
            Err(CreateTopicError::Controller(_)) => {
                tokio::time::sleep(Duration::from_millis(100)).await
            }
            Err(error) => panic!("{error}"),
        }
    };
    let image = node.until(|image| image.topic("after").is_some()).await;
    assert_eq!(image.topic("after").unwrap().id, created.id);
    let epoch = node.registration().epoch;
    node.until(|image| {
        ["before", "after"].iter().all(|name| {
            let partition = image.partition(name, PartitionIndex(0)).unwrap();
            partition.leader == Some(BrokerId(1)) && partition.isr[0].epoch == epoch
        })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_reply_is_lost_counts_once() {
    let Some(etcd) = Etcd::start().await else { return };
    let proxy = Proxy::start(etcd.port).await;
    let node = Node::start_as_controller(&client(proxy.port), 1, 10).await;
    node.create(topic("before", 1)).await.unwrap();
    proxy.lose_replies(true);
    let handle = node.handle();
    let creating =
        tokio::spawn(async move { handle.create_topics(vec![topic("t", 1)], false, soon()).await });
    // It has reached etcd...
    let direct = etcd.client();
    let written = loop {
        if let Some(written) = direct.get(keys().topic("t")).await.unwrap() {
            break written;
        }
        tokio::task::yield_now().await;
    };
    proxy.lose_replies(false);
    // ... and the client is told so, not that the topic exists already.
    let created = creating.await.unwrap().remove(0).unwrap();
    assert_eq!(created.revision.0, written.mod_revision.0);
    assert!(String::from_utf8_lossy(&written.value).contains(&created.id.to_kafka_string()));
    let after = direct.get(keys().topic("t")).await.unwrap().unwrap();
    assert_eq!((after.mod_revision, after.version), (written.mod_revision, 1));
    // The same for a deletion.
    node.until(|image| image.topic("t").is_some()).await;
    proxy.lose_replies(true);
    let handle = node.handle();
    let t = vec![TopicRef::Name("t".to_owned())];
    let deleting = tokio::spawn(async move { handle.delete_topics(t, soon()).await });
    while direct.get(keys().topic("t")).await.unwrap().is_some() {
        tokio::task::yield_now().await;
    }
    proxy.lose_replies(false);
    assert_eq!(deleting.await.unwrap().remove(0).unwrap().id, created.id);
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_go_and_belongings_stay() {
    let Some(etcd) = Etcd::start().await else { return };
    let direct = etcd.client();
    let node = Node::start_as_controller(&direct, 1, 10).await;
    node.create(topic("t", 2)).await.unwrap();
    let state = keys().partition_state("t", PartitionIndex(0));
    let value = direct.get(&state).await.unwrap().unwrap().value;
    // As creations that were cut off leave them: a topic without its key, and a third partition of `t`.
    let strays = [
        keys().partition_state("half", PartitionIndex(0)),
        keys().partition_state("half", PartitionIndex(1)),
        keys().partition_state("t", PartitionIndex(2)),
    ];
    let txn = strays.iter().fold(Txn::new(), |txn, key| txn.put(key.clone(), value.clone()));
    direct.txn(txn).await.unwrap();
    for stray in &strays {
        while direct.get(stray).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(direct.get(&state).await.unwrap().unwrap().version, 1);
    assert_eq!(direct.list(keys().partition_states("t")).await.unwrap().entries.len(), 2);
    assert_eq!(node.create(topic("half", 1)).await.unwrap().replicas, [[BrokerId(1)]]);
}
