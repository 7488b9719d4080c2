//! Brokers that come, go and return.

use std::sync::Arc;

use super::*;
use crate::metadata::{BrokerStateImage, ConfigImage, EndedTopic, TopicRemains};

fn note(id: i32, last_epoch: i64, fenced: bool, replaced: i64) -> Change {
    let state = BrokerStateImage {
        last_epoch: BrokerEpoch(last_epoch),
        fenced,
        revision: Revision(replaced),
    };
    Change::broker_state(BrokerId(id), state)
}

/// The state with the replicas that the partition has in the view.
fn put_in(view: &Image, state: PartitionImage) -> Change {
    let replicas = view.partition("t", PartitionIndex(0)).unwrap().replicas.clone();
    put_state(PartitionImage { replicas, ..state })
}

fn plan(view: &Image) -> Vec<Change> {
    let sets = broker_change::plan(view, false);
    assert!(sets.iter().all(|set| set.changes.len() == 1));
    sets.into_iter().flat_map(|set| set.changes).collect()
}

fn die(mut view: Image, id: i32) -> Image {
    view.brokers.remove(&BrokerId(id));
    view
}

/// All brokers are known in their present life, so that only partitions are left to plan.
fn noted(mut view: Image) -> Image {
    let registered: Vec<_> = view.brokers.values().map(|b| (b.id, b.epoch)).collect();
    for (id, epoch) in registered {
        view = view.with_broker_state(id.0, epoch.0, false);
    }
    view
}

#[test]
fn nothing_is_planned_for_what_is_in_order() {
    assert_eq!(plan(&noted(three_brokers().with_topic("t", 3, &[1, 2, 3]))), []);
}

#[test]
fn brokers_are_noted_in_each_life_and_fenced_when_they_go() {
    let view = Image::default().with_broker(1, 11).with_broker(2, 12).with_broker_state(2, 9, true);
    let view = view.with_broker_state(3, 5, false).with_broker_state(4, 6, true);
    assert_eq!(plan(&view), [note(1, 11, false, 0), note(2, 12, false, 10), note(3, 5, true, 6)]);
    let [first, .., gone] = &plan(&view)[..] else { panic!() };
    assert_eq!(first.registrations, [(BrokerId(1), BrokerEpoch(11))]);
    assert_eq!(gone.registrations, []);
}

#[test]
fn a_dead_follower_leaves_the_isr() {
    let view = die(noted(three_brokers()).with_topic("t", 1, &[1, 2, 3]), 3);
    assert_eq!(
        plan(&view),
        [note(3, 13, true, 14), put_in(&view, state(Some(1), 0, &[(1, 11), (2, 12)], 50))]
    );
}

#[test]
fn a_dead_leader_is_replaced_in_the_next_epoch() {
    let view = die(noted(three_brokers()).with_topic("t", 1, &[1, 2, 3]), 1);
    let elected = put_in(&view, state(Some(2), 1, &[(2, 12), (3, 13)], 50));
    assert_eq!(plan(&view), [note(1, 11, true, 12), elected.clone()]);
    let current = [(BrokerId(2), BrokerEpoch(12)), (BrokerId(3), BrokerEpoch(13))];
    assert_eq!(elected.registrations, current);
}

#[test]
fn a_follower_that_restarted_leaves_the_isr() {
    let view = noted(three_brokers()).with_topic("t", 1, &[1, 2]);
    let view = noted(view.with_broker(1, 20));
    assert_eq!(plan(&view), [put_in(&view, state(Some(2), 1, &[(2, 12)], 50))]);
}

#[test]
fn all_members_that_go_at_once_may_lead_later() {
    let view = noted(three_brokers()).with_topic("t", 1, &[1, 2]);
    let view = die(die(view, 1), 2);
    let waiting = put_in(&view, state(None, 1, &[(1, 11), (2, 12)], 50));
    // No registration can be asked for: there is none.
    assert_eq!(waiting.registrations, []);
    assert_eq!(plan(&view), [note(1, 11, true, 12), note(2, 12, true, 13), waiting]);
}

#[test]
fn a_partition_without_a_state_is_not_given_one() {
    let mut view = noted(three_brokers()).with_topic("t", 2, &[2, 3]);
    view.change_topic("t", |topic| {
        topic.partitions.remove_mut(&PartitionIndex(1));
    });
    assert_eq!(plan(&view), []);
    assert_eq!(leftovers::plan(&view, &"t".into()), []);
    let damage = leftovers::damage(&view, &"t".into()).unwrap();
    assert!(damage.contains("missing in etcd") && damage.contains("[1]"), "{damage}");
}

#[test]
fn a_topic_that_ended_is_removed_with_its_key_last() {
    let mut view = three_brokers();
    let stray = Arc::new(state(Some(1), 0, &[(1, 11)], 33));
    let indexed = |index| PartitionImage { index, ..PartitionImage::clone(&stray) };
    let states = (0..200).map(PartitionIndex).map(|index| (index, Arc::new(indexed(index))));
    let remains = TopicRemains {
        ended: Some(EndedTopic { id: id(4), revision: Revision(45) }),
        states: states.collect(),
        configs: Arc::new(ConfigImage { values: config(&[("a", "b")]), revision: Revision(44) }),
    };
    view.remains.insert_mut("gone".into(), Arc::new(remains));
    let gone =
        |index| Change::delete(Key::Partition("gone".into(), PartitionIndex(index)), Revision(33));
    let mut expected =
        vec![Change::delete(Key::Config(ConfigResource::Topic("gone".to_owned())), Revision(44))];
    expected.extend((0..200).map(gone));
    expected.push(Change::delete(Key::Topic("gone".into()), Revision(45)));
    assert_eq!(leftovers::plan(&view, &"gone".into()), [ChangeSet::from(expected)]);
    assert_eq!(leftovers::damage(&view, &"gone".into()), None);
}

#[test]
fn an_addition_that_was_cut_off_is_taken_back_and_a_foreign_state_is_kept() {
    let mut view = three_brokers().with_topic("t", 1, &[1]);
    let own = state(Some(1), 0, &[(1, 11)], 33);
    let unlisted = |index, topic_id| {
        let index = PartitionIndex(index);
        (index, Arc::new(PartitionImage { index, topic_id, ..own.clone() }))
    };
    let states = [unlisted(1, own.topic_id), unlisted(2, id(9)), unlisted(3, own.topic_id)];
    view.change_topic("t", |topic| topic.unlisted = states.into_iter().collect());
    let delete =
        |index| Change::delete(Key::Partition("t".into(), PartitionIndex(index)), Revision(33));
    let guard = Change::keep(Key::Topic("t".into()), Revision(60));
    let expected = ChangeSet::from(vec![guard, delete(1), delete(3)]);
    assert_eq!(leftovers::plan(&view, &"t".into()), [expected]);
    assert!(leftovers::damage(&view, &"t".into()).is_some());
}
