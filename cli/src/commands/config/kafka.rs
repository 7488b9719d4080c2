//! The options of `kafka-configs`.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{ArgGroup, Parser};

use super::{Changes, ConfigCommand, EntityArgs, execute};
use crate::command_line::parse_as_kafka;
use crate::commands::connect::{ConnectArgs, block_on, read_properties};
use crate::output::Format;

/// Show and change the settings of topics and brokers.
#[derive(Debug, Parser)]
#[command(name = "kafka-configs", version, max_term_width = 100)]
#[command(group(ArgGroup::new("action").required(true).args(["describe", "alter"])))]
#[command(
    after_help = "Example:\n  kafka-configs --bootstrap-server 127.0.0.1:9092 --alter --entity-type topics --entity-name t --add-config retention.ms=1000"
)]
struct KafkaConfigs {
    /// Print settings.
    #[arg(long)]
    describe: bool,
    /// Change settings.
    #[arg(long)]
    alter: bool,
    /// With --describe: also defaults and settings from the broker's configuration.
    #[arg(long)]
    all: bool,
    /// With --alter: settings to add or change. Put brackets around values with commas.
    #[arg(long, value_name = "KEY=VALUE,KEY=[VALUE,VALUE]")]
    add_config: Option<String>,
    /// With --alter: a file with settings to add or change.
    #[arg(long, value_name = "FILE", conflicts_with = "add_config")]
    add_config_file: Option<PathBuf>,
    /// With --alter: settings to remove.
    #[arg(long, value_name = "KEY,KEY")]
    delete_config: Option<String>,
    #[command(flatten)]
    entity: EntityArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl KafkaConfigs {
    fn command(&self) -> anyhow::Result<ConfigCommand> {
        let (kind, entity) = self.entity.entity()?;
        let all = self.all;
        if self.describe {
            let format = Format::Table;
            return Ok(ConfigCommand::Describe { kind, entity, all, format });
        }
        let entity = entity.context(
            "an entity name must be specified with --alter of topics, and --entity-name or --entity-default with --alter of brokers",
        )?;
        let changes = Changes::parse(self.add_config.as_deref(), self.delete_config.as_deref())?;
        let changes = match &self.add_config_file {
            Some(file) => changes.with(read_properties(file)?)?,
            None => changes,
        };
        if changes == Changes::default() {
            bail!(
                "At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter"
            );
        }
        Ok(ConfigCommand::Alter { entity, changes })
    }
}

pub(crate) fn run(arguments: &[OsString]) -> anyhow::Result<()> {
    let words = arguments.iter().skip(1).map(|word| word.to_string_lossy());
    let given = words.collect::<Vec<_>>().join(" ");
    let options: KafkaConfigs = parse_as_kafka(arguments);
    let command = options.command()?;
    block_on(async { execute(&options.connect.cluster()?, command).await })
        .with_context(|| format!("Error while executing config command with args '{given}'"))
}

#[cfg(test)]
mod tests {
    use super::super::{Entity, Kind};
    use super::*;

    fn parse(line: &str) -> ConfigCommand {
        let words = std::iter::once("kafka-configs").chain(line.split_whitespace());
        KafkaConfigs::parse_from(words).command().expect("complete")
    }

    #[test]
    fn commands_as_the_documentation_types_them() {
        let described =
            parse("--bootstrap-server h:1 --entity-type brokers --entity-name 0 --describe");
        let entity = Some(Entity::Broker("0".into()));
        let (kind, format) = (Kind::Broker, Format::Table);
        let expected = ConfigCommand::Describe { kind, entity, all: false, format };
        assert_eq!(described, expected);
        let altered = parse(
            "--bootstrap-server h:1 --entity-type brokers --entity-default --alter --add-config log.cleaner.threads=2 --delete-config x",
        );
        let set = vec![("log.cleaner.threads".to_owned(), "2".to_owned())];
        let changes = Changes { set, delete: vec!["x".to_owned()] };
        assert_eq!(altered, ConfigCommand::Alter { entity: Entity::AllBrokers, changes });
    }

    #[test]
    fn settings_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "# comment\nretention.ms = 5\n").unwrap();
        let altered =
            parse(&format!("--alter --topic t --add-config-file {}", file.path().display()));
        let changes =
            Changes { set: vec![("retention.ms".into(), "5".into())], delete: Vec::new() };
        assert_eq!(altered, ConfigCommand::Alter { entity: Entity::Topic("t".into()), changes });
    }
}
