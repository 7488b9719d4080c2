//! `barnabas log`: the logs that brokers have on their disks.

mod strays;

use clap::{Args, Subcommand};

/// `barnabas log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Logs that brokers keep although the cluster does not know them.
    Strays(strays::StraysArgs),
}

/// Runs `barnabas log`.
pub(crate) fn run(args: LogArgs) -> anyhow::Result<()> {
    match args.action {
        Action::Strays(args) => strays::run(args),
    }
}
