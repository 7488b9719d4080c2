//! The options of `barnabas consume` and `kafka-console-consumer`, and what they come to.

use std::path::PathBuf;

use anyhow::bail;
use barnabas_client::Cluster;
use clap::Args;
use regex::Regex;

use super::format::Formatter;
use super::settings::Settings;
use super::start::Start;
use crate::commands::connect::{ClientSettings, ConnectArgs, read_properties};
use crate::commands::topic::{key_value, pattern, property};

/// Options of `barnabas consume`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  barnabas consume --topic greetings --from-beginning\n  \
    barnabas consume --topic orders --offset -10 -f '%t-%p@%o %k=%v\\n'\n  \
    barnabas consume --topic orders --offset @2026-01-01T00:00 --output json")]
pub(crate) struct ConsumeArgs {
    /// The topic.
    #[arg(long, short, required_unless_present = "include")]
    pub(super) topic: Option<String>,
    /// All topics whose names match a regular expression, also those that are created later.
    #[arg(long, visible_alias = "whitelist", value_name = "REGEX", conflicts_with = "topic")]
    pub(super) include: Option<String>,
    /// This partition only.
    #[arg(long, short, conflicts_with = "include")]
    pub(super) partition: Option<i32>,
    /// Begin with the first record there is, unless the group has a committed offset.
    #[arg(long)]
    pub(super) from_beginning: bool,
    /// Where to begin: earliest, latest, an offset, -N for the last N records, @TIME (UTC).
    #[arg(long, allow_hyphen_values = true, value_parser = Start::parse)]
    pub(super) offset: Option<Start>,
    /// Stop after this many records.
    #[arg(long, short = 'n')]
    pub(super) max_messages: Option<u64>,
    /// Stop when no record has come for this long, in ms.
    #[arg(long)]
    pub(super) timeout_ms: Option<u64>,
    /// Join this consumer group: its members share the partitions, begin at the offsets that the
    /// group has committed, and commit what they have read.
    #[arg(long, short)]
    pub(super) group: Option<String>,
    /// read_uncommitted, as without it, or read_committed.
    #[arg(long)]
    pub(super) isolation_level: Option<String>,
    /// What to print: print.key, print.value, print.timestamp, print.offset, print.partition,
    /// print.headers, print.epoch, print.delivery, key.separator, line.separator,
    /// headers.separator, null.literal, key.deserializer, value.deserializer.
    #[arg(long = "property", visible_alias = "formatter-property", value_name = "KEY=VALUE", value_parser = property)]
    pub(super) properties: Vec<(String, String)>,
    /// A file with such properties.
    #[arg(long, value_name = "FILE")]
    pub(super) formatter_config: Option<PathBuf>,
    /// Kafka's DefaultMessageFormatter, LoggingMessageFormatter, which prints the same here, or
    /// NoOpMessageFormatter, which prints nothing.
    #[arg(long, value_name = "CLASS")]
    pub(super) formatter: Option<String>,
    /// How keys are shown: Kafka's String, ByteArray, Short, Integer, Long or UUIDDeserializer.
    #[arg(long, value_name = "CLASS")]
    pub(super) key_deserializer: Option<String>,
    /// How values are shown.
    #[arg(long, value_name = "CLASS")]
    pub(super) value_deserializer: Option<String>,
    /// Go on after a record that cannot be shown so.
    #[arg(long)]
    pub(super) skip_message_on_error: bool,
    /// Kafka's consumer settings: group.id, group.instance.id, auto.offset.reset, isolation.level,
    /// enable.auto.commit, auto.commit.interval.ms, partition.assignment.strategy,
    /// session.timeout.ms, heartbeat.interval.ms, max.poll.interval.ms, metadata.max.age.ms,
    /// allow.auto.create.topics.
    #[arg(long = "consumer-property", visible_alias = "command-property", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) consumer_properties: Vec<(String, String)>,
    /// A file with Kafka's consumer settings.
    #[arg(long = "consumer.config", value_name = "FILE")]
    pub(super) consumer_config: Option<PathBuf>,
    /// A pattern for each record: %t topic, %p partition, %o offset, %k key, %v value, %h headers,
    /// %T timestamp; \n and \t.
    #[arg(long, short)]
    pub(super) format: Option<String>,
    /// `json` prints an object for each record.
    #[arg(long, value_parser = ["json"])]
    pub(super) output: Option<String>,
    #[command(flatten)]
    pub(super) connect: ConnectArgs,
}

impl ConsumeArgs {
    /// The settings, and the cluster, which is waited for as long as it takes.
    pub(super) fn settings(&self) -> anyhow::Result<(Settings, Cluster)> {
        let mut given = ClientSettings::new(&self.consumer_properties);
        for file in self.consumer_config.iter().chain(&self.connect.command_config) {
            given.add_file(file)?;
        }
        let settings = Settings::new(self, &mut given)?;
        Ok((settings, self.connect.cluster_with(&mut given)?.retrying_for(None)))
    }

    /// The names of topics to read.
    pub(super) fn pattern(&self) -> anyhow::Result<Option<Regex>> {
        self.include.as_deref().map(pattern::pattern).transpose()
    }

    pub(super) fn formatter(&self) -> anyhow::Result<Formatter> {
        match self.formatter.as_deref().and_then(|class| class.rsplit('.').next()) {
            None | Some("DefaultMessageFormatter" | "LoggingMessageFormatter") => {}
            Some("NoOpMessageFormatter") => return Ok(Formatter::Nothing),
            Some(other) => bail!(
                "there is no formatter {other}, Java classes cannot be loaded: Default, Logging or NoOpMessageFormatter"
            ),
        }
        let mut properties: Vec<_> = match &self.formatter_config {
            Some(file) => read_properties(file)?.into_iter().collect(),
            None => Vec::new(),
        };
        let classes = [
            ("key.deserializer", &self.key_deserializer),
            ("value.deserializer", &self.value_deserializer),
        ];
        for (key, class) in classes {
            properties.extend(class.iter().map(|class| (key.to_owned(), class.clone())));
        }
        properties.extend(self.properties.iter().cloned());
        Formatter::new(&properties, self.format.as_deref(), self.output.is_some())
    }
}
