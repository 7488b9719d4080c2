//! The layers of a running broker's configuration: dynamic overrides in etcd win over the values
//! that it was started with.

use std::collections::BTreeMap;

use super::keys::def::{ConfigDef, Support, Update};
use super::keys::registry;

/// The source of a value, with its number in DescribeConfigs (KIP-226).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum ConfigSource {
    /// An override of the topic.
    DynamicTopic = 1,
    /// A dynamic override of this broker.
    DynamicBroker = 2,
    /// A dynamic override of all brokers.
    DynamicDefaultBroker = 3,
    /// The file, environment or command line that the broker was started with.
    StaticBroker = 4,
    /// Kafka's default.
    Default = 5,
}

/// Dynamic overrides, by key.
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
    /// The layers of a broker that was started with `fixed`.
    #[must_use]
    pub const fn new(fixed: &'a BTreeMap<String, String>, overrides: Overrides<'a>) -> Self {
        Self { overrides, fixed }
    }

    /// The key's value in one layer. An invalid override (written by another version, or by hand)
    /// is ignored, because a broker must not stop over it.
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

    /// The value that a broker key would have without the layer `source`.
    pub(super) fn beneath(&self, source: ConfigSource, def: &ConfigDef) -> Option<&'a str> {
        let beneath = BROKER_SOURCES.iter().filter(|other| **other > source);
        beneath.into_iter().find_map(|source| self.at(*source, def))
    }

    /// The effective value of a broker key and its source; `None` for null.
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
