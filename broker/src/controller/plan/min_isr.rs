//! `min.insync.replicas` in the states of partitions, kept level with the configuration.

use std::collections::BTreeMap;

use super::Change;
use crate::metadata::{Image, PartitionImage, TopicImage};

/// The key, of topics and of brokers.
const KEY: &str = "min.insync.replicas";

/// The value for topics that do not override it; `configured` is the one that this broker was
/// started with.
pub(crate) fn default(view: &Image, configured: i32) -> i32 {
    let dynamic = view.broker_configs.get(&None).and_then(|config| read(&config.values));
    dynamic.unwrap_or(configured)
}

/// The value for a topic with these overrides. One that is not valid counts as none.
pub(crate) fn of_topic(overrides: &BTreeMap<String, String>, default: i32) -> i32 {
    read(overrides).unwrap_or(default)
}

/// Corrects the states of a topic's partitions that have another value.
pub(crate) fn level(topic: &TopicImage, min_isr: i32) -> impl Iterator<Item = Change> + use<'_> {
    let others = topic.partitions.values().filter(move |state| state.min_isr != min_isr);
    others.map(move |state| {
        let state = PartitionImage { min_isr, ..PartitionImage::clone(state) };
        Change::partition_settings(&topic.name, state)
    })
}

fn read(values: &BTreeMap<String, String>) -> Option<i32> {
    values.get(KEY)?.trim().parse().ok().filter(|value| *value >= 1)
}
