//! Describes a resource for DescribeConfigs: every key with its value, its source and its synonyms.

use std::collections::BTreeMap;

use super::keys::def::{ConfigDef, Kind, Scope, Support};
use super::keys::{registry, synonyms};
use super::layers::{BROKER_SOURCES, ConfigSource, Layers};
use super::topic::effective_value;

/// One described key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The key.
    pub name: &'static str,
    /// The effective value; `None` for null, and for secrets.
    pub value: Option<String>,
    /// The source of the value.
    pub source: ConfigSource,
    /// Whether the key can change only by a restart.
    pub read_only: bool,
    /// Whether it is a secret.
    pub sensitive: bool,
    /// The type.
    pub kind: Kind,
    /// All sources that set the key, the effective one first (KIP-226).
    pub synonyms: Vec<Synonym>,
    /// What the key means, and whether it has an effect here (KIP-569).
    pub documentation: String,
}

/// A source that sets a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synonym {
    /// The key in this source, which may be another one.
    pub name: &'static str,
    /// The value in this source, in the unit of its key; `None` for secrets.
    pub value: Option<String>,
    /// The place.
    pub source: ConfigSource,
}

/// All keys of a topic with these overrides, by name.
#[must_use]
pub fn describe_topic(
    layers: &Layers<'_>,
    overrides: &BTreeMap<String, String>,
) -> Vec<Description> {
    described(Scope::Topic, |def| {
        let own = overrides.get(def.name).map(|value| Synonym {
            name: def.name,
            value: def.validate(value).ok().or_else(|| Some(value.clone())),
            source: ConfigSource::DynamicTopic,
        });
        let inherited = match synonyms::of_topic_key(def.name) {
            [] => Vec::new(),
            [(first, _), ..] => broker_synonyms(layers, first, &BROKER_SOURCES),
        };
        let value = effective_value(layers, overrides, def);
        Some(description(def, value, own.into_iter().chain(inherited).collect()))
    })
}

/// All keys of the broker itself, by name.
#[must_use]
pub fn describe_broker(layers: &Layers<'_>) -> Vec<Description> {
    described(Scope::Broker, |def| {
        let value = layers.value(def.name).map(|(value, _)| value.to_owned());
        Some(description(def, value, broker_synonyms(layers, def.name, &BROKER_SOURCES)))
    })
}

/// Only the overrides of all brokers, by name.
#[must_use]
pub fn describe_broker_defaults(layers: &Layers<'_>) -> Vec<Description> {
    let source = ConfigSource::DynamicDefaultBroker;
    described(Scope::Broker, |def| {
        let value = layers.at(source, def)?;
        let mut synonyms = broker_synonyms(layers, def.name, &[source]);
        synonyms.truncate(1);
        Some(description(def, Some(value.to_owned()), synonyms))
    })
}

/// The broker's keys that groups may override, by the name behind `group.`. Share groups have some
/// more in Kafka.
const OF_GROUPS: [&str; 14] = [
    "group.consumer.assignment.interval.ms",
    "group.consumer.heartbeat.interval.ms",
    "group.consumer.session.timeout.ms",
    "group.share.assignment.interval.ms",
    "group.share.delivery.count.limit",
    "group.share.heartbeat.interval.ms",
    "group.share.partition.max.record.locks",
    "group.share.record.lock.duration.ms",
    "group.share.session.timeout.ms",
    "group.streams.assignment.interval.ms",
    "group.streams.heartbeat.interval.ms",
    "group.streams.initial.rebalance.delay.ms",
    "group.streams.num.standby.replicas",
    "group.streams.session.timeout.ms",
];

/// Whether a group may have a key of this name (KIP-848).
#[must_use]
pub fn is_group_key(name: &str) -> bool {
    OF_GROUPS.iter().any(|key| key.strip_prefix("group.") == Some(name))
}

/// All keys of a group, by name. No group has overrides yet, so the broker's values hold.
#[must_use]
pub fn describe_group(layers: &Layers<'_>) -> Vec<Description> {
    let described = OF_GROUPS.iter().filter_map(|key| {
        let (name, def) = (key.strip_prefix("group.")?, registry::broker(key)?);
        let value = layers.value(def.name).map(|(value, _)| value.to_owned());
        let of_broker = description(def, value, broker_synonyms(layers, def.name, &BROKER_SOURCES));
        Some(Description { name, read_only: false, ..of_broker })
    });
    described.collect()
}

fn described(
    scope: Scope,
    describe: impl Fn(&'static ConfigDef) -> Option<Description>,
) -> Vec<Description> {
    let public = registry::keys(scope).filter(|def| !def.internal());
    let mut descriptions: Vec<_> = public.filter_map(describe).collect();
    descriptions.sort_by_key(|description| description.name);
    descriptions
}

fn description(
    def: &'static ConfigDef,
    value: Option<String>,
    mut synonyms: Vec<Synonym>,
) -> Description {
    let sensitive = def.sensitive();
    if sensitive {
        synonyms.iter_mut().for_each(|synonym| synonym.value = None);
    }
    Description {
        name: def.name,
        value: value.filter(|_| !sensitive),
        source: synonyms.first().map_or(ConfigSource::Default, |synonym| synonym.source),
        read_only: def.read_only(),
        sensitive,
        kind: def.kind,
        synonyms,
        documentation: documentation(def),
    }
}

/// The sources that set a broker key: by layer, and in each layer the stronger synonym first. The
/// list begins with the key itself; as in Kafka, `log.retention.ms` does not list
/// `log.retention.hours`.
fn broker_synonyms(
    layers: &Layers<'_>,
    name: &'static str,
    sources: &[ConfigSource],
) -> Vec<Synonym> {
    let alone = [(name, synonyms::Unit::Same)];
    let names = match synonyms::of_broker_key(name) {
        [] => &alone[..],
        group => group,
    };
    let mut found = Vec::new();
    for source in sources {
        for def in names.iter().filter_map(|(synonym, _)| registry::broker(synonym)) {
            if let Some(value) = layers.at(*source, def) {
                found.push(Synonym {
                    name: def.name,
                    value: Some(value.to_owned()),
                    source: *source,
                });
            }
        }
    }
    found.into_iter().skip_while(|synonym| synonym.name != name).collect()
}

fn documentation(def: &ConfigDef) -> String {
    match def.support {
        Support::Honoured => def.doc.to_owned(),
        Support::Inert(reason) => format!("{} Has no effect here: {reason}.", def.doc),
        Support::Only(_, reason) => format!("{} Not all values are supported: {reason}.", def.doc),
    }
}
