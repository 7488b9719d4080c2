//! Elections by what the brokers' data directories hold.

use std::sync::Arc;

use super::*;
use crate::controller::plan::broker_change;
use crate::controller::plan::elect_leader::{Missing, elect, missing};
use crate::metadata::{Absence, ConfigImage, HeldData};
use barnabas_protocol::state::RecoveryState;

fn held(directory_since: i64, lossless_since: i64) -> HeldData {
    HeldData {
        directory_since: BrokerEpoch(directory_since),
        absences: Vec::new(),
        lossless_since: BrokerEpoch(lossless_since),
    }
}

/// A broker with this registration and data.
fn back(view: Image, id: i32, epoch: i64, held: HeldData) -> Image {
    let mut view = view.with_broker(id, epoch);
    Arc::make_mut(view.brokers.get_mut(&BrokerId(id)).unwrap()).held = held;
    view
}

fn changed(mut view: Image, id: i32, change: impl FnOnce(&mut BrokerImage)) -> Image {
    change(Arc::make_mut(view.brokers.get_mut(&BrokerId(id)).unwrap()));
    view
}

fn gone(mut view: Image, ids: &[i32]) -> Image {
    ids.iter().for_each(|id| drop(view.brokers.remove(&BrokerId(*id))));
    view
}

fn partition(view: &Image) -> &PartitionImage {
    view.partition("t", PartitionIndex(0)).unwrap()
}

fn elected(view: &Image) -> Option<PartitionImage> {
    elect(view, partition(view), false)
}

/// The state with the replicas that the partition has in the view.
fn on(view: &Image, state: PartitionImage) -> Option<PartitionImage> {
    Some(PartitionImage { replicas: partition(view).replicas.clone(), ..state })
}

/// A topic on these replicas, of which the brokers have gone.
fn waiting(replicas: &[i32]) -> Image {
    let view = gone(three_brokers().with_topic("t", 1, replicas), replicas);
    let state = elected(&view).unwrap();
    assert_eq!(state.leader, None);
    let view =
        view.with_state("t", PartitionImage { partition_epoch: PartitionEpoch(70), ..state });
    assert_eq!(elected(&view), None);
    view
}

/// The same as it is written then.
fn waiting_state(leader: i32, isr: &[(i32, i64)]) -> PartitionImage {
    state(Some(leader), 2, isr, 70)
}

#[test]
fn the_only_replica_leads_when_it_is_back_with_everything() {
    let lossless = back(waiting(&[1]), 1, 80, held(11, 11));
    assert_eq!(elected(&lossless), on(&lossless, waiting_state(1, &[(1, 80)])));
    // Before anybody saw that it was gone.
    let unnoticed = back(three_brokers().with_topic("t", 1, &[1]), 1, 80, held(5, 5));
    assert_eq!(elected(&unnoticed), on(&unnoticed, state(Some(1), 1, &[(1, 80)], 50)));
}

#[test]
fn an_empty_or_older_directory_does_not_lead() {
    let replaced = back(waiting(&[1]), 1, 80, HeldData::since(BrokerEpoch(80)));
    assert_eq!(elected(&replaced), None);
    let data = Missing::Data(vec![BrokerId(1)]);
    assert_eq!(missing(&replaced, partition(&replaced)), Some(data.clone()));
    let leaderless = broker_change::leaderless(&replaced);
    assert_eq!(
        leaderless.iter().map(|(why, all)| (why, all.count)).collect::<Vec<_>>(),
        [(&data, 1)]
    );
    // Before anybody saw that it was gone: it stops to lead.
    let view = three_brokers().with_topic("t", 1, &[1]);
    let unnoticed = back(view, 1, 80, HeldData::since(BrokerEpoch(80)));
    assert_eq!(elected(&unnoticed), on(&unnoticed, state(None, 1, &[(1, 11)], 50)));
}

#[test]
fn the_directory_that_comes_back_leads_although_another_was_there_meanwhile() {
    let absent_after = |after| {
        let (after, before) = (BrokerEpoch(after), BrokerEpoch(90));
        HeldData { absences: vec![Absence { after, before }], ..held(5, 5) }
    };
    let returned = back(waiting(&[1]), 1, 90, absent_after(11));
    assert_eq!(elected(&returned), on(&returned, waiting_state(1, &[(1, 90)])));
    // But not over what the other directory had.
    assert_eq!(elected(&back(waiting(&[1]), 1, 90, absent_after(10))), None);
}

#[test]
fn after_a_loss_of_power_the_only_replica_leads_and_recovers() {
    let lossy = back(waiting(&[1]), 1, 80, held(11, 80));
    let recovery = RecoveryState::Recovering;
    let recovering = PartitionImage { recovery, ..waiting_state(1, &[(1, 80)]) };
    assert_eq!(elected(&lossy), on(&lossy, recovering));
}

#[test]
fn several_replicas_that_may_have_lost_something_wait_for_a_comparison() {
    let both = back(back(waiting(&[1, 2]), 1, 80, held(11, 80)), 2, 81, held(12, 81));
    assert_eq!(elected(&both), None);
    let reason = Missing::Comparison(vec![BrokerId(1), BrokerId(2)]);
    assert_eq!(missing(&both, partition(&both)), Some(reason));
    // Who has everything leads without one.
    let second = back(both, 2, 81, held(12, 12));
    assert_eq!(elected(&second), on(&second, waiting_state(2, &[(2, 81)])));
}

#[test]
fn all_that_are_back_with_everything_stay_in_sync() {
    let both = back(back(waiting(&[2, 1]), 1, 80, held(11, 11)), 2, 81, held(12, 12));
    assert_eq!(elected(&both), on(&both, waiting_state(2, &[(2, 81), (1, 80)])));
}

#[test]
fn eligible_leader_replicas_come_after_the_isr() {
    let view = waiting(&[1, 2, 3]);
    let before = PartitionImage {
        isr: members(&[(1, 11)]),
        elr: members(&[(2, 12), (3, 13)]),
        min_isr: 2,
        ..partition(&view).clone()
    };
    let view = view.with_state("t", before);
    let view = back(back(view, 3, 82, held(13, 13)), 2, 81, held(12, 81));
    let of = |state: PartitionImage| (state.leader, state.isr, state.elr);
    // Those that leave an ISR that is too small are eligible in their turn.
    let elr = members(&[(2, 12), (1, 11)]);
    assert_eq!(elected(&view).map(of), Some((Some(BrokerId(3)), members(&[(3, 82)]), elr)));
    let first = back(view, 1, 80, held(11, 11));
    let elr = members(&[(2, 12), (3, 13)]);
    assert_eq!(elected(&first).map(of), Some((Some(BrokerId(1)), members(&[(1, 80)]), elr)));
}

#[test]
fn an_isr_that_is_large_enough_ends_eligibility() {
    let view = three_brokers().with_topic("t", 1, &[1, 2, 3]);
    let before = PartitionImage { elr: members(&[(3, 7)]), min_isr: 2, ..partition(&view).clone() };
    let view = gone(view.with_state("t", before), &[3]);
    let after = elected(&view).unwrap();
    assert_eq!((after.isr, after.elr), (members(&[(1, 11), (2, 12)]), vec![]));
    let after = elected(&gone(view, &[2])).unwrap();
    assert_eq!((after.isr, after.elr), (members(&[(1, 11)]), members(&[(2, 12), (3, 13)])));
}

#[test]
fn an_unclean_election_takes_what_is_there() {
    let replaced = back(waiting(&[1, 2]), 2, 80, HeldData::since(BrokerEpoch(80)));
    assert_eq!(elected(&replaced), None);
    let recovery = RecoveryState::Recovering;
    let recovering = PartitionImage { recovery, ..waiting_state(2, &[(2, 80)]) };
    assert_eq!(elect(&replaced, partition(&replaced), true), on(&replaced, recovering));
    let nobody = waiting(&[1, 2]);
    assert_eq!(elect(&nobody, partition(&nobody), true), None);
    let reason = Missing::Brokers(vec![BrokerId(1), BrokerId(2)]);
    assert_eq!(missing(&nobody, partition(&nobody)), Some(reason));
}

#[test]
fn the_configuration_allows_an_unclean_election() {
    let view = back(waiting(&[1]), 1, 80, HeldData::since(BrokerEpoch(80)));
    let elections = |view: &Image, default| {
        broker_change::elections(view, view.topic("t").unwrap(), default).count()
    };
    assert_eq!((elections(&view, false), elections(&view, true)), (0, 1));
    let mut overridden = view;
    overridden.change_topic("t", |topic| {
        let values = config(&[("unclean.leader.election.enable", "True")]);
        topic.configs = Arc::new(ConfigImage { values, revision: Revision(5) });
    });
    assert_eq!(elections(&overridden, false), 1);
}

#[test]
fn a_broker_that_is_not_ready_is_not_elected() {
    let view = back(waiting(&[1]), 1, 80, held(11, 11));
    let view = changed(view, 1, |broker| broker.ready = false);
    assert_eq!(elected(&view), None);
    // Nor over others that are in sync.
    let view = gone(three_brokers().with_topic("t", 1, &[1, 2, 3]), &[1]);
    let view = changed(view, 2, |broker| broker.ready = false);
    assert_eq!(elected(&view), on(&view, state(Some(3), 1, &[(3, 13)], 50)));
}

#[test]
fn a_broker_that_cannot_read_the_log_is_not_elected() {
    let view = back(waiting(&[1]), 1, 80, held(11, 11));
    let failed = PartitionImage { failed: brokers(&[1]), ..partition(&view).clone() };
    let view = view.with_state("t", failed);
    assert_eq!((elected(&view), elect(&view, partition(&view), true)), (None, None));
}

#[test]
fn a_broker_that_shuts_down_hands_over_what_others_can_lead() {
    let shuts_down = |broker: &mut BrokerImage| broker.shutting_down = true;
    let view = changed(three_brokers().with_topic("t", 1, &[1, 2]), 1, shuts_down);
    assert_eq!(elected(&view), on(&view, state(Some(2), 1, &[(2, 12)], 50)));
    let view = changed(three_brokers().with_topic("t", 1, &[2, 1]), 1, shuts_down);
    assert_eq!(elected(&view), on(&view, state(Some(2), 0, &[(2, 12)], 50)));
    let sole = changed(three_brokers().with_topic("t", 1, &[1]), 1, shuts_down);
    assert_eq!(elected(&sole), None);
}
