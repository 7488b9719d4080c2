//! The `barnabas` command: broker, local development, and administration in one binary.

// They panic where nobody reads: see `output`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod command_line;
mod commands;
mod environment;
mod kafka_tools;
mod logging;
mod output;
mod serve;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A Kafka-compatible event-streaming cluster: brokers on RocksDB, coordinated by etcd.
#[derive(Debug, Parser)]
#[command(name = "barnabas", version, max_term_width = 100, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a broker, with etcd or, on one machine, with the embedded coordinator.
    Broker(commands::broker::BrokerArgs),
    /// Run everything on this machine: one broker on 127.0.0.1:9092 and the coordinator.
    Dev(commands::dev::DevArgs),
    /// Create, list, describe, alter, trim and delete topics.
    Topic(commands::topic::native::TopicArgs),
    /// Write lines from standard input to a topic.
    Produce(Box<commands::produce::ProduceArgs>),
    /// Print the records of a topic.
    Consume(Box<commands::consume::ConsumeArgs>),
    /// List, describe, move and delete consumer groups.
    Group(commands::group::native::GroupArgs),
    /// Show and change the settings of topics and brokers.
    Config(commands::config::native::ConfigArgs),
    /// Look at the cluster: brokers and partitions, or everything that is kept in etcd.
    Cluster(commands::cluster::ClusterArgs),
    /// Look after the logs that brokers have on their disks.
    Log(commands::log::LogArgs),
    /// Measure how fast a cluster accepts and delivers records.
    Perf(commands::perf::PerfArgs),
    /// Print a script with which a shell completes commands and options.
    Completions(commands::completions::CompletionsArgs),
    /// Print the manual page of a command, or write all pages.
    Man(commands::man::ManArgs),
    /// Print the version.
    Version,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let called = arguments.first().and_then(|path| Path::new(path).file_name());
    let called = called.map(|name| name.to_string_lossy()).unwrap_or_default();
    let outcome = kafka_tools::run(&called, &arguments)
        .unwrap_or_else(|| run(command_line::parse::<Cli>(&arguments).command));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if output::reader_left(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(format_args!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Broker(args) => commands::broker::run(args),
        Command::Dev(args) => commands::dev::run(args),
        Command::Topic(args) => commands::topic::native::run(args),
        Command::Produce(args) => commands::produce::run(*args),
        Command::Consume(args) => commands::consume::run(*args),
        Command::Group(args) => commands::group::native::run(args),
        Command::Config(args) => commands::config::native::run(args),
        Command::Cluster(args) => commands::cluster::run(args),
        Command::Log(args) => commands::log::run(args),
        Command::Perf(args) => commands::perf::run(args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::Version => Ok(output::line(command_line::VERSION)?),
    }
}
