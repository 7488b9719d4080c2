//! Creating and deleting topics.

use std::collections::{BTreeMap, BTreeSet};

use barnabas_protocol::state::ids::{BrokerId, PartitionIndex, TopicId};

use super::assign_replicas::{automatic, check_manual, first_isr};
use super::topic_name::{self, NameError};
use super::{
    Change, ChangeSet, Expected, Key, MAX_PARTITIONS_PER_REQUEST, Value, leftovers, min_isr,
};
use crate::controller::error::{CreateTopicError, DeleteTopicError};
use crate::controller::request::{ConfigResource, CreatedTopic, DeletedTopic, NewTopic, TopicRef};
use crate::metadata::{Image, PartitionImage, Revision, TopicImage, TopicName};

/// Says in Kafka's words what is wrong with a set of overrides.
pub(crate) type Validate = dyn Fn(&BTreeMap<String, String>) -> Result<(), String>;

/// What decides about a new topic besides the view and the request.
pub(crate) struct CreateRules<'a> {
    /// `num.partitions`
    pub(crate) num_partitions: i32,
    /// `default.replication.factor`
    pub(crate) replication_factor: i16,
    /// `min.insync.replicas` of topics that do not override it.
    pub(crate) min_isr: i32,
    /// `validate_topic_configs` of the configuration.
    pub(crate) validate_configs: &'a Validate,
}

/// What is random about a new topic.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CreateSeed {
    /// The topic's id.
    pub(crate) id: TopicId,
    /// The broker to start the assignment with, counted around.
    pub(crate) start: usize,
}

/// Plans one topic of a request. The revision in the answer is 0 until it is written.
///
/// # Errors
/// What Kafka refuses, in its order and words.
pub(crate) fn create(
    view: &Image,
    topic: &NewTopic,
    rules: &CreateRules<'_>,
    seed: CreateSeed,
) -> Result<(CreatedTopic, ChangeSet), CreateTopicError> {
    topic_name::check(&topic.name, view).map_err(|error| match error {
        NameError::Invalid(message) => CreateTopicError::InvalidTopic(message),
        NameError::Prohibited(message) => CreateTopicError::InvalidRequest(message),
    })?;
    if view.topic(&topic.name).is_some() {
        let message = format!("Topic '{}' already exists.", topic.name);
        return Err(CreateTopicError::AlreadyExists(message));
    }
    if let Some(damage) = leftovers::damage(view, &topic.name.as_str().into()) {
        let message = format!("Topic '{}' cannot be created: {damage}.", topic.name);
        return Err(CreateTopicError::AlreadyExists(message));
    }
    let configs = configs(topic, rules)?;
    let replicas = if topic.assignments.is_empty() {
        assign(view, topic, rules, seed.start)?
    } else {
        manual(view, topic)?
    };
    let created = CreatedTopic {
        name: TopicName::from(&*topic.name),
        id: seed.id,
        replicas,
        configs,
        revision: Revision(0),
    };
    let set = changes(view, &created, min_isr::of_topic(&created.configs, rules.min_isr))?;
    Ok((created, set))
}

/// Whether a request asks for more partitions than one request may, over all its topics. Each topic
/// counts at least as one: names are checked, too.
pub(crate) fn too_many_partitions(topics: &[NewTopic], num_partitions: i32) -> bool {
    let wanted = |topic: &NewTopic| match topic.num_partitions {
        _ if !topic.assignments.is_empty() => topic.assignments.len(),
        -1 => usize::try_from(num_partitions).unwrap_or(0),
        count => usize::try_from(count).unwrap_or(0),
    };
    topics.iter().map(|topic| wanted(topic).max(1)).fold(0, usize::saturating_add)
        > MAX_PARTITIONS_PER_REQUEST
}

fn configs(
    topic: &NewTopic,
    rules: &CreateRules<'_>,
) -> Result<BTreeMap<String, String>, CreateTopicError> {
    let mut configs = BTreeMap::new();
    let mut nulls = Vec::new();
    for (name, value) in &topic.configs {
        match value {
            Some(value) => drop(configs.insert(name.clone(), value.clone())),
            None => nulls.push(name.as_str()),
        }
    }
    if !nulls.is_empty() {
        let message = format!("Null value not supported for topic configs: {}", nulls.join(","));
        return Err(CreateTopicError::InvalidConfig(message));
    }
    (rules.validate_configs)(&configs).map_err(CreateTopicError::InvalidConfig)?;
    Ok(configs)
}

fn assign(
    view: &Image,
    topic: &NewTopic,
    rules: &CreateRules<'_>,
    start: usize,
) -> Result<Vec<Vec<BrokerId>>, CreateTopicError> {
    let factor = match topic.replication_factor {
        -1 => rules.replication_factor,
        factor => factor,
    };
    let factor = usize::try_from(factor).ok().filter(|factor| *factor > 0).ok_or_else(|| {
        let message = "Replication factor must be larger than 0, or -1 to use the default value.";
        CreateTopicError::InvalidReplicationFactor(message.to_owned())
    })?;
    let count = match topic.num_partitions {
        -1 => rules.num_partitions,
        count => count,
    };
    let count = usize::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| {
        let message = "Number of partitions was set to an invalid non-positive value.";
        CreateTopicError::InvalidPartitions(message.to_owned())
    })?;
    automatic(view, count, factor, start).map_err(CreateTopicError::InvalidReplicationFactor)
}

fn manual(view: &Image, topic: &NewTopic) -> Result<Vec<Vec<BrokerId>>, CreateTopicError> {
    let conflict = |what: &str| {
        CreateTopicError::InvalidRequest(format!(
            "A manual partition assignment was specified, but {what} was not set to -1."
        ))
    };
    if topic.replication_factor != -1 {
        return Err(conflict("replication factor"));
    }
    if topic.num_partitions != -1 {
        return Err(conflict("numPartitions"));
    }
    let mut by_index = BTreeMap::new();
    let mut factor = None;
    for (index, replicas) in &topic.assignments {
        if by_index.contains_key(&index.0) {
            return Err(CreateTopicError::InvalidReplicaAssignment(format!(
                "Found multiple manual partition assignments for partition {index}"
            )));
        }
        check_manual(view, replicas, factor).map_err(CreateTopicError::InvalidReplicaAssignment)?;
        if first_isr(view, replicas).is_empty() {
            return Err(CreateTopicError::InvalidReplicaAssignment(all_fenced(*index)));
        }
        factor = Some(replicas.len());
        by_index.insert(index.0, replicas.clone());
    }
    if by_index.keys().zip(0..).any(|(index, expected)| *index != expected) {
        return Err(CreateTopicError::InvalidReplicaAssignment(
            "partitions should be a consecutive 0-based integer sequence".to_owned(),
        ));
    }
    Ok(by_index.into_values().collect())
}

/// Kafka's words for a manual assignment to brokers of which none is alive.
pub(super) fn all_fenced(index: PartitionIndex) -> String {
    format!(
        "All brokers specified in the manual partition assignment for partition {index} are fenced or in controlled \
         shutdown."
    )
}

/// The first state of a partition; `None` if none of its replicas is live.
pub(super) fn first_state(
    view: &Image,
    topic_id: TopicId,
    index: PartitionIndex,
    replicas: Vec<BrokerId>,
    min_isr: i32,
) -> Option<PartitionImage> {
    let isr = first_isr(view, &replicas);
    if isr.is_empty() {
        return None;
    }
    let restored = view.restored.count;
    Some(PartitionImage {
        replicas,
        min_isr,
        restored,
        ..PartitionImage::first(topic_id, index, isr)
    })
}

/// The partition states, the overrides if there are any, and the topic key last: it makes the topic
/// exist.
fn changes(
    view: &Image,
    created: &CreatedTopic,
    min_isr: i32,
) -> Result<ChangeSet, CreateTopicError> {
    let mut changes = Vec::with_capacity(created.replicas.len() + 2);
    for (index, replicas) in (0..).map(PartitionIndex).zip(&created.replicas) {
        let state = first_state(view, created.id, index, replicas.clone(), min_isr)
            .ok_or_else(|| CreateTopicError::InvalidReplicaAssignment(all_fenced(index)))?;
        changes.push(Change::partition(&created.name, state));
    }
    let config_key = Key::Config(ConfigResource::Topic(created.name.to_string()));
    let left_over = view.remains.get(&created.name);
    let config_revision = left_over.map_or(Revision(0), |remains| remains.configs.revision);
    if !created.configs.is_empty() {
        let value = Value::Config(created.configs.clone());
        changes.push(Change::put(config_key, config_revision, value));
    } else if config_revision.0 != 0 {
        changes.push(Change::delete(config_key, config_revision));
    }
    let count = i32::try_from(created.replicas.len()).unwrap_or(i32::MAX);
    let key = |count| Change::topic(&created.name, Expected::Absent, created.id, count);
    changes.push(key(count));
    Ok(ChangeSet { opening: Some(key(0)), changes })
}

/// Plans one deletion: the topic ends at once, as its key has no partitions any more and its config
/// goes; `leftovers` deletes the states and then the key. A tombstone tells the brokers to delete
/// their logs: without one, a log whose topic is gone is kept.
///
/// # Errors
/// A topic that does not exist, or deletion disabled.
pub(crate) fn delete(
    view: &Image,
    topic: &TopicRef,
    enabled: bool,
) -> Result<(DeletedTopic, ChangeSet), DeleteTopicError> {
    if !enabled {
        return Err(DeleteTopicError::Disabled);
    }
    let found = find(view, topic)?;
    let mut changes = Vec::new();
    if found.configs.revision.0 != 0 {
        let key = Key::Config(ConfigResource::Topic(found.name.to_string()));
        changes.push(Change::delete(key, found.configs.revision));
    }
    let brokers = holders(view, found);
    if !brokers.is_empty() {
        let tombstone = Value::DeletedTopic { name: found.name.clone(), brokers };
        changes.push(Change::put(Key::DeletedTopic(found.id), Expected::Absent, tombstone));
    }
    changes.push(Change::topic(&found.name, found.revision, found.id, 0));
    let deleted = DeletedTopic { name: found.name.clone(), id: found.id, revision: Revision(0) };
    Ok((deleted, changes.into()))
}

/// The brokers that may have data of a topic.
fn holders(view: &Image, topic: &TopicImage) -> Vec<BrokerId> {
    let states = topic.partitions.values().chain(topic.unlisted.values());
    let mut brokers: BTreeSet<_> = states.flat_map(|state| state.replicas.clone()).collect();
    if !topic.is_regular() {
        // The state of a partition is lost, and with it who has its log.
        brokers.extend(view.brokers.keys());
    }
    brokers.into_iter().collect()
}

fn find<'a>(view: &'a Image, topic: &TopicRef) -> Result<&'a TopicImage, DeleteTopicError> {
    let found = match topic {
        TopicRef::Name(name) => view.topic(name).ok_or(DeleteTopicError::UnknownTopic),
        TopicRef::Id(id) => view.topic_by_id(*id).ok_or(DeleteTopicError::UnknownTopicId),
    };
    found.map(|topic| &**topic)
}
