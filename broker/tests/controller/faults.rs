//! What must hold when processes die, replies are lost, and leftovers lie around.

use std::time::Duration;

use barnabas_broker::controller::{
    ConfigChange, ConfigOp, ConfigResource, ControllerError, CreateTopicError, TopicRef,
};
use barnabas_broker::membership::Registration;
use barnabas_broker::metadata::{Image, IsrMember};
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
    // Another one takes the office: the key is deleted and created anew in one step, unseen by the
    // old controller until its image shows it.
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
    while direct.get(keys().topic("t")).await.unwrap() == Some(after.clone()) {
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
    let key = direct.get(keys().topic("t")).await.unwrap().unwrap().value;
    let ended = String::from_utf8(key.to_vec()).unwrap();
    let ended = ended.replace("\"partitions\":2", "\"partitions\":0");
    // As creations that were cut off leave them: a topic without partitions, and a third partition
    // of `t`. In front of them a topic whose key somebody deleted.
    let lost = keys().partition_state("lost", PartitionIndex(0));
    let strays = [
        keys().partition_state("half", PartitionIndex(0)),
        keys().partition_state("half", PartitionIndex(1)),
        keys().partition_state("t", PartitionIndex(2)),
    ];
    let put = |txn: Txn, key: &String| txn.put(key.clone(), value.clone());
    let txn = [&lost].into_iter().chain(&strays).fold(Txn::new(), put);
    direct.txn(txn.put(keys().topic("half"), ended)).await.unwrap();
    for stray in strays.iter().chain([&keys().topic("half")]) {
        while direct.get(stray).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(direct.get(&state).await.unwrap().unwrap().version, 1);
    assert_eq!(direct.list(keys().partition_states("t")).await.unwrap().entries.len(), 2);
    assert_eq!(node.create(topic("half", 1)).await.unwrap().replicas, [[BrokerId(1)]]);
    // It may be all that says who has the data.
    assert!(direct.get(&lost).await.unwrap().is_some());
    let refused = node.create(topic("lost", 1)).await;
    assert!(matches!(refused, Err(CreateTopicError::AlreadyExists(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_state_is_not_made_anew() {
    let Some(etcd) = Etcd::start().await else { return };
    let direct = etcd.client();
    let node = Node::start_as_controller(&direct, 1, 10).await;
    node.create(topic("t", 2)).await.unwrap();
    let state = keys().partition_state("t", PartitionIndex(1));
    direct.txn(Txn::new().delete(state.clone())).await.unwrap();
    let partition = PartitionIndex(1);
    node.until(|image| image.partition("t", partition).is_none()).await;
    // Also not by a controller that comes to office later.
    node.registrar.shutdown().await;
    let node = Node::start_as_controller(&direct, 1, 10).await;
    node.create(topic("u", 1)).await.unwrap();
    let image = node.image().load();
    assert!(image.has_partition("t", partition) && image.partition("t", partition).is_none());
    assert_eq!(direct.get(&state).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_topic_exists_at_once_and_ends_at_once() {
    let Some(etcd) = Etcd::start().await else { return };
    let direct = etcd.client();
    let node = Node::start_as_controller(&direct, 1, 10).await;
    let created = node.create(topic("large", 1000)).await.unwrap();
    let image = node.image().load();
    let large = image.topic("large").unwrap();
    assert!((0..1000).all(|index| large.partition(PartitionIndex(index)).is_some()));
    let orders = vec![TopicRef::Id(created.id)];
    node.handle().delete_topics(orders, soon()).await.remove(0).unwrap();
    // The name can be used again before everything of the old topic is gone.
    let again = node.create(topic("large", 3)).await.unwrap();
    assert_ne!(again.id, created.id);
    let states =
        || async { direct.list(keys().partition_states("large")).await.unwrap().entries.len() };
    while states().await != 3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn min_isr_follows_the_configuration() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start_as_controller(&etcd.client(), 1, 10).await;
    node.create(topic("t", 300)).await.unwrap();
    let set = |resource, value: &str| ConfigChange {
        resource,
        replace: false,
        ops: vec![ConfigOp::Set { name: "min.insync.replicas".into(), value: value.into() }],
    };
    let all = |value| {
        move |image: &Image| {
            image.topic("t").unwrap().partitions.values().all(|state| state.min_isr == value)
        }
    };
    let topic = set(ConfigResource::Topic("t".to_owned()), "2");
    let changed = node.handle().alter_configs(vec![topic], false, soon()).await.remove(0).unwrap();
    let image = node.image().wait_for(changed).await.unwrap();
    assert!(all(2)(&image));
    let topic = ConfigChange {
        replace: true,
        ops: Vec::new(),
        ..set(ConfigResource::Topic("t".to_owned()), "")
    };
    node.handle().alter_configs(vec![topic], false, soon()).await.remove(0).unwrap();
    node.until(all(1)).await;
    // The default of the cluster.
    let cluster = set(ConfigResource::Broker(None), "3");
    node.handle().alter_configs(vec![cluster], false, soon()).await.remove(0).unwrap();
    node.until(all(3)).await;
}
