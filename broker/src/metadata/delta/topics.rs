//! The keys below one topic's name: the topic key, the states of partitions, the config.
//!
//! Whatever the order in which they come, the image is the same: a name with a topic key that
//! counts partitions is in `Image::topics`, any other name of which something is there is in
//! `Image::remains`.

use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::state::ids::{PartitionIndex, TopicId};

use super::super::image::Image;
use super::super::topic::{
    ConfigImage, EndedTopic, PartitionImage, Partitions, TopicImage, TopicName, TopicRemains,
};

/// What a topic key says.
#[derive(Clone, Copy, Debug)]
pub(super) struct TopicKey {
    pub(super) id: TopicId,
    pub(super) partition_count: i32,
    pub(super) revision: Revision,
}

/// What is in the image of one name's topic key.
pub(super) fn key_of(image: &Image, name: &str) -> Option<TopicKey> {
    let living = |topic: &Arc<TopicImage>| TopicKey {
        id: topic.id,
        partition_count: topic.partition_count,
        revision: topic.revision,
    };
    let ended =
        |ended: EndedTopic| TopicKey { id: ended.id, partition_count: 0, revision: ended.revision };
    image.topics.get(name).map(living).or_else(|| image.remains.get(name)?.ended.map(ended))
}

pub(super) fn state_of(
    image: &Image,
    name: &str,
    index: PartitionIndex,
) -> Option<Arc<PartitionImage>> {
    let of_topic = image.topics.get(name).and_then(|topic| {
        topic.partitions.get(&index).or_else(|| topic.unlisted.get(&index)).cloned()
    });
    of_topic.or_else(|| image.remains.get(name)?.states.get(&index).cloned())
}

pub(super) fn config_of(image: &Image, name: &str) -> Option<Arc<ConfigImage>> {
    let config = match image.topics.get(name) {
        Some(topic) => &topic.configs,
        None => &image.remains.get(name)?.configs,
    };
    (config.revision.0 != 0).then(|| Arc::clone(config))
}

pub(super) fn put_key(image: &mut Image, name: TopicName, key: TopicKey) {
    let TopicRemains { states, configs, .. } = take_apart(image, &name);
    let TopicKey { id, partition_count, revision } = key;
    if partition_count == 0 {
        let ended = Some(EndedTopic { id, revision });
        return set_remains(image, name, TopicRemains { ended, states, configs });
    }
    let mut topic = TopicImage {
        name: name.clone(),
        id,
        partition_count,
        partitions: Partitions::new_sync(),
        configs,
        revision,
        unlisted: Partitions::new_sync(),
    };
    // As a rule all states are the topic's: then nothing is copied.
    if states.values().all(|state| topic.lists(state)) {
        topic.partitions = states;
    } else {
        states.values().for_each(|state| insert(&mut topic, Arc::clone(state)));
    }
    note_regular(image, &topic);
    image.topics_by_id.insert_mut(id, name.clone());
    add_similar(image, &name);
    image.topics.insert_mut(name.clone(), Arc::new(topic));
    image.changes.record(&name);
}

pub(super) fn delete_key(image: &mut Image, name: TopicName) {
    let remains = TopicRemains { ended: None, ..take_apart(image, &name) };
    set_remains(image, name, remains);
}

pub(super) fn put_state(image: &mut Image, name: TopicName, state: Arc<PartitionImage>) {
    let put = |topic: &mut TopicImage| insert(topic, Arc::clone(&state));
    if !change_topic(image, &name, put) {
        change_remains(image, name, |remains| remains.states.insert_mut(state.index, state));
    }
}

pub(super) fn delete_state(image: &mut Image, name: TopicName, index: PartitionIndex) {
    let remove = |topic: &mut TopicImage| {
        topic.partitions.remove_mut(&index);
        topic.unlisted.remove_mut(&index);
    };
    if !change_topic(image, &name, remove) {
        change_remains(image, name, |remains| {
            remains.states.remove_mut(&index);
        });
    }
}

pub(super) fn set_config(image: &mut Image, name: TopicName, config: Arc<ConfigImage>) {
    let set = |topic: &mut TopicImage| topic.configs = Arc::clone(&config);
    if !change_topic(image, &name, set) {
        change_remains(image, name, |remains| remains.configs = config);
    }
}

/// See [`super::succeed`].
pub(super) fn succeed(old: &Image, new: &mut Image) {
    let mut same = Vec::new();
    for (name, topic) in &new.topics {
        if let Some(before) = old.topics.get(name)
            && before == topic
        {
            same.push((name.clone(), Arc::clone(before)));
        }
    }
    for (name, before) in same {
        new.topics.insert_mut(name, before);
    }
    let changed = new.topics_changed_since(old);
    new.changes = old.changes.clone();
    changed.iter().for_each(|name| new.changes.record(name));
}

/// Changes a topic; false if there is none of this name.
fn change_topic(image: &mut Image, name: &TopicName, change: impl FnOnce(&mut TopicImage)) -> bool {
    let Some(topic) = image.topics.get_mut(name) else { return false };
    let was_regular = topic.is_regular();
    let topic = Arc::make_mut(topic);
    change(topic);
    if topic.is_regular() != was_regular {
        let topic = topic.clone();
        note_regular(image, &topic);
    }
    image.changes.record(name);
    true
}

fn change_remains(image: &mut Image, name: TopicName, change: impl FnOnce(&mut TopicRemains)) {
    let mut remains = image.remains.get(&name).cloned().unwrap_or_default();
    // Not shared any more while it is changed.
    image.remains.remove_mut(&name);
    change(Arc::make_mut(&mut remains));
    set_remains(image, name, Arc::unwrap_or_clone(remains));
}

fn set_remains(image: &mut Image, name: TopicName, remains: TopicRemains) {
    image.changes.record(&name);
    if remains == TopicRemains::default() {
        image.remains.remove_mut(&name);
    } else {
        image.remains.insert_mut(name, Arc::new(remains));
    }
}

/// Puts a state where it belongs. There is one state of an index, whatever topic it is of.
fn insert(topic: &mut TopicImage, state: Arc<PartitionImage>) {
    let index = state.index;
    let (to, from) = match topic.lists(&state) {
        true => (&mut topic.partitions, &mut topic.unlisted),
        false => (&mut topic.unlisted, &mut topic.partitions),
    };
    from.remove_mut(&index);
    to.insert_mut(index, state);
}

fn note_regular(image: &mut Image, topic: &TopicImage) {
    if topic.is_regular() {
        image.irregular.remove_mut(&topic.name);
    } else {
        image.irregular.insert_mut(topic.name.clone());
    }
}

/// Removes the topic, or the remains, and returns what there is under the name besides the topic
/// key.
fn take_apart(image: &mut Image, name: &TopicName) -> TopicRemains {
    let Some(topic) = image.topics.get(name).cloned() else {
        let remains = image.remains.get(name).cloned().unwrap_or_default();
        image.remains.remove_mut(name);
        return Arc::unwrap_or_clone(remains);
    };
    image.topics.remove_mut(name);
    image.irregular.remove_mut(name);
    // A topic key that was written by hand may repeat the id of another topic.
    if image.topics_by_id.get(&topic.id) == Some(name) {
        image.topics_by_id.remove_mut(&topic.id);
    }
    remove_similar(image, name);
    let TopicImage { partitions: mut states, unlisted, configs, .. } = Arc::unwrap_or_clone(topic);
    unlisted.iter().for_each(|(index, state)| states.insert_mut(*index, Arc::clone(state)));
    TopicRemains { ended: None, states, configs }
}

/// The name with '_' for each '.', if it has one of them.
pub(crate) fn similar_form(name: &str) -> Option<TopicName> {
    name.contains(['.', '_']).then(|| name.replace('.', "_").into())
}

fn add_similar(image: &mut Image, name: &TopicName) {
    let Some(form) = similar_form(name) else { return };
    let mut names = image.similar_names.get(&form).cloned().unwrap_or_default();
    names.insert(name.clone());
    image.similar_names.insert_mut(form, names);
}

fn remove_similar(image: &mut Image, name: &TopicName) {
    let Some(form) = similar_form(name) else { return };
    let mut names = image.similar_names.get(&form).cloned().unwrap_or_default();
    names.remove(name);
    if names.is_empty() {
        image.similar_names.remove_mut(&form);
    } else {
        image.similar_names.insert_mut(form, names);
    }
}
