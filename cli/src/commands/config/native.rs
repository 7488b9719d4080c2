//! The options of `barnabas config`.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::{Changes, ConfigCommand, EntityArgs, execute};
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output::Format;

#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the settings of topics or brokers.
    #[command(after_help = "Example:\n  barnabas config describe --topic orders --all")]
    Describe {
        #[command(flatten)]
        entity: EntityArgs,
        /// Print all settings in effect, with their sources, not only those that were set for the
        /// entity.
        #[arg(long)]
        all: bool,
        /// Output format.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Change settings. Changes take effect at once, without a restart.
    #[command(
        after_help = "Example:\n  barnabas config alter --topic orders --add-config retention.ms=3600000,cleanup.policy=[compact,delete]"
    )]
    Alter {
        #[command(flatten)]
        entity: EntityArgs,
        /// Settings to add or change. Put brackets around values with commas.
        #[arg(long, value_name = "KEY=VALUE,KEY=[VALUE,VALUE]")]
        add_config: Option<String>,
        /// Settings to remove, so that the default applies again.
        #[arg(long, value_name = "KEY,KEY")]
        delete_config: Option<String>,
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

impl Action {
    fn command(self) -> anyhow::Result<(ConfigCommand, ConnectArgs)> {
        match self {
            Self::Describe { entity, all, output: format, connect } => {
                let (kind, entity) = entity.entity()?;
                Ok((ConfigCommand::Describe { kind, entity, all, format }, connect))
            }
            Self::Alter { entity, add_config, delete_config, connect } => {
                let (_, entity) = entity.entity()?;
                let entity = entity.context(
                    "whose settings? Name a topic (--topic), a broker (--broker) or all (--broker-defaults)",
                )?;
                let changes = Changes::parse(add_config.as_deref(), delete_config.as_deref())?;
                if changes == Changes::default() {
                    bail!("nothing to change: use --add-config or --delete-config");
                }
                Ok((ConfigCommand::Alter { entity, changes }, connect))
            }
        }
    }
}

pub(crate) fn run(args: ConfigArgs) -> anyhow::Result<()> {
    let (command, connect) = args.action.command()?;
    block_on(async { execute(&connect.cluster()?, command).await })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Entity, Kind};
    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ConfigArgs,
    }

    fn parse(line: &str) -> anyhow::Result<ConfigCommand> {
        let words = std::iter::once("config").chain(line.split_whitespace());
        Ok(Line::try_parse_from(words)?.args.action.command()?.0)
    }

    #[test]
    fn entities_in_both_spellings() {
        let long = parse("describe --entity-type topics --entity-name t").expect("long");
        assert_eq!(long, parse("describe --topic t").expect("short"));
        let (kind, format) = (Kind::Broker, Format::Json);
        let all = ConfigCommand::Describe { kind, entity: None, all: true, format };
        assert_eq!(parse("describe --entity-type brokers --all -o json").expect("all"), all);
        let altered = parse("alter --broker-defaults --add-config a=b").expect("alter");
        let changes = Changes { set: vec![("a".into(), "b".into())], delete: Vec::new() };
        assert_eq!(altered, ConfigCommand::Alter { entity: Entity::AllBrokers, changes });
    }

    #[test]
    fn incomplete_commands_are_refused() {
        for line in [
            "describe",
            "describe --entity-name t",
            "describe --topic t --broker 1",
            "describe --entity-type topics --entity-default",
            "describe --broker one",
            "alter --topic t",
            "alter --entity-type topics --add-config a=b",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
