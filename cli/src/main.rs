//! The `barnabas` command: broker, local development, and administration in one binary.

mod client;
mod commands;
mod logging;
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
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Broker(args) => commands::broker::run(args),
        Command::Dev(args) => commands::dev::run(args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("barnabas: {error:#}");
            ExitCode::FAILURE
        }
    }
}
