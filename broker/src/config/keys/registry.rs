//! Finds keys by name, and suggests keys with a similar name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::AREAS;
use super::def::{ConfigDef, Scope};

/// The keys by scope and name.
static INDEX: LazyLock<HashMap<(Scope, &'static str), &'static ConfigDef>> =
    LazyLock::new(|| all().map(|def| ((def.scope, def.name), def)).collect());

/// All keys.
pub fn all() -> impl Iterator<Item = &'static ConfigDef> {
    AREAS.iter().flat_map(|area| area.keys)
}

/// All keys of one scope.
pub fn keys(scope: Scope) -> impl Iterator<Item = &'static ConfigDef> {
    all().filter(move |def| def.scope == scope)
}

/// A broker's key.
#[must_use]
pub fn broker(name: &str) -> Option<&'static ConfigDef> {
    INDEX.get(&(Scope::Broker, name)).copied()
}

/// A topic's key.
#[must_use]
pub fn topic(name: &str) -> Option<&'static ConfigDef> {
    INDEX.get(&(Scope::Topic, name)).copied()
}

/// The key of this scope whose name is most similar to `name`, if one is similar enough.
#[must_use]
pub fn suggest(scope: Scope, name: &str) -> Option<&'static str> {
    let limit = (name.len() / 5).clamp(2, 5);
    keys(scope)
        .map(|def| (strsim::damerau_levenshtein(def.name, name), def.name))
        .min()
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, key)| key)
}
