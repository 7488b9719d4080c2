//! `barnabas topic` and `kafka-topics`: two sets of options for the same commands.

mod describe;
mod execute;
pub(crate) mod kafka;
pub(crate) mod native;
pub(crate) mod pattern;
mod replicas;

use crate::output::Format;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TopicCommand {
    Create {
        name: String,
        /// The broker's default if none.
        partitions: Option<i32>,
        /// The broker's default if none.
        replication_factor: Option<i16>,
        /// The brokers of each partition, instead of the two numbers.
        assignment: Vec<Vec<i32>>,
        configs: Vec<(String, String)>,
        if_not_exists: bool,
    },
    /// Prints names.
    List {
        selection: Selection,
        format: Format,
    },
    /// Prints partitions, replicas and configuration.
    Describe {
        selection: Selection,
        format: Format,
        if_exists: bool,
    },
    /// Adds partitions up to a total. `assignment` has the brokers of all partitions, old ones
    /// included.
    AddPartitions {
        name: String,
        total: i32,
        assignment: Vec<Vec<i32>>,
        if_exists: bool,
    },
    Delete {
        name: String,
        if_exists: bool,
    },
    /// Deletes the records before an offset, in one partition or all.
    Trim {
        name: String,
        partition: Option<i32>,
        before: i64,
    },
}

/// Which topics, and which of their partitions, to list or describe.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    /// A name or a regular expression; all topics if none.
    pub(crate) topic: Option<String>,
    pub(crate) topic_id: Option<String>,
    pub(crate) exclude_internal: bool,
    /// Only topics with settings of their own.
    pub(crate) with_overrides: bool,
    /// Only the partitions in this state.
    pub(crate) only: Option<Health>,
}

/// A state of partitions that `kafka-topics --describe` can look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    UnderReplicated,
    /// Fewer replicas are in sync than `min.insync.replicas`.
    UnderMinIsr,
    /// As many are in sync as `min.insync.replicas` asks for, so one more failure stops producers.
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

/// Splits `key=value` and keeps blanks, because the value may be a separator.
pub(crate) fn property(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("{text} is not KEY=VALUE"))?;
    Ok((key.trim().to_owned(), value.to_owned()))
}
