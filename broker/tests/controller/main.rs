//! Registration, controller and image against a real etcd.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod etcd;
mod faults;
mod node;
mod proxy;

use std::collections::{BTreeMap, BTreeSet};

use barnabas_broker::controller::{
    ConfigChange, ConfigOp, ConfigResource, ControllerError, CreatePartitionsError,
    CreateTopicError, DeleteTopicError, NewPartitions, ProducerIdAllocator, TopicRef,
};
use barnabas_broker::membership::{
    BrokenLineage, ClusterSettings, Disagreement, RegistrationError, join_cluster,
};
use barnabas_broker::metadata::{IsrMember, Revision};
use barnabas_protocol::state::ids::{BrokerId, ClusterUuid, LeaderEpoch, PartitionIndex};
use uuid::Uuid;

use etcd::Etcd;
use node::{Node, keys, soon, topic};

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_changed_and_deleted() {
    let Some(etcd) = Etcd::start().await else { return };
    let client = etcd.client();
    let node = Node::start_as_controller(&client, 1, 10).await;

    let mut wanted = topic("orders", 2);
    wanted.configs.push(("retention.ms".to_owned(), Some("1000".to_owned())));
    let created = node.create(wanted.clone()).await.unwrap();
    assert_eq!(created.replicas, [[BrokerId(1)], [BrokerId(1)]]);
    let image = node.image().load();
    let shown = image.topic("orders").unwrap();
    assert_eq!((shown.id, shown.partition_count), (created.id, 2));
    assert_eq!(shown.configs.values, created.configs);
    let member = IsrMember { id: BrokerId(1), epoch: node.registration().epoch };
    for partition in shown.partitions.values() {
        assert_eq!((partition.leader, partition.leader_epoch), (Some(BrokerId(1)), LeaderEpoch(0)));
        assert_eq!(partition.isr, [member]);
    }
    let again = node.create(wanted).await;
    let exists = "Topic 'orders' already exists.".to_owned();
    assert_eq!(again, Err(CreateTopicError::AlreadyExists(exists)));

    let more = NewPartitions { topic: "orders".to_owned(), count: 5, assignments: None };
    let more = node.handle().create_partitions(vec![more], false, soon()).await.remove(0).unwrap();
    let image = node.image().wait_for(more.revision).await.unwrap();
    assert_eq!(image.topic("orders").unwrap().partition_count, 5);
    assert_eq!(image.partition("orders", PartitionIndex(4)).unwrap().isr, [member]);

    let change = ConfigChange {
        resource: ConfigResource::Topic("orders".to_owned()),
        replace: true,
        ops: vec![ConfigOp::Set { name: "retention.bytes".to_owned(), value: "7000".to_owned() }],
    };
    let changed = node.handle().alter_configs(vec![change], false, soon()).await.remove(0).unwrap();
    let image = node.image().wait_for(changed).await.unwrap();
    let overrides = BTreeMap::from([("retention.bytes".to_owned(), "7000".to_owned())]);
    assert_eq!(image.topic("orders").unwrap().configs.values, overrides);

    let orders = || vec![TopicRef::Id(created.id)];
    let deleted = node.handle().delete_topics(orders(), soon()).await.remove(0).unwrap();
    let image = node.image().wait_for(deleted.revision).await.unwrap();
    assert!(image.topic("orders").is_none());
    let again = node.handle().delete_topics(orders(), soon()).await.remove(0);
    assert_eq!(again, Err(DeleteTopicError::UnknownTopicId));
    // Its partition states go as well.
    for prefix in [keys().partition_states("orders"), keys().topic_config("orders")] {
        while !client.list(&prefix).await.unwrap().entries.is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_writes_nothing() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start_as_controller(&etcd.client(), 1, 10).await;
    node.create(topic("a", 1)).await.unwrap();
    let before = etcd.client().list(keys().topics()).await.unwrap().entries;
    let handle = node.handle();
    let created = handle.create_topics(vec![topic("b", 3)], true, soon()).await.remove(0).unwrap();
    assert_eq!((created.replicas.len(), created.revision), (3, Revision(0)));
    let more = NewPartitions { topic: "a".to_owned(), count: 2, assignments: None };
    handle.create_partitions(vec![more], true, soon()).await.remove(0).unwrap();
    let fewer = NewPartitions { topic: "a".to_owned(), count: 1, assignments: None };
    assert_eq!(
        handle.create_partitions(vec![fewer], true, soon()).await.remove(0),
        Err(CreatePartitionsError::InvalidPartitions(
            "Topic already has 1 partition(s).".to_owned()
        ))
    );
    assert_eq!(etcd.client().list(keys().topics()).await.unwrap().entries, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_topics_at_once() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start_as_controller(&etcd.client(), 1, 10).await;
    let names: BTreeSet<_> = (0..2000).map(|n| format!("topic-{n:04}")).collect();
    let topics = names.iter().map(|name| topic(name, 5)).collect();
    let created = node.handle().create_topics(topics, false, soon()).await;
    let last = created.iter().map(|created| created.as_ref().unwrap().revision).max().unwrap();
    let image = node.image().wait_for(last).await.unwrap();
    assert_eq!(image.topics.size(), 2000);
    for name in &names {
        let topic = image.topic(name).unwrap();
        assert!(topic.partitions.values().all(|p| p.leader == Some(BrokerId(1))), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_broker_follows_and_takes_over() {
    let Some(etcd) = Etcd::start().await else { return };
    let client = etcd.client();
    let first = Node::start_as_controller(&client, 1, 10).await;
    let second = Node::start(&client, 2, 20).await.unwrap();
    second.until(|image| image.brokers.len() == 2).await;
    first.until(|image| image.brokers.len() == 2).await;
    let refused = second.create(topic("t", 1)).await;
    assert_eq!(refused, Err(CreateTopicError::Controller(ControllerError::NotController)));
    let mut spread = topic("spread", 4);
    spread.replication_factor = 2;
    first.create(spread).await.unwrap();
    first.registrar.shutdown().await;
    let image = second.until(|image| image.controller == Some(BrokerId(2))).await;
    assert!(!image.alive(BrokerId(1)));
    // The survivor leads everything, alone in the ISR, and each change of the leader has a new
    // epoch.
    let image = second
        .until(|image| {
            let topic = image.topic("spread").unwrap();
            topic.partitions.values().all(|p| p.leader == Some(BrokerId(2)) && p.isr.len() == 1)
        })
        .await;
    let topic = image.topic("spread").unwrap();
    let epochs: Vec<_> =
        topic.partitions.values().map(|p| (p.replicas[0].0, p.leader_epoch.0)).collect();
    assert!(
        epochs.iter().all(|(preferred, epoch)| *epoch == i32::from(*preferred == 1)),
        "{epochs:?}"
    );
    second.until(|image| image.broker_states.get(&BrokerId(1)).is_some_and(|b| b.fenced)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_belongs_to_one_data_directory() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start_as_controller(&etcd.client(), 1, 10).await;
    let other = Node::start(&etcd.client(), 1, 11).await;
    let Err(RegistrationError::DuplicateId { id, data_dir_id, address }) = other.map(|_| ()) else {
        panic!("a second broker 1 was let in");
    };
    assert_eq!((id, address.as_str()), (BrokerId(1), "localhost:9092"));
    assert_eq!(data_dir_id, Uuid::from_u128(10).to_string());
    assert!(node.create(topic("still-here", 1)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_belongs_to_one_cluster() {
    let Some(etcd) = Etcd::start().await else { return };
    let client = etcd.client();
    let [first, second] = [1, 2].map(|n| ClusterUuid(Uuid::from_u128(n)));
    let settings =
        ClusterSettings { group_shards: 50, transaction_shards: 50, min_insync_replicas: 1 };
    let keys = keys();
    let join = |known, proposed| join_cluster(&client, &keys, &settings, known, proposed);
    let unknown = join(Some(second), second).await;
    assert!(matches!(unknown, Err(RegistrationError::Lineage(BrokenLineage::OtherCluster { .. }))));
    assert_eq!(join(None, first).await, Ok(first));
    assert_eq!(join(None, second).await, Ok(first));
    assert_eq!(join(Some(first), second).await, Ok(first));
    let other = join(Some(second), second).await;
    assert!(matches!(other, Err(RegistrationError::Lineage(BrokenLineage::OtherCluster { .. }))));
    let fewer = ClusterSettings { group_shards: 10, ..settings };
    let disagreement = join_cluster(&client, &keys, &fewer, Some(first), first).await;
    let key = "offsets.topic.num.partitions";
    let expected = Disagreement::Setting { key, own: 10, found: 50, remark: "" };
    assert_eq!(disagreement, Err(RegistrationError::Disagreement(expected)));
}

#[tokio::test(flavor = "multi_thread")]
async fn producer_ids_are_given_once() {
    let Some(etcd) = Etcd::start().await else { return };
    let node = Node::start_as_controller(&etcd.client(), 1, 10).await;
    let allocator = || ProducerIdAllocator::new(node.member.clone());
    let allocators = [allocator(), allocator()];
    let mut ids = BTreeSet::new();
    for n in 0..2500 {
        assert!(ids.insert(allocators[n % 2].next().await.unwrap()));
    }
    assert_eq!(ids.len(), 2500);
    assert!(ids.last().unwrap().0 < 4000);
}
