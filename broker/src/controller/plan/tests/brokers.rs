//! Brokers that come, go and return.

use std::sync::Arc;

use super::*;
use crate::metadata::BrokerStateImage;

fn note(id: i32, last_epoch: i64, fenced: bool, replaced: i64) -> Change {
    let state = BrokerStateImage {
        last_epoch: BrokerEpoch(last_epoch),
        fenced,
        shutting_down: false,
        revision: Revision(replaced),
    };
    Change::put(Key::BrokerState(BrokerId(id)), Revision(replaced), Value::BrokerState(state))
}

fn plan(view: &Image) -> Vec<Change> {
    let sets = broker_change::plan(view);
    assert!(sets.iter().all(|set| set.changes.len() == 1));
    sets.into_iter().flat_map(|set| set.changes).collect()
}

fn die(mut view: Image, id: i32) -> Image {
    view.brokers.remove(&BrokerId(id));
    view
}

/// All brokers are known in their present life, so that only partitions are left to plan.
fn noted(mut view: Image) -> Image {
    for (id, epoch) in broker_change::registrations(&view) {
        view = view.with_broker_state(id.0, epoch.0, false);
    }
    view
}

fn with_state(mut view: Image, topic: &str, state: PartitionStateImage) -> Image {
    Arc::make_mut(view.topics.get_mut(topic).unwrap()).partitions[0].state = state;
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
    assert_eq!(first.registrations(), [(BrokerId(1), BrokerEpoch(11))]);
    assert_eq!(gone.registrations(), []);
}

#[test]
fn a_dead_follower_leaves_the_isr() {
    let view = die(noted(three_brokers()).with_topic("t", 1, &[1, 2, 3]), 3);
    assert_eq!(
        plan(&view),
        [note(3, 13, true, 14), put_state("t", 0, state(Some(1), 0, &[(1, 11), (2, 12)], 50))]
    );
}

#[test]
fn a_dead_leader_is_replaced_in_the_next_epoch() {
    let view = die(noted(three_brokers()).with_topic("t", 1, &[1, 2, 3]), 1);
    let elected = put_state("t", 0, state(Some(2), 1, &[(2, 12), (3, 13)], 50));
    assert_eq!(plan(&view), [note(1, 11, true, 12), elected.clone()]);
    let current = [(BrokerId(2), BrokerEpoch(12)), (BrokerId(3), BrokerEpoch(13))];
    assert_eq!(elected.registrations(), current);
}

#[test]
fn the_last_member_stays_in_the_isr_and_leads_when_it_returns() {
    let alive = noted(Image::default().with_broker(1, 11)).with_topic("t", 1, &[1]);
    let dead = die(alive, 1);
    let waiting = state(None, 1, &[(1, 11)], 50);
    assert_eq!(plan(&dead), [note(1, 11, true, 12), put_state("t", 0, waiting.clone())]);
    // No registration can be asked for: there is none.
    assert_eq!(put_state("t", 0, waiting.clone()).registrations(), []);
    let dead = with_state(
        dead,
        "t",
        PartitionStateImage { partition_epoch: PartitionEpoch(70), ..waiting },
    );
    assert_eq!(plan(&dead), [note(1, 11, true, 12)]);
    let back = dead.with_broker(1, 80);
    let leads = put_state("t", 0, state(Some(1), 2, &[(1, 80)], 70));
    assert_eq!(plan(&back), [note(1, 80, false, 12), leads]);
}

#[test]
fn a_restart_that_nobody_noticed_is_a_new_life() {
    // The only replica came back before anybody saw that it was gone.
    let view = noted(Image::default().with_broker(1, 11)).with_topic("t", 1, &[1]);
    let view = noted(view.with_broker(1, 20));
    assert_eq!(plan(&view), [put_state("t", 0, state(Some(1), 1, &[(1, 20)], 50))]);
    // With another member in sync, the one that restarted leaves the ISR.
    let view = noted(three_brokers()).with_topic("t", 1, &[1, 2]);
    let view = noted(view.with_broker(1, 20));
    assert_eq!(plan(&view), [put_state("t", 0, state(Some(2), 1, &[(2, 12)], 50))]);
}

#[test]
fn of_several_last_members_the_one_shut_down_cleanly_leads() {
    let view = noted(three_brokers()).with_topic("t", 1, &[1, 2]);
    let mut view = noted(view.with_broker(1, 20).with_broker(2, 21));
    assert_eq!(plan(&view), [put_state("t", 0, state(Some(1), 1, &[(1, 20)], 50))]);
    let second = view.brokers.get_mut(&BrokerId(2)).unwrap();
    Arc::make_mut(second).previous_epoch = Some(BrokerEpoch(12));
    assert_eq!(plan(&view), [put_state("t", 0, state(Some(2), 1, &[(2, 21)], 50))]);
}

#[test]
fn all_members_that_go_at_once_may_lead_later() {
    let view = noted(three_brokers()).with_topic("t", 1, &[1, 2]);
    let view = die(die(view, 1), 2);
    let waiting = state(None, 1, &[(1, 11), (2, 12)], 50);
    assert_eq!(
        plan(&view),
        [note(1, 11, true, 12), note(2, 12, true, 13), put_state("t", 0, waiting)]
    );
}

#[test]
fn a_fenced_broker_is_not_elected() {
    let mut view = noted(three_brokers()).with_topic("t", 1, &[1, 2, 3]);
    view = die(view, 1).with_broker_state(1, 11, true).with_broker_state(2, 12, true);
    assert_eq!(plan(&view), [put_state("t", 0, state(Some(3), 1, &[(3, 13)], 50))]);
    // What was noted about an earlier life does not count.
    let view = view.with_broker_state(2, 7, true);
    let elected = put_state("t", 0, state(Some(2), 1, &[(2, 12), (3, 13)], 50));
    assert_eq!(plan(&view), [note(2, 12, false, 8), elected]);
}

#[test]
fn a_partition_without_a_state_gets_one() {
    let view = noted(three_brokers()).with_topic("t", 1, &[2, 3]);
    let view = with_state(view, "t", PartitionStateImage::default());
    assert_eq!(plan(&view), [put_state("t", 0, state(Some(2), 0, &[(2, 12), (3, 13)], 0))]);
}

#[test]
fn leftovers_are_deleted_where_no_topic_owns_them() {
    use crate::metadata::ConfigImage;
    let mut view = three_brokers().with_topic("t", 1, &[1]);
    let stray = state(Some(1), 0, &[(1, 11)], 33);
    Arc::make_mut(view.topics.get_mut("t").unwrap())
        .unlisted
        .insert(PartitionIndex(1), stray.clone());
    let remains = crate::metadata::TopicRemains {
        states: (0..70).map(|index| (PartitionIndex(index), stray.clone())).collect(),
        configs: Arc::new(ConfigImage { values: config(&[("a", "b")]), revision: Revision(44) }),
    };
    view.incomplete.insert("gone".into(), Arc::new(remains));
    let sets: Vec<_> = leftovers::plan(&view).into_iter().map(|set| set.changes).collect();
    let gone =
        |index| Change::delete(Key::Partition("gone".into(), PartitionIndex(index)), Revision(33));
    let absent = Change::keep(Key::Topic("gone".into()), Expected::Absent);
    let gone_config = Key::Config(ConfigResource::Topic("gone".to_owned()));
    let first = [absent.clone(), Change::delete(gone_config, Revision(44))];
    assert_eq!(
        sets,
        [
            first.into_iter().chain((0..63).map(gone)).collect::<Vec<_>>(),
            [absent].into_iter().chain((63..70).map(gone)).collect(),
            vec![
                Change::keep(Key::Topic("t".into()), Revision(60)),
                Change::delete(Key::Partition("t".into(), PartitionIndex(1)), Revision(33)),
            ],
        ]
    );
}
