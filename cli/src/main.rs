//! The `barnabas` command: broker, local development, and administration in one binary.

// They panic where nobody reads: see `output`.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod commands;
mod logging;
mod output;
mod serve;

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
    /// Measure how fast a cluster takes and gives records.
    Perf(commands::perf::PerfArgs),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let called = arguments.first().map_or("", |name| name.rsplit('/').next().unwrap_or(name));
    // Linked as one of Kafka's tools, this is that tool.
    let outcome = match called.trim_end_matches(".sh") {
        "kafka-topics" => commands::topic::kafka::run(arguments),
        "kafka-consumer-groups" => commands::group::kafka::run(arguments),
        "kafka-configs" => commands::config::kafka::run(arguments),
        "kafka-console-producer" => commands::produce::run_console(arguments),
        "kafka-console-consumer" => commands::consume::run_console(arguments),
        _ => run(Cli::parse().command),
    };
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
    }
}
