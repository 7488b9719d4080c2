//! `barnabas perf`: how fast a cluster takes and gives records.
//!
//! The load costs the machine as little as possible, so that the broker is measured and not the client: batches are
//! built once and sent again and again, and what is read is counted by batch headers, not decompressed. The numbers
//! are therefore a broker's, not those of an application that makes and reads each record.

mod batches;
mod consume;
mod end_to_end;
mod produce;
mod report;
mod settings;

use std::time::Instant;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

/// `barnabas perf`.
#[derive(Debug, Args)]
pub(crate) struct PerfArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Produce records as fast as the cluster takes them, or at a steady rate.
    Produce(Box<settings::ProduceArgs>),
    /// Read records as fast as the cluster gives them.
    Consume(consume::ConsumeArgs),
    /// Produce at a steady rate, read at the same time, and tell how long records take.
    EndToEnd(Box<end_to_end::EndToEndArgs>),
}

/// Runs `barnabas perf`.
pub(crate) fn run(args: PerfArgs) -> anyhow::Result<()> {
    match args.action {
        Action::Produce(args) => produce::run(&args),
        Action::Consume(args) => consume::run(&args),
        Action::EndToEnd(args) => end_to_end::run(&args),
    }
}

/// What is measured against.
#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

/// A bar of records on standard error, where that is a terminal.
fn progress(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{wide_bar} {human_pos}/{human_len} records, {per_sec}, {eta} left",
    );
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
