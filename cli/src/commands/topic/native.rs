//! The options of `barnabas topic`.

use clap::{Args, Subcommand};

use super::{Selection, TopicCommand, execute, key_value};
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output::Format;

#[derive(Debug, Args)]
pub(crate) struct TopicArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a topic.
    #[command(
        after_help = "Example:\n  barnabas topic create --topic orders --partitions 6 --config retention.ms=3600000"
    )]
    Create {
        /// Name of the topic.
        #[arg(long)]
        topic: String,
        /// Number of partitions; the broker's num.partitions by default.
        #[arg(long)]
        partitions: Option<i32>,
        /// Number of replicas; the broker's default.replication.factor by default.
        #[arg(long)]
        replication_factor: Option<i16>,
        /// Sets one of Kafka's topic settings; may be repeated.
        #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
        configs: Vec<(String, String)>,
        /// Succeed if the topic exists already.
        #[arg(long)]
        if_not_exists: bool,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print the names of topics.
    List {
        /// Leave out internal topics.
        #[arg(long)]
        exclude_internal: bool,
        /// Output format.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print partitions, replicas and configuration.
    Describe {
        /// Name of a topic, or a regular expression; all topics by default.
        #[arg(long)]
        topic: Option<String>,
        /// Output format.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Add partitions to a topic.
    #[command(visible_alias = "alter")]
    AddPartitions {
        /// Name of the topic.
        #[arg(long)]
        topic: String,
        /// Total number of partitions after the change.
        #[arg(long)]
        partitions: i32,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete a topic with all its records.
    Delete {
        /// Name of a topic, or a regular expression.
        #[arg(long)]
        topic: String,
        /// Succeed if the topic does not exist.
        #[arg(long)]
        if_exists: bool,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete the records before an offset.
    Trim {
        /// Name of the topic.
        #[arg(long)]
        topic: String,
        /// Only this partition; all partitions by default.
        #[arg(long)]
        partition: Option<i32>,
        /// First offset to keep; -1 deletes all records.
        #[arg(long, allow_negative_numbers = true)]
        before: i64,
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

pub(crate) fn run(args: TopicArgs) -> anyhow::Result<()> {
    let (command, connect) = match args.action {
        Action::Create {
            topic,
            partitions,
            replication_factor,
            configs,
            if_not_exists,
            connect,
        } => {
            let command = TopicCommand::Create {
                name: topic,
                partitions,
                replication_factor,
                assignment: Vec::new(),
                configs,
                if_not_exists,
            };
            (command, connect)
        }
        Action::List { exclude_internal, output: format, connect } => {
            let selection = Selection { exclude_internal, ..Selection::default() };
            (TopicCommand::List { selection, format }, connect)
        }
        Action::Describe { topic, output: format, connect } => {
            let selection = Selection { topic, ..Selection::default() };
            (TopicCommand::Describe { selection, format, if_exists: false }, connect)
        }
        Action::AddPartitions { topic, partitions, connect } => {
            let command = TopicCommand::AddPartitions {
                name: topic,
                total: partitions,
                assignment: Vec::new(),
                if_exists: false,
            };
            (command, connect)
        }
        Action::Delete { topic, if_exists, connect } => {
            (TopicCommand::Delete { name: topic, if_exists }, connect)
        }
        Action::Trim { topic, partition, before, connect } => {
            (TopicCommand::Trim { name: topic, partition, before }, connect)
        }
    };
    block_on(async { execute(&connect.cluster()?, command).await })
}
