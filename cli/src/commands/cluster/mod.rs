//! `barnabas cluster`: the cluster as clients see it, and its state in etcd.

mod info;
mod restored;
mod state;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct ClusterArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the cluster's id, controller, brokers, and partitions that need attention.
    Info(info::InfoArgs),
    /// Print what the cluster keeps in etcd.
    State(state::StateArgs),
    /// Print whether etcd was restored from a backup, and which partitions wait for their logs
    /// since.
    Restored(restored::RestoredArgs),
    /// Have all partitions led on what their logs say, as after a restore of etcd.
    MarkRestored(restored::MarkRestoredArgs),
}

pub(crate) fn run(args: ClusterArgs) -> anyhow::Result<()> {
    match args.action {
        Action::Info(args) => info::run(&args),
        Action::State(args) => state::run(&args),
        Action::Restored(args) => restored::show(&args),
        Action::MarkRestored(args) => restored::mark(&args),
    }
}
