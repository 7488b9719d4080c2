//! The options of `barnabas topic`.

use clap::{Args, Subcommand};

use super::{Selection, TopicCommand, execute, key_value};
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output::Format;

/// `barnabas topic`.
#[derive(Debug, Args)]
pub(crate) struct TopicArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a topic.
    #[command(
        after_help = "Example: barnabas topic create --topic orders --partitions 6 --config retention.ms=3600000"
    )]
    Create {
        /// Its name.
        #[arg(long)]
        topic: String,
        /// How many partitions; the broker's num.partitions without it.
        #[arg(long)]
        partitions: Option<i32>,
        /// How many replicas; the broker's default.replication.factor without it.
        #[arg(long)]
        replication_factor: Option<i16>,
        /// Sets one of Kafka's topic keys; may be repeated.
        #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
        configs: Vec<(String, String)>,
        /// Succeed if it is there already.
        #[arg(long)]
        if_not_exists: bool,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print the names of topics.
    List {
        /// Leave out the system's own.
        #[arg(long)]
        exclude_internal: bool,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Print partitions, replicas and configuration.
    Describe {
        /// This topic only, or those that match this regular expression.
        #[arg(long)]
        topic: Option<String>,
        /// How to print.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Add partitions to a topic.
    #[command(visible_alias = "alter")]
    AddPartitions {
        /// Its name.
        #[arg(long)]
        topic: String,
        /// How many partitions it shall have in all.
        #[arg(long)]
        partitions: i32,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete a topic with all its records.
    Delete {
        /// Its name, or a regular expression for the names of several.
        #[arg(long)]
        topic: String,
        /// Succeed if there is none.
        #[arg(long)]
        if_exists: bool,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Delete the records before an offset.
    Trim {
        /// The topic's name.
        #[arg(long)]
        topic: String,
        /// One partition; all without it.
        #[arg(long)]
        partition: Option<i32>,
        /// The first offset to keep; -1 deletes everything there is.
        #[arg(long, allow_negative_numbers = true)]
        before: i64,
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

/// Runs `barnabas topic`.
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
        Action::List { exclude_internal, connect } => {
            (TopicCommand::List(Selection { exclude_internal, ..Selection::default() }), connect)
        }
        Action::Describe { topic, output, connect } => {
            let selection = Selection { topic, ..Selection::default() };
            let json = output == Format::Json;
            (TopicCommand::Describe { selection, json, if_exists: false }, connect)
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
