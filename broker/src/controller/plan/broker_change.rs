//! What follows when brokers register, come back or go: notes about them, and elections.
//!
//! It looks at the state, not at the event: planning for the same view twice gives the same, and a
//! new controller that missed an event plans what its predecessor would have.

use std::collections::BTreeMap;

use barnabas_protocol::state::ids::{BrokerId, PartitionIndex};

use super::elect_leader::{Missing, elect, missing};
use super::{Change, ChangeSet, unclean};
use crate::metadata::{BrokerStateImage, Image, Revision, TopicImage, TopicName};

/// The registrations that a plan is about, by their last change: when they are others, it is time
/// for the next plan.
pub(crate) fn registrations(view: &Image) -> BTreeMap<BrokerId, Revision> {
    view.brokers.values().map(|broker| (broker.id, broker.revision)).collect()
}

/// Partitions that nobody can lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaderless {
    pub(crate) count: usize,
    /// One of them.
    pub(crate) example: (TopicName, PartitionIndex),
}

/// All changes that the present brokers ask for. Each partition is a set of its own: none waits for
/// another. `unclean_default` holds for topics that do not override it.
pub(crate) fn plan(view: &Image, unclean_default: bool) -> Vec<ChangeSet> {
    let topics = view.topics.values();
    let elections = topics.flat_map(|topic| elections(view, topic, unclean_default));
    broker_states(view).into_iter().chain(elections).collect()
}

/// The elections that are due in one topic.
pub(crate) fn elections<'a>(
    view: &'a Image,
    topic: &'a TopicImage,
    unclean_default: bool,
) -> impl Iterator<Item = ChangeSet> + use<'a> {
    let unclean = unclean::of_topic(&topic.configs.values, unclean_default);
    let elected = topic.partitions.values().filter_map(move |state| elect(view, state, unclean));
    elected.map(|state| vec![Change::partition(&topic.name, state)].into())
}

/// The partitions that have no leader, by the reason.
pub(crate) fn leaderless(view: &Image) -> BTreeMap<Missing, Leaderless> {
    let mut found = BTreeMap::new();
    for topic in view.topics.values() {
        for state in topic.partitions.values() {
            let Some(missing) = missing(view, state) else { continue };
            let example = (topic.name.clone(), state.index);
            found.entry(missing).or_insert(Leaderless { count: 0, example }).count += 1;
        }
    }
    found
}

/// Whether some partition of a topic should have another leader or ISR.
pub(crate) fn wants_election(view: &Image, topic: &TopicName) -> bool {
    let topic = view.topics.get(topic);
    topic.is_some_and(|topic| {
        topic.partitions.values().any(|state| elect(view, state, false).is_some())
    })
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
    let gone = gone.map(|(id, state)| note(*id, BrokerStateImage { fenced: true, ..*state }));
    registered.chain(gone).collect()
}
