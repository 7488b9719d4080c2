//! Image + change → image, without I/O.
//!
//! A change names one key and its new value or its end. Keys may come in any order, and a topic's states may be
//! there without the topic (it exists if and only if its own key does): what is there is kept in
//! `Image::incomplete` or `TopicImage::unlisted` until the topic key names it.

use std::collections::BTreeMap;
use std::sync::Arc;

use barnabas_coordinator_client::Revision;
use barnabas_protocol::kafka::primitives::Str;
use barnabas_protocol::state::ids::{
    BrokerEpoch, BrokerId, LeaderEpoch, PartitionEpoch, PartitionIndex, TopicId,
};
use barnabas_protocol::state::values::{
    BrokerRegistration, BrokerState, ClusterId, Config, Controller, PartitionState, RecoveryState,
    Replica, Topic,
};
use barnabas_protocol::state::{ConfigKind, StateError, StateKey, from_json};

use super::image::{
    BrokerImage, BrokerStateImage, ConfigImage, EndpointImage, Image, IsrMember, PartitionImage,
    PartitionStateImage, TopicImage, TopicName, TopicRemains,
};

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

/// Takes over a key's new value. Keys that the image does not hold (groups, ACLs, ...) are passed over.
///
/// # Errors
/// A value that cannot be understood: the image keeps what it had, since to believe a topic gone for a typo would be
/// worse.
pub fn put(image: &mut Image, key: StateKey, entry: Entry<'_>) -> Result<(), DeltaError> {
    match key {
        StateKey::ClusterId => {
            image.cluster_id = Some(from_json::<ClusterId>(entry.value)?.id.into());
        }
        StateKey::Controller => {
            image.controller = Some(BrokerId(from_json::<Controller>(entry.value)?.broker_id));
            image.controller_revision = entry.created;
        }
        StateKey::Broker(id) => {
            let broker = Arc::new(registration(id, entry)?);
            image.brokers.insert(id, broker);
        }
        StateKey::BrokerState(id) => {
            let state = broker_state(&from_json(entry.value)?, entry.modified);
            image.broker_states.insert(id, state);
        }
        StateKey::Topic(name) => put_topic(image, name.into(), &from_json(entry.value)?, entry)?,
        StateKey::PartitionState { topic, partition } => {
            let state = partition_state(&from_json(entry.value)?, entry.modified)?;
            put_state(image, topic.into(), partition, state);
        }
        StateKey::Config { kind, name } => {
            let Config { config, .. } = from_json(entry.value)?;
            let values = config.into_iter().collect();
            let config = Arc::new(ConfigImage { values, revision: entry.modified });
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
        StateKey::Controller => {
            image.controller = None;
            image.controller_revision = Revision(0);
        }
        StateKey::Broker(id) => drop(image.brokers.remove(&id)),
        StateKey::BrokerState(id) => drop(image.broker_states.remove(&id)),
        StateKey::Topic(name) => {
            let remains = take_apart(image, &name);
            set_remains(image, name.into(), remains);
        }
        StateKey::PartitionState { topic, partition } => delete_state(image, &topic, partition),
        StateKey::Config { kind, name } => set_config(image, kind, &name, None),
        _ => {}
    }
}

/// Takes from `old` each part that is the same in `new`, so that whoever compares pointers sees only real changes.
pub fn reuse(old: &Image, new: &mut Image) {
    for (name, topic) in &mut new.topics {
        if let Some(before) = old.topics.get(name)
            && before == topic
        {
            *topic = Arc::clone(before);
        }
    }
    for (id, broker) in &mut new.brokers {
        if let Some(before) = old.brokers.get(id)
            && before == broker
        {
            *broker = Arc::clone(before);
        }
    }
}

fn put_topic(
    image: &mut Image,
    name: TopicName,
    value: &Topic,
    entry: Entry<'_>,
) -> Result<(), DeltaError> {
    let id = TopicId::from_kafka_string(&value.topic_id)
        .map_err(|_| DeltaError::Invalid("the topic id is not one"))?;
    let mut listed: Vec<_> = value.partitions.iter().collect();
    listed.sort_unstable_by_key(|(index, _)| **index);
    if listed.iter().zip(0..).any(|((index, _), expected)| **index != expected) {
        return Err(DeltaError::Invalid("the partitions are not numbered 0, 1, ..."));
    }
    let TopicRemains { mut states, configs } = take_apart(image, &name);
    let brokers = |ids: &[i32]| ids.iter().copied().map(BrokerId).collect();
    let partition = |(index, replicas): (&i32, &_)| {
        let barnabas_protocol::state::values::Replicas { replicas, adding, removing } = replicas;
        let index = PartitionIndex(*index);
        PartitionImage {
            index,
            replicas: brokers(replicas),
            adding: brokers(adding),
            removing: brokers(removing),
            state: states.remove(&index).unwrap_or_default(),
        }
    };
    let partitions = listed.into_iter().map(partition).collect();
    let revision = entry.modified;
    let topic =
        TopicImage { name: name.clone(), id, partitions, configs, revision, unlisted: states };
    image.topics_by_id.insert(id, name.clone());
    image.topics.insert(name, Arc::new(topic));
    Ok(())
}

/// Removes the topic and returns what there is under its name besides the topic key.
fn take_apart(image: &mut Image, name: &str) -> TopicRemains {
    let Some(topic) = image.topics.remove(name) else {
        return image.incomplete.remove(name).map(Arc::unwrap_or_clone).unwrap_or_default();
    };
    image.topics_by_id.remove(&topic.id);
    let TopicImage { partitions, unlisted: mut states, configs, .. } = Arc::unwrap_or_clone(topic);
    let exists = |p: &PartitionImage| p.state.partition_epoch != PartitionEpoch(0);
    states.extend(partitions.into_iter().filter(exists).map(|p| (p.index, p.state)));
    TopicRemains { states, configs }
}

fn set_remains(image: &mut Image, name: TopicName, remains: TopicRemains) {
    if remains == TopicRemains::default() {
        image.incomplete.remove(&name);
    } else {
        image.incomplete.insert(name, Arc::new(remains));
    }
}

fn put_state(
    image: &mut Image,
    name: TopicName,
    index: PartitionIndex,
    state: PartitionStateImage,
) {
    if let Some(topic) = image.topics.get_mut(&name) {
        let topic = Arc::make_mut(topic);
        match listed(topic, index) {
            Some(partition) => partition.state = state,
            None => drop(topic.unlisted.insert(index, state)),
        }
    } else {
        let remains = image.incomplete.entry(name).or_default();
        Arc::make_mut(remains).states.insert(index, state);
    }
}

fn delete_state(image: &mut Image, name: &str, index: PartitionIndex) {
    if let Some(topic) = image.topics.get_mut(name) {
        let topic = Arc::make_mut(topic);
        match listed(topic, index) {
            Some(partition) => partition.state = PartitionStateImage::default(),
            None => drop(topic.unlisted.remove(&index)),
        }
    } else if let Some(remains) = image.incomplete.get_mut(name) {
        let remains = Arc::make_mut(remains);
        remains.states.remove(&index);
        if *remains == TopicRemains::default() {
            image.incomplete.remove(name);
        }
    }
}

fn listed(topic: &mut TopicImage, index: PartitionIndex) -> Option<&mut PartitionImage> {
    topic.partitions.get_mut(usize::try_from(index.0).ok()?)
}

/// Sets or removes overrides. Those of users and clients (quotas) and of topics in general are not ours.
fn set_config(image: &mut Image, kind: ConfigKind, name: &str, config: Option<Arc<ConfigImage>>) {
    match kind {
        ConfigKind::Topic if name.is_empty() => {}
        ConfigKind::Topic => set_topic_config(image, name, config.unwrap_or_default()),
        ConfigKind::Broker => {
            let Ok(id) = name
                .parse()
                .map(BrokerId)
                .map(Some)
                .or_else(|error| if name.is_empty() { Ok(None) } else { Err(error) })
            else {
                return;
            };
            match config {
                Some(config) => drop(image.broker_configs.insert(id, config)),
                None => drop(image.broker_configs.remove(&id)),
            }
        }
        ConfigKind::User | ConfigKind::Client => {}
    }
}

fn set_topic_config(image: &mut Image, name: &str, config: Arc<ConfigImage>) {
    if let Some(topic) = image.topics.get_mut(name) {
        Arc::make_mut(topic).configs = config;
    } else {
        let before = image.incomplete.get(name).map_or_else(BTreeMap::new, |r| r.states.clone());
        set_remains(image, name.into(), TopicRemains { states: before, configs: config });
    }
}

fn registration(id: BrokerId, entry: Entry<'_>) -> Result<BrokerImage, DeltaError> {
    let value: BrokerRegistration = from_json(entry.value)?;
    let incarnation = value
        .incarnation
        .parse()
        .map_err(|_| DeltaError::Invalid("the broker's incarnation is not a UUID"))?;
    let endpoint = |endpoint: barnabas_protocol::state::values::Endpoint| {
        Ok(EndpointImage {
            listener: endpoint.listener.into(),
            security_protocol: endpoint.security_protocol.into(),
            host: endpoint.host.into(),
            port: u16::try_from(endpoint.port)
                .map_err(|_| DeltaError::Invalid("an endpoint's port is out of range"))?,
        })
    };
    Ok(BrokerImage {
        id,
        epoch: BrokerEpoch(entry.created.0),
        incarnation,
        endpoints: value.endpoints.into_iter().map(endpoint).collect::<Result<_, DeltaError>>()?,
        rack: value.rack.map(Str::from),
        previous_epoch: (value.previous_epoch >= 0).then_some(BrokerEpoch(value.previous_epoch)),
    })
}

fn broker_state(value: &BrokerState, modified: Revision) -> BrokerStateImage {
    BrokerStateImage {
        last_epoch: BrokerEpoch(value.last_epoch),
        fenced: value.fenced,
        shutting_down: value.shutting_down,
        revision: modified,
    }
}

fn partition_state(
    value: &PartitionState,
    modified: Revision,
) -> Result<PartitionStateImage, DeltaError> {
    let member = |r: &Replica| IsrMember { id: BrokerId(r.id), epoch: BrokerEpoch(r.broker_epoch) };
    let recovery = RecoveryState::try_from(value.recovery_state)
        .map_err(|_| DeltaError::Invalid("the recovery state is not one"))?;
    Ok(PartitionStateImage {
        leader: (value.leader >= 0).then_some(BrokerId(value.leader)),
        leader_epoch: LeaderEpoch(value.leader_epoch),
        isr: value.isr.iter().map(member).collect(),
        elr: value.elr.iter().map(member).collect(),
        recovering: recovery == RecoveryState::Recovering,
        partition_epoch: PartitionEpoch(modified.0),
    })
}

#[cfg(test)]
mod tests;
