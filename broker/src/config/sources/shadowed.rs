//! Keys that have no effect because a stronger key of the same meaning is set.

use super::Resolved;
use crate::config::keys::{registry, synonyms};

/// Keys of the same meaning that set no default of topics, the strongest first.
static OF_BROKERS: &[&[&str]] = &[&["log.dirs", "log.dir"]];

/// Warns of each weaker key that is set, unless it has its default value.
pub(super) fn warn(resolved: &mut Resolved) {
    let of_topics = synonyms::groups().map(|group| group.iter().map(|(key, _)| *key).collect());
    let of_brokers = OF_BROKERS.iter().map(|group| group.to_vec());
    let groups: Vec<Vec<&str>> = of_topics.chain(of_brokers).collect();
    for group in groups {
        let is_set = |key: &&str| resolved.values.get(*key).is_some_and(|value| !value.is_empty());
        let set: Vec<&str> = group.into_iter().filter(is_set).collect();
        let Some((strongest, weaker)) = set.split_first() else { continue };
        for key in weaker {
            let default = registry::broker(key).and_then(|def| def.default);
            if resolved.values.get(*key).map(String::as_str) != default {
                resolved.warn(key, &format!("it has no effect because {strongest} is set"));
            }
        }
    }
}
