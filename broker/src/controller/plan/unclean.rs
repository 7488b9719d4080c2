//! `unclean.leader.election.enable`: whether a topic rather loses records than waits for the
//! replicas that have them.

use std::collections::BTreeMap;

use crate::metadata::Image;

/// The key, of topics and of brokers.
const KEY: &str = "unclean.leader.election.enable";

/// The value for topics that do not override it; `configured` is the one that this broker was
/// started with.
pub(crate) fn default(view: &Image, configured: bool) -> bool {
    let dynamic = view.broker_configs.get(&None).and_then(|config| read(&config.values));
    dynamic.unwrap_or(configured)
}

/// The value for a topic with these overrides. One that is not valid counts as none.
pub(crate) fn of_topic(overrides: &BTreeMap<String, String>, default: bool) -> bool {
    read(overrides).unwrap_or(default)
}

fn read(values: &BTreeMap<String, String>) -> Option<bool> {
    values.get(KEY)?.trim().to_ascii_lowercase().parse().ok()
}
