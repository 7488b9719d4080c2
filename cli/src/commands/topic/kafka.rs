//! The options of `kafka-topics`.

use anyhow::{Context, bail};
use clap::{ArgGroup, Parser};

use super::{Selection, TopicCommand, execute, key_value};
use crate::commands::connect::{ConnectArgs, block_on};

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
    /// The topic.
    #[arg(long)]
    topic: Option<String>,
    /// How many partitions.
    #[arg(long)]
    partitions: Option<i32>,
    /// How many replicas.
    #[arg(long)]
    replication_factor: Option<i16>,
    /// Sets a topic key; may be repeated.
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
    configs: Vec<(String, String)>,
    /// With --create: succeed if the topic exists.
    #[arg(long)]
    if_not_exists: bool,
    /// With --alter, --delete, --describe: succeed if the topic does not exist.
    #[arg(long)]
    if_exists: bool,
    /// With --list, --describe: leave out internal topics.
    #[arg(long)]
    exclude_internal: bool,
    /// With --describe: topics with configuration of their own.
    #[arg(long)]
    topics_with_overrides: bool,
    /// With --describe: partitions with replicas that are not in sync.
    #[arg(long)]
    under_replicated_partitions: bool,
    /// With --describe: partitions without a leader.
    #[arg(long)]
    unavailable_partitions: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl KafkaTopics {
    fn command(&self) -> anyhow::Result<TopicCommand> {
        let selection = Selection {
            topic: self.topic.clone(),
            exclude_internal: self.exclude_internal,
            with_overrides: self.topics_with_overrides,
            under_replicated: self.under_replicated_partitions,
            unavailable: self.unavailable_partitions,
        };
        if self.list {
            return Ok(TopicCommand::List(selection));
        }
        if self.describe {
            return Ok(TopicCommand::Describe { selection, json: false });
        }
        let name = self.topic.clone().context("Missing required argument \"[topic]\"")?;
        let if_exists = self.if_exists;
        if self.create {
            return Ok(TopicCommand::Create {
                name,
                partitions: self.partitions,
                replication_factor: self.replication_factor,
                configs: self.configs.clone(),
                if_not_exists: self.if_not_exists,
            });
        }
        if self.delete {
            return Ok(TopicCommand::Delete { name, if_exists });
        }
        if !self.configs.is_empty() {
            bail!(
                "Option \"[alter]\" can't be used with option \"[config]\" (the kafka-configs or `barnabas config` command changes topic configs)"
            );
        }
        let total = self.partitions.context("Missing required argument \"[partitions]\"")?;
        Ok(TopicCommand::AddPartitions { name, total, if_exists })
    }
}

/// Runs `kafka-topics`.
pub(crate) fn run(arguments: Vec<String>) -> anyhow::Result<()> {
    let options = KafkaTopics::parse_from(arguments);
    let command = options.command()?;
    block_on(async { execute(&options.connect.cluster()?, command).await })
        .map_err(|error| anyhow::anyhow!("Error while executing topic command : {error:#}"))
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
            configs: Vec::new(),
            if_not_exists: false,
        };
        assert_eq!(created, expected);
        assert_eq!(parse("--list --broker-list h:1"), TopicCommand::List(Selection::default()));
        let altered = parse("--alter --topic t --partitions 5 --bootstrap-server h:1");
        let total = TopicCommand::AddPartitions { name: "t".into(), total: 5, if_exists: false };
        assert_eq!(altered, total);
    }
}
