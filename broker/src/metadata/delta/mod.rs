//! Image + change → image. Pure: no I/O.
//!
//! A change names one key and its new value or its end. Keys may come in any order, and a topic's
//! states may be there without the topic (it exists if and only if its own key does and has
//! partitions): `topics` keeps what is there until the topic key names it.

mod decode;
mod topics;

pub(crate) use topics::similar_form;

use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::state::ids::BrokerId;
use barnabas_protocol::state::values::{Cluster, Controller};
use barnabas_protocol::state::{ConfigKind, StateError, StateKey, from_json};

use super::image::{Image, RestoredImage};
use super::topic::ConfigImage;

/// A key's value, and when it was written.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The JSON value.
    pub value: &'a [u8],
    /// `create_revision` of the key.
    pub created: Revision,
    /// `mod_revision` of the key.
    pub modified: Revision,
}

/// A value that the image cannot take; the image stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// Not the JSON that the schema asks for.
    #[error(transparent)]
    State(#[from] StateError),
    /// JSON of the right form that says something impossible.
    #[error("{0}")]
    Invalid(&'static str),
}

/// Takes over a key's new value. Keys that the image does not hold (groups, ACLs, ...) are ignored.
///
/// # Errors
/// A value that cannot be read. The image keeps the value before it: a typing error must not make a
/// topic disappear.
pub fn put(image: &mut Image, key: StateKey, entry: Entry<'_>) -> Result<(), DeltaError> {
    match key {
        StateKey::ClusterId => {
            image.cluster_id = Some(from_json::<Cluster>(entry.value)?.id.into());
        }
        StateKey::Restored => image.restored = decode::restored(entry)?,
        StateKey::DeletedTopic(id) => {
            image.deleted.insert_mut(id, Arc::new(decode::deleted_topic(entry)?));
        }
        StateKey::Controller => {
            image.controller = Some(BrokerId(from_json::<Controller>(entry.value)?.broker_id));
            image.controller_revision = entry.created;
        }
        StateKey::Broker(id) => {
            let broker = Arc::new(decode::registration(id, entry)?);
            image.brokers.insert(id, broker);
        }
        StateKey::BrokerState(id) => {
            let state = decode::broker_state(entry)?;
            image.broker_states.insert(id, state);
        }
        StateKey::Topic(name) => {
            let key = decode::topic_key(entry)?;
            topics::put_key(image, name.into(), key);
        }
        StateKey::PartitionState { topic, partition } => {
            let state = Arc::new(decode::partition(partition, entry)?);
            topics::put_state(image, topic.into(), state);
        }
        StateKey::Config { kind, name } => {
            let config = Arc::new(decode::config(entry)?);
            set_config(image, kind, &name, Some(config));
        }
        _ => {}
    }
    Ok(())
}

/// Takes over that a key is gone.
pub fn delete(image: &mut Image, key: StateKey) {
    match key {
        StateKey::ClusterId => image.cluster_id = None,
        StateKey::Restored => image.restored = RestoredImage::default(),
        StateKey::DeletedTopic(id) => drop(image.deleted.remove_mut(&id)),
        StateKey::Controller => {
            image.controller = None;
            image.controller_revision = Revision(0);
        }
        StateKey::Broker(id) => drop(image.brokers.remove(&id)),
        StateKey::BrokerState(id) => drop(image.broker_states.remove(&id)),
        StateKey::Topic(name) => topics::delete_key(image, name.into()),
        StateKey::PartitionState { topic, partition } => {
            topics::delete_state(image, topic.into(), partition);
        }
        StateKey::Config { kind, name } => set_config(image, kind, &name, None),
        _ => {}
    }
}

/// Gives `new` what `old` says of one key: its present value cannot be read, so that the last good
/// one stays in use.
pub fn keep(old: &Image, new: &mut Image, key: StateKey) {
    match key {
        StateKey::ClusterId => new.cluster_id.clone_from(&old.cluster_id),
        StateKey::Restored => new.restored = old.restored,
        StateKey::DeletedTopic(id) => {
            if let Some(before) = old.deleted.get(&id) {
                new.deleted.insert_mut(id, Arc::clone(before));
            }
        }
        StateKey::Controller => {
            new.controller = old.controller;
            new.controller_revision = old.controller_revision;
        }
        StateKey::Broker(id) => {
            new.brokers.extend(old.brokers.get(&id).map(|broker| (id, Arc::clone(broker))));
        }
        StateKey::BrokerState(id) => {
            new.broker_states.extend(old.broker_states.get(&id).map(|state| (id, *state)));
        }
        StateKey::Topic(name) => {
            if let Some(key) = topics::key_of(old, &name) {
                topics::put_key(new, name.into(), key);
            }
        }
        StateKey::PartitionState { topic, partition } => {
            if let Some(state) = topics::state_of(old, &topic, partition) {
                topics::put_state(new, topic.into(), state);
            }
        }
        StateKey::Config { kind, name } => {
            let config = match kind {
                ConfigKind::Topic => topics::config_of(old, &name),
                ConfigKind::Broker => {
                    broker_of(&name).and_then(|broker| old.broker_configs.get(&broker).cloned())
                }
                ConfigKind::User | ConfigKind::Client => None,
            };
            set_config(new, kind, &name, config);
        }
        _ => {}
    }
}

/// Makes a listing the successor of `old`: what is the same is shared with it, and the changes are
/// noted.
pub fn succeed(old: &Image, new: &mut Image) {
    for (id, broker) in &mut new.brokers {
        if let Some(before) = old.brokers.get(id)
            && before == broker
        {
            *broker = Arc::clone(before);
        }
    }
    topics::succeed(old, new);
}

/// Sets or removes overrides. Those of users and clients (quotas) and of topics in general are not
/// kept here.
fn set_config(image: &mut Image, kind: ConfigKind, name: &str, config: Option<Arc<ConfigImage>>) {
    match kind {
        ConfigKind::Topic if name.is_empty() => {}
        ConfigKind::Topic => topics::set_config(image, name.into(), config.unwrap_or_default()),
        ConfigKind::Broker => match (broker_of(name), config) {
            (Some(broker), Some(config)) => drop(image.broker_configs.insert(broker, config)),
            (Some(broker), None) => drop(image.broker_configs.remove(&broker)),
            (None, _) => {}
        },
        ConfigKind::User | ConfigKind::Client => {}
    }
}

/// The broker of a config key, `Some(None)` for the default of all brokers; `None` where the name
/// is not an id.
fn broker_of(name: &str) -> Option<Option<BrokerId>> {
    if name.is_empty() { Some(None) } else { name.parse().ok().map(|id| Some(BrokerId(id))) }
}

#[cfg(test)]
mod tests;
