//! What one image after another does to the partitions here.

use std::sync::Arc;

use barnabas_protocol::state::StateKey;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionIndex};

use super::*;
use crate::config::{BrokerConfig, Sources};
use crate::log::{LogId, Store, StoreOptions};
use crate::metadata::{IsrMember, PartitionImage, delta};
use crate::partition::testing::{produce, send};

const ME: BrokerId = BrokerId(1);
const LIFE: Option<BrokerEpoch> = Some(BrokerEpoch(10));

struct Node {
    table: PartitionTable,
    store: Store,
    config: BrokerConfig,
    _dir: tempfile::TempDir,
}

impl Node {
    /// A registered broker with the logs that `recovered` makes of its store.
    fn new(recovered: impl FnOnce(&Store) -> Vec<RecoveredLog>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(StoreOptions::new(dir.path())).unwrap();
        let overrides = vec!["broker.id=1".to_owned()];
        let sources = Sources { overrides, ..Sources::default() };
        let (config, _) = BrokerConfig::from_sources(&sources).unwrap();
        let table = PartitionTable::new(ME, store.clone(), recovered(&store));
        table.set_registration(LIFE);
        Self { table, store, config, _dir: dir }
    }

    fn apply(&self, image: &Image) {
        self.table.apply(&Arc::new(image.clone()), &self.config, false);
    }

    fn leads(&self, topic: &str) -> bool {
        let partition = self.table.partition(topic, PartitionIndex(0));
        partition.is_some_and(|p| p.check_leadership(LeaderEpoch::UNKNOWN).is_ok())
    }
}

fn cluster() -> Image {
    Image::default().with_broker(1, 10).with_broker(2, 20)
}

/// The state of a topic's only partition, led by this broker in this registration and epoch.
fn led(image: &Image, topic: &str, registration: i64, leader_epoch: i32) -> PartitionImage {
    let before = image.partition(topic, PartitionIndex(0)).unwrap();
    let isr = vec![IsrMember { id: ME, epoch: BrokerEpoch(registration) }];
    let (leader, leader_epoch) = (Some(ME), LeaderEpoch(leader_epoch));
    PartitionImage { leader, leader_epoch, isr, ..PartitionImage::clone(before) }
}

/// Led by the other broker.
fn moved(image: &Image, topic: &str) -> PartitionImage {
    let state = led(image, topic, 10, 1);
    let isr = vec![IsrMember { id: BrokerId(2), epoch: BrokerEpoch(20) }];
    PartitionImage { leader: Some(BrokerId(2)), isr, ..state }
}

#[test]
fn a_lost_registration_ends_all_leaderships_and_a_new_one_is_another_life() {
    let node = Node::new(|_| Vec::new());
    let image = cluster().with_topic("a", 1, &[1]).with_topic("b", 1, &[1]);
    node.apply(&image);
    assert!(node.leads("a") && node.leads("b"));
    node.table.set_registration(None);
    assert!(!node.leads("a") && !node.leads("b"));
    // An image that still shows the life before, a new topic among it.
    let image = image.with_topic("c", 1, &[1]);
    node.apply(&image);
    node.table.set_registration(Some(BrokerEpoch(30)));
    assert!(["a", "b", "c"].iter().all(|topic| !node.leads(topic)));
    let state = led(&image, "a", 30, 1);
    node.apply(&image.with_state("a", state));
    assert!(node.leads("a") && !node.leads("b"));
}

#[test]
fn a_log_that_cannot_be_opened_takes_down_its_partition_only() {
    let image = cluster().with_topic("a", 1, &[1]).with_topic("broken", 1, &[1]);
    let broken = (image.topics["broken"].id, PartitionIndex(0));
    let node = Node::new(|_| {
        // A log of records that the store cannot read.
        let (topic_id, partition) = broken;
        vec![RecoveredLog {
            id: LogId(77),
            topic_id,
            partition,
            log_start: Offset(0),
            end: Offset(5),
            high_watermark: Offset(5),
            epochs: Vec::new(),
            producer_snapshot: None,
            clean_shutdown: false,
        }]
    });
    node.apply(&image);
    assert!(node.leads("a") && !node.leads("broken"));
    assert!(node.table.topic("broken").unwrap().is_unopened(PartitionIndex(0)));
    assert!(node.table.has_unopened());
    node.table.reopen();
    assert!(node.table.has_unopened());
    // Later images are acted on.
    let image = image.with_topic("later", 1, &[1]);
    let state = moved(&image, "a");
    node.apply(&image.with_state("a", state));
    assert!(!node.leads("a") && node.leads("later"));
    // What was in the way is gone.
    node.table.forget(broken.0);
    node.table.reopen();
    assert!(node.leads("broken") && !node.table.has_unopened());
}

#[test]
fn a_log_that_takes_nothing_holds_back_no_demotion() {
    let node = Node::new(|_| Vec::new());
    let image = cluster().with_topic("a", 1, &[1]).with_topic("gone", 1, &[1]);
    node.apply(&image);
    node.store.close().unwrap();
    let state = moved(&image, "a");
    let mut image = image.with_topic("new", 1, &[1]).with_state("a", state);
    delta::delete(&mut image, StateKey::Topic("gone".to_owned()));
    node.apply(&image);
    assert!(!node.leads("a") && node.table.topic("gone").is_none());
    assert!(node.table.topic("new").unwrap().is_unopened(PartitionIndex(0)));
}

#[test]
fn a_topic_that_returns_while_appends_are_on_their_way_serves_again() {
    let node = Node::new(|_| Vec::new());
    let image = cluster().with_topic("t", 1, &[1]);
    node.apply(&image);
    let partition = node.table.partition("t", PartitionIndex(0)).unwrap();
    produce(&partition, 3).unwrap();
    let done = send(&partition, 4).unwrap();
    let mut without = image.clone();
    delta::delete(&mut without, StateKey::Topic("t".to_owned()));
    node.apply(&without);
    assert!(node.table.partition("t", PartitionIndex(0)).is_none());
    assert_eq!(node.table.unclaimed(&without).strays.len(), 1);
    node.apply(&image);
    node.store.write_queued();
    done.blocking_recv().unwrap();
    assert!(node.leads("t") && node.table.unclaimed(&image).strays.is_empty());
    let partition = node.table.partition("t", PartitionIndex(0)).unwrap();
    assert_eq!(produce(&partition, 1).unwrap().base_offset, Offset(7));
}

#[test]
fn a_partition_whose_state_is_lost_is_not_led_and_keeps_its_log() {
    let node = Node::new(|_| Vec::new());
    let image = cluster().with_topic("t", 1, &[1]);
    node.apply(&image);
    let partition = node.table.partition("t", PartitionIndex(0)).unwrap();
    produce(&partition, 3).unwrap();
    let mut damaged = image.clone();
    let key = StateKey::PartitionState { topic: "t".to_owned(), partition: PartitionIndex(0) };
    delta::delete(&mut damaged, key);
    node.apply(&damaged);
    assert_eq!(node.table.unclaimed(&damaged).strays.len(), 1);
    assert!(node.table.partition("t", PartitionIndex(0)).is_none());
    node.apply(&image);
    assert!(node.leads("t"));
    assert_eq!(produce(&partition, 1).unwrap().base_offset, Offset(3));
}

#[test]
fn what_did_not_change_is_shared_with_the_map_before() {
    let node = Node::new(|_| Vec::new());
    let image = cluster().with_topic("a", 1, &[1]).with_topic("b", 1, &[1]);
    node.apply(&image);
    let before = ["a", "b"].map(|name| node.table.topic(name).unwrap());
    let state = moved(&image, "b");
    node.apply(&image.with_state("b", state));
    let after = ["a", "b"].map(|name| node.table.topic(name).unwrap());
    assert!(Arc::ptr_eq(&before[0], &after[0]) && !Arc::ptr_eq(&before[1], &after[1]));
}

/// Prints what one more topic costs among 50 000.
#[test]
#[ignore = "prints measurements"]
#[allow(clippy::disallowed_methods)]
fn cost_of_one_more_topic() {
    const TOPICS: u32 = 50_000;
    let node = Node::new(|_| Vec::new());
    let mut image = cluster();
    let start = std::time::Instant::now();
    for number in 0..TOPICS {
        image = image.with_topic(&format!("topic-{number}"), 1, &[2]);
    }
    let built = start.elapsed();
    node.apply(&image);
    let applied = start.elapsed() - built;
    let mut worst = std::time::Duration::ZERO;
    let start = std::time::Instant::now();
    for number in 0..1000 {
        let one = std::time::Instant::now();
        image = image.clone().with_topic(&format!("more-{number}"), 1, &[2]);
        node.apply(&image);
        worst = worst.max(one.elapsed());
    }
    let mean = start.elapsed() / 1000;
    println!(
        "{TOPICS} topics: image {built:?}, table {applied:?}; one more {mean:?}, at worst {worst:?}"
    );
}
