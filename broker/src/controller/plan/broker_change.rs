//! What follows when brokers register, come back or go: notes about them, and elections.
//!
//! It looks at the state, not at the event: planning for the same view twice gives the same, and a
//! new controller that missed an event plans what its predecessor would have.

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};

use super::elect_leader::elect;
use super::{Change, ChangeSet};
use crate::metadata::{BrokerStateImage, Image, TopicName};

/// The registrations that a plan is about: when they are others, it is time for the next plan.
pub(crate) fn registrations(view: &Image) -> BTreeMap<BrokerId, BrokerEpoch> {
    view.brokers.values().map(|broker| (broker.id, broker.epoch)).collect()
}

/// All changes that the present brokers ask for. Each partition is a set of its own: none waits for
/// another.
pub(crate) fn plan(view: &Image) -> Vec<ChangeSet> {
    let mut sets = broker_states(view);
    for topic in view.topics.values() {
        let elected = topic.partitions.values().filter_map(|partition| elect(view, partition));
        sets.extend(elected.map(|state| vec![Change::partition(&topic.name, state)].into()));
    }
    sets
}

/// Whether some partition of a topic should have another leader or ISR.
pub(crate) fn wants_election(view: &Image, topic: &TopicName) -> bool {
    let topic = view.topics.get(topic);
    topic.is_some_and(|topic| topic.partitions.values().any(|state| elect(view, state).is_some()))
}

/// Notes each new registration, and fences who has gone.
fn broker_states(view: &Image) -> Vec<ChangeSet> {
    let note = |id: BrokerId, state: BrokerStateImage| vec![Change::broker_state(id, state)].into();
    let seen = |id: &BrokerId| view.broker_states.get(id).copied().unwrap_or_default();
    let registered = view.brokers.values().filter_map(|broker| {
        let before = seen(&broker.id);
        let (last_epoch, revision) = (broker.epoch, before.revision);
        let now = BrokerStateImage { last_epoch, revision, ..BrokerStateImage::default() };
        (before.last_epoch != broker.epoch).then(|| note(broker.id, now))
    });
    let gone = view.broker_states.iter().filter(|(id, state)| !view.alive(**id) && !state.fenced);
    let gone = gone.map(|(id, state)| {
        note(*id, BrokerStateImage { fenced: true, shutting_down: false, ..*state })
    });
    registered.chain(gone).collect()
}
