//! Takes over an image, in an order that lets nothing slow or broken hold up what is urgent:
//!
//! ```text
//!  1  topics that are gone, and leaderships that are over                      no I/O
//!  2  the states that follow noted, in one write, then the roles they give     disk
//!  3  logs for new partitions, in one write                                    disk
//!  4  each of them opened                                                      disk
//!  5  their states noted, then their roles                                     disk
//! ```
//! A log that cannot be made or opened takes down its partition only. It is tried again by
//! [`PartitionTable::reopen`].

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use barnabas_protocol::state::ids::{BrokerEpoch, PartitionIndex, TopicId};

use super::local::{IdleLog, LocalTopic, empty_log};
use super::{PartitionTable, Topics};
use crate::config::{BrokerConfig, TopicConfig};
use crate::metadata::{Image, TopicImage, TopicName};
use crate::partition::state::Assignment;
use crate::partition::{Partition, recovery};

impl PartitionTable {
    /// Brings the local partitions in step with `image`. Blocks on the disk, for what is new here.
    /// With `all_configs` the defaults of topics have changed.
    pub fn apply(&self, image: &Arc<Image>, config: &BrokerConfig, all_configs: bool) {
        let mut applied = self.applied.lock();
        let mut changed = image.topics_changed_since(&applied);
        let restored = self.restored.swap(image.restored.count, Ordering::AcqRel);
        if all_configs || restored != image.restored.count {
            changed.extend(image.topics.keys().cloned());
        }
        let promoted = self.change_roles(&changed, image, config, all_configs);
        self.begin_roles(&promoted);
        self.open_all(&self.unopened(changed.iter()));
        *applied = Arc::clone(image);
    }

    /// Tries again to open what could not be opened. Blocks on the disk.
    pub fn reopen(&self) {
        let _applied = self.applied.lock();
        self.open_all(&self.unopened(self.topics.load().unopened.iter()));
    }

    /// Takes over the topics that changed, and ends the leaderships that are over. Returns the
    /// partitions that are to lead.
    fn change_roles(
        &self,
        changed: &BTreeSet<TopicName>,
        image: &Image,
        config: &BrokerConfig,
        all_configs: bool,
    ) -> Vec<Arc<Partition>> {
        let registration = self.registration.read();
        let mut topics = Topics::clone(&self.topics.load());
        let mut promotions = Vec::new();
        for name in changed {
            let before = topics.by_name.get(name).cloned();
            let now = image.topic(name);
            if let Some(before) = &before
                && now.is_none_or(|now| now.id != before.image.id)
            {
                self.close(before);
                topics.remove(before);
            }
            let Some(now) = now else { continue };
            let before = before.filter(|before| before.image.id == now.id);
            let local = self.step(before.as_deref(), now, image, config, all_configs);
            self.demote(&local, *registration, &mut promotions);
            topics.insert(local);
        }
        // Before any of these roles begin, so that a loss of the registration finds the partitions.
        self.topics.store(Arc::new(topics));
        promotions
    }

    /// Notes the states of partitions, and then gives them their roles. Whatever cannot be noted
    /// has no role.
    fn begin_roles(&self, partitions: &[Arc<Partition>]) {
        let noted = self.note(partitions);
        let registration = self.registration.read();
        let topics = self.topics.load();
        for partition in partitions {
            let Some(topic) = topics.by_id.get(&partition.topic_id) else { continue };
            partition.assign(match noted {
                true => self.assignment(topic, partition.index, *registration),
                false => Assignment::Offline,
            });
        }
    }

    /// A topic as the image has it now, with the partitions that stay.
    fn step(
        &self,
        before: Option<&LocalTopic>,
        now: &Arc<TopicImage>,
        image: &Image,
        config: &BrokerConfig,
        all_configs: bool,
    ) -> LocalTopic {
        let same_config =
            before.filter(|before| !all_configs && before.image.configs == now.configs);
        let topic_config = match same_config {
            Some(before) => Arc::clone(&before.config),
            None => Arc::new(effective(config, image, now)),
        };
        let mut local = LocalTopic::new(before, Arc::clone(now), Arc::clone(&topic_config));
        if same_config.is_none() {
            local
                .partitions()
                .for_each(|partition| partition.set_config(Arc::clone(&topic_config)));
        }
        local.unopened.retain(|index| now.partitions.contains_key(index));
        for index in local.open_without_state() {
            // Its state is lost: the log is kept until somebody decides.
            local.remove(index).into_iter().for_each(|partition| self.set_idle(partition));
        }
        for (index, state) in &now.partitions {
            if !state.replicas.contains(&self.broker) {
                if let Some(partition) = local.remove(*index) {
                    self.set_idle(partition);
                }
            } else if local.partition(*index).is_none() {
                local.unopened.insert(*index);
            }
        }
        local
    }

    /// Ends the leaderships that are over, and leaves the other roles for later.
    fn demote(
        &self,
        topic: &LocalTopic,
        registration: Option<BrokerEpoch>,
        promotions: &mut Vec<Arc<Partition>>,
    ) {
        for partition in topic.partitions() {
            let assignment = self.assignment(topic, partition.index, registration);
            if assignment.is_leader() {
                promotions.push(Arc::clone(partition));
            } else {
                partition.assign(assignment);
            }
        }
    }

    /// Closes the partitions of a topic that is gone. Should it come back, they are its partitions.
    fn close(&self, topic: &LocalTopic) {
        topic.partitions().cloned().for_each(|partition| self.set_idle(partition));
    }

    fn set_idle(&self, partition: Arc<Partition>) {
        partition.close();
        self.by_log.lock().remove(&partition.log);
        let place = (partition.topic_id, partition.index);
        self.idle.lock().insert(place, IdleLog::Closed(partition));
    }

    /// The partitions of these topics that should be open and are not.
    fn unopened<'a>(
        &self,
        names: impl Iterator<Item = &'a TopicName>,
    ) -> Vec<(Arc<LocalTopic>, PartitionIndex)> {
        let topics = self.topics.load();
        let topics = names.filter_map(|name| topics.by_name.get(name));
        topics.flat_map(|t| t.unopened.iter().map(|index| (Arc::clone(t), *index))).collect()
    }

    /// Makes the logs that are missing, opens them, and gives the partitions their roles.
    fn open_all(&self, wanted: &[(Arc<LocalTopic>, PartitionIndex)]) {
        if wanted.is_empty() {
            return;
        }
        self.create_missing(wanted);
        let mut opened = Vec::new();
        for (topic, index) in wanted {
            opened.extend(self.open(topic, *index));
        }
        let registration = self.registration.read();
        let mut topics = Topics::clone(&self.topics.load());
        let mut locals = HashMap::<TopicId, LocalTopic>::new();
        for partition in &opened {
            let Some(current) = topics.by_id.get(&partition.topic_id) else { continue };
            let local = locals.entry(partition.topic_id);
            local.or_insert_with(|| LocalTopic::clone(current)).insert(Arc::clone(partition));
        }
        locals.into_values().for_each(|local| topics.insert(local));
        {
            let (mut idle, mut by_log) = (self.idle.lock(), self.by_log.lock());
            for partition in &opened {
                idle.remove(&(partition.topic_id, partition.index));
                by_log.insert(partition.log, Arc::clone(partition));
            }
        }
        self.topics.store(Arc::new(topics));
        drop(registration);
        self.begin_roles(&opened);
    }

    /// Makes the logs that do not exist, in one write.
    fn create_missing(&self, wanted: &[(Arc<LocalTopic>, PartitionIndex)]) {
        let missing: Vec<_> = {
            let idle = self.idle.lock();
            let places = wanted.iter().map(|(topic, index)| (topic.image.id, *index));
            places.filter(|place| !idle.contains_key(place)).collect()
        };
        if missing.is_empty() {
            return;
        }
        match self.store.create(&missing) {
            Ok(created) => {
                let made = |(place, log): (&(TopicId, PartitionIndex), _)| {
                    (*place, empty_log(log, place.0, place.1))
                };
                self.idle.lock().extend(missing.iter().zip(created).map(made));
            }
            Err(error) => tracing::error!(
                %error, partitions = missing.len(),
                "cannot create the logs of new partitions; trying again"
            ),
        }
    }

    /// Opens a log that was recovered, just made, or closed before.
    fn open(&self, topic: &LocalTopic, index: PartitionIndex) -> Option<Arc<Partition>> {
        let place = (topic.image.id, index);
        let log = match self.idle.lock().get(&place)?.clone() {
            IdleLog::Closed(partition) => {
                partition.set_config(Arc::clone(&topic.config));
                return Some(partition);
            }
            IdleLog::Recovered(log) => log,
        };
        let name = &topic.image.name;
        match recovery::replica_state(&self.store, &log) {
            Ok(state) => {
                let (store, config) = (self.store.clone(), Arc::clone(&topic.config));
                Some(Arc::new(Partition::new(name.clone(), place, log.id, store, config, state)))
            }
            Err(error) => {
                tracing::error!(
                    topic = %name, partition = %index, %error,
                    "cannot open the log of a partition; its requests get KAFKA_STORAGE_ERROR. Trying again"
                );
                None
            }
        }
    }
}

/// The configuration that holds for a topic: its own settings over the cluster's over this
/// broker's.
fn effective(config: &BrokerConfig, image: &Image, topic: &TopicImage) -> TopicConfig {
    TopicConfig::effective(&config.layers(image.overrides(config.broker_id)), &topic.configs.values)
}
