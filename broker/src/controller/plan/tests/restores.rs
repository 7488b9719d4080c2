//! Partitions after etcd went back in time.

use barnabas_protocol::state::RecoveryState;

use super::*;
use crate::metadata::RestoredImage;

/// A partition that broker 1 leads, in a cluster whose etcd was restored since.
fn restored(count: i64) -> Image {
    let view = Image::default().with_broker(1, 11).with_broker_state(1, 11, false);
    let mut view = view.with_topic("t", 1, &[1]);
    view.restored = RestoredImage { count, revision: Revision(70) };
    view
}

fn only_change(view: &Image) -> PartitionImage {
    let sets = broker_change::plan(view, false);
    let [set] = &sets[..] else { panic!("{sets:?}") };
    let [Change { action: Action::Put(Value::Partition(state)), .. }] = &set.changes[..] else {
        panic!("{set:?}")
    };
    state.clone()
}

#[test]
fn a_state_of_before_a_restore_is_withdrawn_and_then_the_log_decides() {
    assert_eq!(broker_change::plan(&restored(0), false), []);
    let view = restored(2);
    let before = (*view.partition("t", PartitionIndex(0)).unwrap()).clone();
    let withdrawn = only_change(&view);
    let expected = PartitionImage {
        leader: None,
        leader_epoch: LeaderEpoch(restored::EPOCH_STEP),
        recovery: RecoveryState::Restored,
        restored: 2,
        ..(*before).clone()
    };
    assert_eq!(withdrawn, expected);
    let view = view.with_state("t", withdrawn.clone());
    let elected = only_change(&view);
    let expected = PartitionImage {
        leader: Some(BrokerId(1)),
        leader_epoch: LeaderEpoch(restored::EPOCH_STEP + 1),
        recovery: RecoveryState::Recovered,
        isr: members(&[(1, 11)]),
        ..withdrawn
    };
    assert_eq!(elected, expected);
    assert_eq!(broker_change::plan(&view.with_state("t", elected), false), []);
}

#[test]
fn a_partition_waits_for_the_broker_that_has_its_log() {
    let mut view = restored(1);
    view.brokers.clear();
    let withdrawn = only_change(&view.clone().with_broker_state(1, 11, true));
    let view = view.with_state("t", withdrawn);
    let fenced = view.clone().with_broker_state(1, 11, true);
    assert_eq!(broker_change::plan(&fenced, false), []);
    // It is back, in another life.
    let view = view.with_broker(1, 99).with_broker_state(1, 99, false);
    let elected = only_change(&view);
    assert_eq!((elected.leader, elected.isr), (Some(BrokerId(1)), members(&[(1, 99)])));
}

#[test]
fn logs_of_several_replicas_are_not_chosen_from_without_asking() {
    let view = Image::default().with_broker(1, 11).with_broker(2, 12);
    let view = view.with_broker_state(1, 11, false).with_broker_state(2, 12, false);
    let view = view.with_topic("t", 1, &[1, 2]);
    let state = view.partition("t", PartitionIndex(0)).unwrap();
    let state =
        PartitionImage { leader: None, recovery: RecoveryState::Restored, ..(**state).clone() };
    assert_eq!(broker_change::plan(&view.with_state("t", state), false), []);
}

#[test]
fn new_topics_carry_the_count() {
    let view = restored(3);
    let first = topic::first_state(&view, id(1), PartitionIndex(0), brokers(&[1]), 1);
    assert_eq!(first.unwrap().restored, 3);
}
