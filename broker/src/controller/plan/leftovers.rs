//! What is left of creations and deletions that were cut off, and what is there although no
//! controller left it.
//!
//! A topic key with 0 partitions says that its topic is being created or deleted. The controller
//! that does it works in rounds and tidies up in between, so that whatever this finds belongs to
//! nobody who is still at work on it.
//!
//! States without a topic key, or of another topic than the key names, are no leftovers but damage:
//! the key was deleted or overwritten by hand. They are kept and reported, since they may be all
//! that says who has the data.

use super::{Change, ChangeSet, ConfigResource, Expected, Key};
use crate::metadata::{Image, PartitionImage, Revision, TopicImage, TopicName, TopicRemains};

/// How many keys one set deletes: with the topic's own key it fits into one transaction.
const KEYS_PER_SET: usize = 64;

/// Deletes what is left over under a name.
pub(crate) fn plan(view: &Image, name: &TopicName) -> Vec<ChangeSet> {
    match view.topics.get(name) {
        Some(topic) => unlisted(topic),
        None => removal(view, name).into_iter().collect(),
    }
}

/// Deletes everything under a name of which the topic key has 0 partitions, that key last. `None`
/// if there is no such key.
pub(crate) fn removal(view: &Image, name: &TopicName) -> Option<ChangeSet> {
    let TopicRemains { ended, states, configs } = &**view.remains.get(name)?;
    let key = Change::delete(Key::Topic(name.clone()), ended.as_ref()?.revision);
    let config = (configs.revision.0 != 0).then(|| {
        Change::delete(Key::Config(ConfigResource::Topic(name.to_string())), configs.revision)
    });
    let states = states.values().map(|state| delete_state(name, state));
    Some(config.into_iter().chain(states).chain([key]).collect::<Vec<_>>().into())
}

/// Deletes the states of partitions that were to be added to a topic. Each set requires that the
/// topic key is as it was: a view that lags must not delete what belongs to a topic.
fn unlisted(topic: &TopicImage) -> Vec<ChangeSet> {
    let own = topic.unlisted.values().filter(|state| state.topic_id == topic.id);
    let deletions: Vec<_> = own.map(|state| delete_state(&topic.name, state)).collect();
    let guard = Change::keep(Key::Topic(topic.name.clone()), Expected::At(topic.revision));
    let set = |chunk: &[Change]| [std::slice::from_ref(&guard), chunk].concat().into();
    deletions.chunks(KEYS_PER_SET).map(set).collect()
}

fn delete_state(name: &TopicName, state: &PartitionImage) -> Change {
    Change::delete(Key::Partition(name.clone(), state.index), Revision(state.partition_epoch.0))
}

/// What is wrong under a name that no controller may put right by itself, for the log.
pub(crate) fn damage(view: &Image, name: &TopicName) -> Option<String> {
    let Some(topic) = view.topics.get(name) else {
        let remains = view.remains.get(name)?;
        return (remains.ended.is_none() && !remains.states.is_empty()).then(|| {
            "the key of this topic is missing in etcd, although the states of its partitions are there: run `barnabas log \
             strays adopt` or `delete`"
                .to_owned()
        });
    };
    if topic.is_regular() {
        return None;
    }
    let absent: Vec<_> = topic.absent_partitions().take(10).map(|index| index.0).collect();
    if !absent.is_empty() {
        return Some(format!(
            "the states of partitions of this topic are missing in etcd, so that they have no leader: run `barnabas \
             log strays adopt`. The first of them are {absent:?}"
        ));
    }
    let foreign = topic.unlisted.values().any(|state| state.topic_id != topic.id);
    foreign.then(|| "etcd holds states of another topic of this name; delete them".to_owned())
}
