//! What belongs to no topic: the partition states and config of a deleted topic, or those of a topic whose creation
//! was cut off before its topic key was written.

use super::{Change, ChangeSet, Expected, Key};
use crate::metadata::{Image, Revision, TopicName};

/// How many keys one set deletes: with the topic's own key it fits into one transaction.
const KEYS_PER_SET: usize = 64;

/// Deletes what is left over. Each set requires that the topic key is as it was (absent, for a topic that is gone):
/// a view that lags must not delete what belongs to a topic.
pub(crate) fn plan(view: &Image) -> Vec<ChangeSet> {
    let gone = view.incomplete.iter().flat_map(|(name, remains)| {
        let config = (remains.configs.revision.0 != 0).then(|| {
            let key = Key::Config(super::ConfigResource::Topic(name.to_string()));
            Change::delete(key, remains.configs.revision)
        });
        let states = remains.states.iter().map(|(index, state)| {
            Change::delete(
                Key::Partition(TopicName::clone(name), *index),
                Revision(state.partition_epoch.0),
            )
        });
        sets(name, Expected::Absent, config.into_iter().chain(states).collect())
    });
    let unlisted = view.topics.values().filter(|topic| !topic.unlisted.is_empty());
    let unlisted = unlisted.flat_map(|topic| {
        let states = topic.unlisted.iter().map(|(index, state)| {
            Change::delete(
                Key::Partition(TopicName::clone(&topic.name), *index),
                Revision(state.partition_epoch.0),
            )
        });
        sets(&topic.name, Expected::At(topic.revision), states.collect())
    });
    gone.chain(unlisted).collect()
}

fn sets(name: &TopicName, topic: Expected, deletions: Vec<Change>) -> Vec<ChangeSet> {
    let guard = Change::keep(Key::Topic(TopicName::clone(name)), topic);
    deletions
        .chunks(KEYS_PER_SET)
        .map(|chunk| {
            let changes = std::iter::once(guard.clone()).chain(chunk.iter().cloned()).collect();
            ChangeSet { changes }
        })
        .collect()
}
