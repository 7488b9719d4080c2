//! The effective configuration of a topic: its overrides, and defaults from the broker's keys.

use std::collections::BTreeMap;

use barnabas_protocol::kafka::record_batch::TimestampType;

use super::keys::def::{ConfigDef, Scope};
use super::keys::{registry, synonyms};
use super::layers::Layers;
use super::values::invalid::InvalidConfig;
use super::values::list::items;
use super::values::size::check_size;

/// The effective values of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicConfig {
    /// `retention.ms`; -1 keeps records for ever.
    pub retention_ms: i64,
    /// `retention.bytes` of each partition; -1 sets no limit.
    pub retention_bytes: i64,
    /// `max.message.bytes`: the largest batch, compressed as the producer sent it.
    pub max_message_bytes: i32,
    /// `min.insync.replicas`, at least 1.
    pub min_insync_replicas: i32,
    /// `cleanup.policy`
    pub cleanup_policy: CleanupPolicy,
    /// `message.timestamp.type`
    pub message_timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`; `i64::MAX` sets no limit.
    pub message_timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`; `i64::MAX` sets no limit.
    pub message_timestamp_after_max_ms: i64,
    /// `unclean.leader.election.enable`
    pub unclean_leader_election_enable: bool,
    /// `flush.messages`: fsync after this number of records; `i64::MAX` for never.
    pub flush_messages: i64,
    /// `flush.ms`: fsync at most this long after an append; `i64::MAX` for never.
    pub flush_ms: i64,
}

/// What happens to old records. Both flags or neither may be set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupPolicy {
    /// Records are deleted by age and size.
    pub delete: bool,
    /// The last record of each key is kept.
    pub compact: bool,
}

impl TopicConfig {
    /// The effective values of a topic with these overrides on a broker. An invalid override is
    /// ignored.
    #[must_use]
    pub fn effective(layers: &Layers<'_>, overrides: &BTreeMap<String, String>) -> Self {
        let values = Values { layers, overrides };
        let policy = values.text("cleanup.policy");
        let has = |word| items(&policy).any(|item| item == word);
        let append_time = values.text("message.timestamp.type") == "LogAppendTime";
        Self {
            retention_ms: values.number("retention.ms"),
            retention_bytes: values.number("retention.bytes"),
            max_message_bytes: values.number("max.message.bytes"),
            min_insync_replicas: values.number("min.insync.replicas"),
            cleanup_policy: CleanupPolicy { delete: has("delete"), compact: has("compact") },
            message_timestamp_type: if append_time {
                TimestampType::LogAppendTime
            } else {
                TimestampType::CreateTime
            },
            message_timestamp_before_max_ms: values.number("message.timestamp.before.max.ms"),
            message_timestamp_after_max_ms: values.number("message.timestamp.after.max.ms"),
            unclean_leader_election_enable: values.text("unclean.leader.election.enable") == "true",
            flush_messages: values.number("flush.messages"),
            // Kafka does not check log.flush.interval.ms; a negative number means no time limit.
            flush_ms: Some(values.number("flush.ms")).filter(|ms| *ms >= 0).unwrap_or(i64::MAX),
        }
    }
}

/// Reads a topic's effective values.
struct Values<'a> {
    layers: &'a Layers<'a>,
    overrides: &'a BTreeMap<String, String>,
}

impl Values<'_> {
    fn text(&self, name: &str) -> String {
        let def = registry::topic(name).expect("read by its name in the table");
        effective_value(self.layers, self.overrides, def).unwrap_or_default()
    }

    fn number<N: std::str::FromStr>(&self, name: &str) -> N {
        let def = registry::topic(name).expect("read by its name in the table");
        let value = effective_value(self.layers, self.overrides, def);
        let parsed = value.and_then(|value| value.parse().ok());
        parsed
            .or_else(|| def.default?.parse().ok())
            .expect("the default is a number; a test checks it")
    }
}

/// The effective value of a topic key, in canonical form: the override, or the broker's value, or
/// Kafka's default.
pub(super) fn effective_value(
    layers: &Layers<'_>,
    overrides: &BTreeMap<String, String>,
    def: &ConfigDef,
) -> Option<String> {
    if let Some(value) = overrides.get(def.name).and_then(|value| def.validate(value).ok()) {
        return Some(value);
    }
    let inherited = synonyms::of_topic_key(def.name).iter().find_map(|(name, unit)| {
        let (value, _) = layers.value(name)?;
        let canonical = registry::broker(name)?.validate(value).ok()?;
        Some(synonyms::convert(&canonical, *unit))
    });
    inherited.or_else(|| def.default.map(str::to_owned))
}

/// Checks the overrides of a topic for CreateTopics and AlterConfigs: names, values, and values
/// that must fit together.
///
/// # Errors
/// The first problem in the order of names; unknown names come first.
pub fn validate_topic_configs(overrides: &BTreeMap<String, String>) -> Result<(), InvalidConfig> {
    for name in overrides.keys() {
        if registry::topic(name).is_none() {
            return Err(InvalidConfig::Unknown(name.clone()));
        }
    }
    check_size(overrides)?;
    for def in registry::keys(Scope::Topic) {
        if let Some(value) = overrides.get(def.name) {
            def.validate(value)?;
        }
    }
    compaction_lag(overrides)
}

fn compaction_lag(overrides: &BTreeMap<String, String>) -> Result<(), InvalidConfig> {
    let number =
        |name: &str| overrides.get(name).and_then(|value| value.trim().parse::<i64>().ok());
    let (min, max) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"));
    match (min, max) {
        (Some(min), Some(max)) if min > max => Err(InvalidConfig::Conflict(format!(
            "conflict topic config setting min.compaction.lag.ms ({min}) > max.compaction.lag.ms ({max})"
        ))),
        _ => Ok(()),
    }
}
