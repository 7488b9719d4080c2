//! `barnabas perf`: measures how fast a cluster accepts and delivers records.
//!
//! To measure the broker and not this client, the client does as little as possible: it builds a
//! batch once and sends it again and again, and counts records by batch headers without
//! decompressing them. An application that builds and reads every record is slower.

mod batches;
mod consume;
mod end_to_end;
mod produce;
mod report;
mod settings;

use std::ffi::OsString;
use std::time::Instant;

use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::command_line::parse_as_kafka;

#[derive(Debug, Args)]
pub(crate) struct PerfArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Produce records as fast as possible, or at a steady rate.
    Produce(Box<settings::ProduceArgs>),
    /// Read records as fast as possible.
    Consume(consume::ConsumeArgs),
    /// Produce at a steady rate while reading, and measure how long records take.
    EndToEnd(Box<end_to_end::EndToEndArgs>),
}

/// Produce records as fast as possible, or at a steady rate.
#[derive(Debug, Parser)]
#[command(name = "kafka-producer-perf-test", version, max_term_width = 100)]
struct ProducerTest {
    #[command(flatten)]
    args: settings::ProduceArgs,
}

pub(crate) fn run_producer_test(arguments: &[OsString]) -> anyhow::Result<()> {
    produce::run(&parse_as_kafka::<ProducerTest>(arguments).args)
}

pub(crate) fn run(args: PerfArgs) -> anyhow::Result<()> {
    match args.action {
        Action::Produce(args) => produce::run(&args),
        Action::Consume(args) => consume::run(&args),
        Action::EndToEnd(args) => end_to_end::run(&args),
    }
}

#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}

/// A progress bar on standard error, if that is a terminal.
fn progress(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{wide_bar} {human_pos}/{human_len} records, {per_sec}, {eta} left",
    );
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
