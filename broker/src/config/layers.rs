//! Where a broker's values come from while it runs: dynamic overrides in etcd over what it was started with.

use std::collections::BTreeMap;

use crate::metadata::Image;

use super::alter::AlterTarget;
use super::broker::BrokerConfig;
use super::keys::def::{ConfigDef, Support, Update};
use super::keys::registry;

/// Where a value came from, by the numbers of DescribeConfigs (KIP-226).
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

/// The layers of one broker's configuration, the strongest first.
#[derive(Clone, Copy, Debug)]
pub struct Layers<'a> {
    broker: Option<&'a BTreeMap<String, String>>,
    cluster: Option<&'a BTreeMap<String, String>>,
    fixed: &'a BTreeMap<String, String>,
}

impl<'a> Layers<'a> {
    /// What `config` was started with, under the overrides that the image holds for it.
    #[must_use]
    pub fn new(config: &'a BrokerConfig, image: &'a Image) -> Self {
        let overrides = |id| image.broker_configs.get(&id).map(|config| &config.values);
        Self {
            broker: overrides(Some(config.broker_id)),
            cluster: overrides(None),
            fixed: config.given(),
        }
    }

    /// Only what the broker was started with.
    pub(super) fn of_start(fixed: &'a BTreeMap<String, String>) -> Self {
        Self { broker: None, cluster: None, fixed }
    }

    /// The key's value in one layer. An override that is not valid (written by another version, or by hand)
    /// counts as none: a broker must not stop over it.
    pub(super) fn at(&self, source: ConfigSource, def: &ConfigDef) -> Option<&'a str> {
        match source {
            ConfigSource::DynamicTopic => None,
            ConfigSource::DynamicBroker => {
                let allowed = matches!(def.update, Update::PerBroker | Update::ClusterWide);
                override_of(self.broker.filter(|_| allowed), def)
            }
            ConfigSource::DynamicDefaultBroker => {
                let allowed = matches!(def.update, Update::ClusterWide | Update::ClusterOnly);
                override_of(self.cluster.filter(|_| allowed), def)
            }
            ConfigSource::StaticBroker => self.fixed.get(def.name).map(String::as_str),
            ConfigSource::Default => def.default,
        }
    }

    /// The value that a broker key has where the target's own override is taken away.
    pub(super) fn beneath(&self, target: AlterTarget, def: &ConfigDef) -> Option<&'a str> {
        let above = match target {
            AlterTarget::Topic => ConfigSource::DynamicTopic,
            AlterTarget::Broker => ConfigSource::DynamicBroker,
            AlterTarget::AllBrokers => ConfigSource::DynamicDefaultBroker,
        };
        let beneath = BROKER_SOURCES.iter().filter(|source| **source > above);
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
