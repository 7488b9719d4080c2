//! `barnabas topic` and `kafka-topics`: two ways to say the same things.

mod describe;
mod execute;
pub(crate) mod kafka;
pub(crate) mod native;
pub(crate) mod pattern;
mod replicas;

/// What to do with topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TopicCommand {
    /// Creates one.
    Create {
        name: String,
        /// The broker's default without it.
        partitions: Option<i32>,
        /// The broker's default without it.
        replication_factor: Option<i16>,
        /// The brokers of each partition, in place of both.
        assignment: Vec<Vec<i32>>,
        configs: Vec<(String, String)>,
        if_not_exists: bool,
    },
    /// Prints the names.
    List(Selection),
    /// Prints partitions, replicas and configuration.
    Describe { selection: Selection, json: bool, if_exists: bool },
    /// Adds partitions, up to this many in all; with the brokers of all of them, if these are chosen.
    AddPartitions { name: String, total: i32, assignment: Vec<Vec<i32>>, if_exists: bool },
    /// Deletes one with all its records.
    Delete { name: String, if_exists: bool },
    /// Deletes the records before an offset, in one partition or all.
    Trim { name: String, partition: Option<i32>, before: i64 },
}

/// Which topics, or partitions of them, are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// This one only, or those that match this.
    pub(crate) topic: Option<String>,
    /// The one with this id only.
    pub(crate) topic_id: Option<String>,
    /// Not those of the system.
    pub(crate) exclude_internal: bool,
    /// Topics with configuration of their own.
    pub(crate) with_overrides: bool,
    /// Partitions only, and of these only some.
    pub(crate) only: Option<Health>,
}

/// What may be wrong with a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Some replica is not in sync.
    UnderReplicated,
    /// Fewer replicas are in sync than `min.insync.replicas`.
    UnderMinIsr,
    /// Just as many, so that the next failure stops producers.
    AtMinIsr,
    /// There is no leader.
    Unavailable,
}

pub(crate) use execute::{creatable, create, execute};

/// Splits `key=value`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text} is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// Splits `key=value` where blanks may be the value, such as a separator.
pub(crate) fn property(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text} is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
