//! The options of `kafka-topics`.

use std::ffi::OsString;

use anyhow::{Context, bail};
use clap::{ArgGroup, Parser};

use super::{Health, Selection, TopicCommand, execute, key_value, replicas};
use crate::command_line::parse_as_kafka;
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output::Format;

/// The other actions, with which an option of one action conflicts. (clap does not enforce
/// `requires` between options that conflict with each other.)
const NOT_CREATE: [&str; 4] = ["list", "describe", "alter", "delete"];
const NOT_DESCRIBE: [&str; 4] = ["create", "list", "alter", "delete"];

/// Create, list, describe, alter and delete topics.
#[derive(Debug, Parser)]
#[command(name = "kafka-topics", version, max_term_width = 100)]
#[command(group(ArgGroup::new("action").required(true)
    .args(["create", "list", "describe", "alter", "delete"])))]
struct KafkaTopics {
    /// Create a topic.
    #[arg(long)]
    create: bool,
    /// List topics.
    #[arg(long)]
    list: bool,
    /// Describe topics.
    #[arg(long)]
    describe: bool,
    /// Change the number of partitions.
    #[arg(long)]
    alter: bool,
    /// Delete a topic.
    #[arg(long)]
    delete: bool,
    /// The topic. Except with --create, also a regular expression, if no topic has this very name.
    #[arg(long)]
    topic: Option<String>,
    /// With --describe: the topic with this id.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, conflicts_with = "topic")]
    topic_id: Option<String>,
    /// Number of partitions.
    #[arg(long, conflicts_with_all = ["list", "describe", "delete"])]
    partitions: Option<i32>,
    /// Number of replicas.
    #[arg(long, conflicts_with_all = NOT_CREATE)]
    replication_factor: Option<i16>,
    /// The brokers of each partition, instead of the two numbers.
    #[arg(long, value_name = "BROKER:BROKER,BROKER:BROKER",
        conflicts_with_all = ["list", "describe", "delete", "replication_factor"])]
    replica_assignment: Option<String>,
    /// With --create: sets a topic key; may be repeated. Use kafka-configs to change it later.
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value, conflicts_with_all = NOT_CREATE)]
    configs: Vec<(String, String)>,
    /// With --create: succeed if the topic exists.
    #[arg(long, conflicts_with_all = NOT_CREATE)]
    if_not_exists: bool,
    /// With --alter, --delete, --describe: succeed if the topic does not exist.
    #[arg(long, conflicts_with_all = ["create", "list"])]
    if_exists: bool,
    /// With --list, --describe: leave out internal topics.
    #[arg(long, conflicts_with_all = ["create", "alter", "delete"])]
    exclude_internal: bool,
    /// With --describe: only topics with settings of their own.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, group = "report")]
    topics_with_overrides: bool,
    /// With --describe: only partitions with replicas that are not in sync.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, group = "report")]
    under_replicated_partitions: bool,
    /// With --describe: only partitions with fewer replicas in sync than min.insync.replicas.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, group = "report")]
    under_min_isr_partitions: bool,
    /// With --describe: only partitions with exactly min.insync.replicas replicas in sync.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, group = "report")]
    at_min_isr_partitions: bool,
    /// With --describe: only partitions without a leader.
    #[arg(long, conflicts_with_all = NOT_DESCRIBE, group = "report")]
    unavailable_partitions: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl KafkaTopics {
    fn selection(&self) -> Selection {
        let only = [
            (self.under_replicated_partitions, Health::UnderReplicated),
            (self.under_min_isr_partitions, Health::UnderMinIsr),
            (self.at_min_isr_partitions, Health::AtMinIsr),
            (self.unavailable_partitions, Health::Unavailable),
        ];
        Selection {
            topic: self.topic.clone(),
            topic_id: self.topic_id.clone(),
            exclude_internal: self.exclude_internal,
            with_overrides: self.topics_with_overrides,
            only: only.into_iter().find_map(|(given, health)| given.then_some(health)),
        }
    }

    fn command(&self) -> anyhow::Result<TopicCommand> {
        let (selection, if_exists) = (self.selection(), self.if_exists);
        if self.list {
            return Ok(TopicCommand::List { selection, format: Format::Table });
        }
        if self.describe {
            return Ok(TopicCommand::Describe { selection, format: Format::Table, if_exists });
        }
        let name = self.topic.clone().context("Missing required argument \"[topic]\"")?;
        if self.delete {
            return Ok(TopicCommand::Delete { name, if_exists });
        }
        let assignment = replicas::parse(self.replica_assignment.as_deref())?;
        if self.create {
            if !assignment.is_empty() && self.partitions.is_some() {
                bail!("Option \"[replica-assignment]\" can't be used with option \"[partitions]\"");
            }
            return Ok(TopicCommand::Create {
                name,
                partitions: self.partitions,
                replication_factor: self.replication_factor,
                assignment,
                configs: self.configs.clone(),
                if_not_exists: self.if_not_exists,
            });
        }
        let total = self.partitions.context("Missing required argument \"[partitions]\"")?;
        Ok(TopicCommand::AddPartitions { name, total, assignment, if_exists })
    }
}

pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    let options: KafkaTopics = parse_as_kafka(arguments);
    let command = options.command()?;
    block_on(async { execute(&options.connect.cluster()?, command).await })
        .context("Error while executing topic command ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> TopicCommand {
        let words = std::iter::once("kafka-topics").chain(line.split_whitespace());
        KafkaTopics::parse_from(words).command().expect("complete")
    }

    #[test]
    fn commands_as_the_documentation_types_them() {
        let created = parse(
            "--create --topic t --partitions 3 --replication-factor 1 --bootstrap-server 127.0.0.1:9092",
        );
        let expected = TopicCommand::Create {
            name: "t".to_owned(),
            partitions: Some(3),
            replication_factor: Some(1),
            assignment: Vec::new(),
            configs: Vec::new(),
            if_not_exists: false,
        };
        assert_eq!(created, expected);
        let (selection, format) = (Selection::default(), Format::Table);
        let listed = TopicCommand::List { selection, format };
        assert_eq!(parse("--list --broker-list h:1"), listed);
        let altered = parse("--alter --topic t --partitions 5 --bootstrap-server h:1");
        let (name, assignment) = ("t".to_owned(), Vec::new());
        let expected = TopicCommand::AddPartitions { name, total: 5, assignment, if_exists: false };
        assert_eq!(altered, expected);
        let reported = parse("--describe --at-min-isr-partitions --bootstrap-server h:1");
        let selection = Selection { only: Some(Health::AtMinIsr), ..Selection::default() };
        let expected =
            TopicCommand::Describe { selection, format: Format::Table, if_exists: false };
        assert_eq!(reported, expected);
    }

    #[test]
    fn options_of_another_action_are_refused() {
        for line in [
            "--list --partitions 3",
            "--list --create --topic t",
            "--alter --topic t --partitions 2 --config a=b",
            "--delete --topic t --if-not-exists",
            "--describe --under-replicated-partitions --unavailable-partitions",
            "--create --topic t --if-exists",
        ] {
            let words = std::iter::once("kafka-topics").chain(line.split_whitespace());
            assert!(KafkaTopics::try_parse_from(words).is_err(), "{line}");
        }
    }
}
