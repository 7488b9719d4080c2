//! `barnabas topic` and `kafka-topics`: two ways to say the same things.

mod describe;
mod execute;
pub(crate) mod kafka;
pub(crate) mod native;

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
        configs: Vec<(String, String)>,
        if_not_exists: bool,
    },
    /// Prints the names.
    List(Selection),
    /// Prints partitions, replicas and configuration.
    Describe { selection: Selection, json: bool },
    /// Adds partitions, up to this many in all.
    AddPartitions { name: String, total: i32, if_exists: bool },
    /// Deletes one with all its records.
    Delete { name: String, if_exists: bool },
    /// Deletes the records before an offset, in one partition or all.
    Trim { name: String, partition: Option<i32>, before: i64 },
}

/// Which topics, or partitions of them, are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// This one only.
    pub(crate) topic: Option<String>,
    /// Not those of the system.
    pub(crate) exclude_internal: bool,
    /// Topics with configuration of their own.
    pub(crate) with_overrides: bool,
    /// Partitions with replicas that are not in sync.
    pub(crate) under_replicated: bool,
    /// Partitions without a leader.
    pub(crate) unavailable: bool,
}

pub(crate) use execute::{create, execute};

/// Splits `key=value`.
pub(crate) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text} is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}
