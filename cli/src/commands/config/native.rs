//! The options of `barnabas config`.

use anyhow::{Context, bail};
use clap::{Args, Subcommand};

use super::{Changes, ConfigCommand, EntityArgs, execute};
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output::Format;

/// `barnabas config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print settings: what was set for a topic or broker, or with --all everything in effect and where from.
    #[command(after_help = "Example: barnabas config describe --topic orders --all")]
    Describe {
        #[command(flatten)]
        entity: EntityArgs,
        /// Everything in effect, with where each value comes from.
        #[arg(long)]
        all: bool,
        /// How to print.
        #[arg(long, short, value_enum, default_value_t)]
        output: Format,
        #[command(flatten)]
        connect: ConnectArgs,
    },
    /// Change settings; they hold at once, without a restart.
    #[command(
        after_help = "Example: barnabas config alter --topic orders --add-config retention.ms=3600000,cleanup.policy=[compact,delete]"
    )]
    Alter {
        #[command(flatten)]
        entity: EntityArgs,
        /// Settings to make; brackets around values with commas.
        #[arg(long, value_name = "KEY=VALUE,KEY=[VALUE,VALUE]")]
        add_config: Option<String>,
        /// Settings to take back, so that the default holds again.
        #[arg(long, value_name = "KEY,KEY")]
        delete_config: Option<String>,
        #[command(flatten)]
        connect: ConnectArgs,
    },
}

impl Action {
    fn command(self) -> anyhow::Result<(ConfigCommand, ConnectArgs)> {
        match self {
            Self::Describe { entity, all, output, connect } => {
                let (kind, entity) = entity.entity()?;
                let json = output == Format::Json;
                Ok((ConfigCommand::Describe { kind, entity, all, json }, connect))
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

/// Runs `barnabas config`.
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
        let all =
            ConfigCommand::Describe { kind: Kind::Broker, entity: None, all: true, json: true };
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
