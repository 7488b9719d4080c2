//! The broker keys that set defaults of topics, and the broker keys that mean the same in other
//! units.

/// How to convert a broker key's number to the topic key's unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Unit {
    /// No conversion.
    Same,
    /// Minutes to milliseconds; negative numbers stay.
    Minutes,
    /// Hours to milliseconds; negative numbers stay.
    Hours,
}

/// A topic key and the broker keys that set its default; the first one that is set wins.
type Row = (&'static str, &'static [(&'static str, Unit)]);

use Unit::{Hours, Minutes, Same};

static TOPIC: &[Row] = &[
    ("cleanup.policy", &[("log.cleanup.policy", Same)]),
    ("compression.gzip.level", &[("compression.gzip.level", Same)]),
    ("compression.lz4.level", &[("compression.lz4.level", Same)]),
    ("compression.type", &[("compression.type", Same)]),
    ("compression.zstd.level", &[("compression.zstd.level", Same)]),
    ("delete.retention.ms", &[("log.cleaner.delete.retention.ms", Same)]),
    ("file.delete.delay.ms", &[("log.segment.delete.delay.ms", Same)]),
    ("flush.messages", &[("log.flush.interval.messages", Same)]),
    ("flush.ms", &[("log.flush.interval.ms", Same), ("log.flush.scheduler.interval.ms", Same)]),
    ("index.interval.bytes", &[("log.index.interval.bytes", Same)]),
    ("local.retention.bytes", &[("log.local.retention.bytes", Same)]),
    ("local.retention.ms", &[("log.local.retention.ms", Same)]),
    ("max.compaction.lag.ms", &[("log.cleaner.max.compaction.lag.ms", Same)]),
    ("max.message.bytes", &[("message.max.bytes", Same)]),
    ("message.timestamp.after.max.ms", &[("log.message.timestamp.after.max.ms", Same)]),
    ("message.timestamp.before.max.ms", &[("log.message.timestamp.before.max.ms", Same)]),
    ("message.timestamp.type", &[("log.message.timestamp.type", Same)]),
    ("min.cleanable.dirty.ratio", &[("log.cleaner.min.cleanable.ratio", Same)]),
    ("min.compaction.lag.ms", &[("log.cleaner.min.compaction.lag.ms", Same)]),
    ("min.insync.replicas", &[("min.insync.replicas", Same)]),
    ("preallocate", &[("log.preallocate", Same)]),
    ("retention.bytes", &[("log.retention.bytes", Same)]),
    (
        "retention.ms",
        &[
            ("log.retention.ms", Same),
            ("log.retention.minutes", Minutes),
            ("log.retention.hours", Hours),
        ],
    ),
    ("segment.bytes", &[("log.segment.bytes", Same)]),
    ("segment.index.bytes", &[("log.index.size.max.bytes", Same)]),
    ("segment.jitter.ms", &[("log.roll.jitter.ms", Same), ("log.roll.jitter.hours", Hours)]),
    ("segment.ms", &[("log.roll.ms", Same), ("log.roll.hours", Hours)]),
    ("unclean.leader.election.enable", &[("unclean.leader.election.enable", Same)]),
];

/// The broker keys that set a topic key's default, the strongest first; may be empty.
pub(in crate::config) fn of_topic_key(name: &str) -> &'static [(&'static str, Unit)] {
    TOPIC.iter().find(|(topic, _)| *topic == name).map_or(&[], |(_, synonyms)| synonyms)
}

/// The groups of several broker keys that set the default of one topic key.
pub(in crate::config) fn groups() -> impl Iterator<Item = &'static [(&'static str, Unit)]> {
    TOPIC.iter().map(|(_, synonyms)| *synonyms).filter(|synonyms| synonyms.len() > 1)
}

/// The broker keys that mean the same as `name`, including `name`, the strongest first. Empty if
/// there is no other.
pub(in crate::config) fn of_broker_key(name: &str) -> &'static [(&'static str, Unit)] {
    groups()
        .find(|synonyms| synonyms.iter().any(|(synonym, _)| *synonym == name))
        .unwrap_or_default()
}

/// Converts a number in text to the topic key's unit; text that is no number, and overflow, is left
/// alone.
pub(in crate::config) fn convert(value: &str, unit: Unit) -> String {
    let factor = match unit {
        Same => return value.to_owned(),
        Minutes => 60_000,
        Hours => 3_600_000,
    };
    match value.parse::<i64>() {
        Ok(number) if number >= 0 => number.saturating_mul(factor).to_string(),
        _ => value.to_owned(),
    }
}
