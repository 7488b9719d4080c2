//! Where a broker's values come from while it runs: dynamic overrides in etcd over what it was
//! started with.

use std::collections::BTreeMap;

use super::keys::def::{ConfigDef, Support, Update};
use super::keys::registry;

/// Where a value comes from, with the numbers of DescribeConfigs (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ConfigSource {
    /// An override of the topic.
    DynamicTopic = 1,
    /// An override of this broker, made while it ran.
    DynamicBroker = 2,
    /// An override of all brokers, made while they ran.
    DynamicDefaultBroker = 3,
    /// The file, environment or command line that the broker was started with.
    StaticBroker = 4,
    /// Kafka's default.
    Default = 5,
}

/// What was changed while brokers ran, by key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides<'a> {
    /// For one broker.
    pub broker: Option<&'a BTreeMap<String, String>>,
    /// For all brokers.
    pub cluster: Option<&'a BTreeMap<String, String>>,
}

/// The layers of one broker's configuration, the strongest first.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    overrides: Overrides<'a>,
    fixed: &'a BTreeMap<String, String>,
}

impl<'a> Layers<'a> {
    /// `fixed`, which the broker was started with, under its overrides.
    #[must_use]
    pub const fn new(fixed: &'a BTreeMap<String, String>, overrides: Overrides<'a>) -> Self {
        Self { overrides, fixed }
    }

    /// The key's value in one layer. An override that is not valid (written by another version, or
    /// by hand) counts as none: a broker must not stop over it.
    pub(super) fn at(&self, source: ConfigSource, def: &ConfigDef) -> Option<&'a str> {
        match source {
            ConfigSource::DynamicTopic => None,
            ConfigSource::DynamicBroker => {
                let allowed = matches!(def.update, Update::PerBroker | Update::ClusterWide);
                override_of(self.overrides.broker.filter(|_| allowed), def)
            }
            ConfigSource::DynamicDefaultBroker => {
                let allowed = matches!(def.update, Update::ClusterWide | Update::ClusterOnly);
                override_of(self.overrides.cluster.filter(|_| allowed), def)
            }
            ConfigSource::StaticBroker => self.fixed.get(def.name).map(String::as_str),
            ConfigSource::Default => def.default,
        }
    }

    /// The value that a broker key has where `source` does not count.
    pub(super) fn beneath(&self, source: ConfigSource, def: &ConfigDef) -> Option<&'a str> {
        let beneath = BROKER_SOURCES.iter().filter(|other| **other > source);
        beneath.into_iter().find_map(|source| self.at(*source, def))
    }

    /// The value that holds for a broker key, and where it came from; `None` = null.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<(&'a str, ConfigSource)> {
        let def = registry::broker(name)?;
        BROKER_SOURCES.iter().find_map(|source| Some((self.at(*source, def)?, *source)))
    }
}

/// The sources of a broker's values, the strongest first.
pub(super) const BROKER_SOURCES: [ConfigSource; 4] = [
    ConfigSource::DynamicBroker,
    ConfigSource::DynamicDefaultBroker,
    ConfigSource::StaticBroker,
    ConfigSource::Default,
];

fn override_of<'a>(
    overrides: Option<&'a BTreeMap<String, String>>,
    def: &ConfigDef,
) -> Option<&'a str> {
    let value = overrides?.get(def.name)?;
    let usable = matches!(def.support, Support::Inert(_)) || def.validate(value).is_ok();
    usable.then_some(value.as_str())
}
