//! `barnabas broker` and `kafka-server-start`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use barnabas_broker::config::BrokerConfig;
use clap::{Args, Parser};

use crate::command_line::parse_as_kafka;
use crate::{environment, serve};

#[derive(Debug, Args)]
#[command(after_help = "Settings come from the command line, then KAFKA_* environment variables \
    (KAFKA_LOG_DIRS for log.dirs), then the file, then the defaults.\n\n\
    Examples:\n  barnabas broker --config server.properties\n  \
    barnabas broker --override broker.id=1 --override etcd.endpoints=http://10.0.0.1:2379")]
pub(crate) struct BrokerArgs {
    /// Configuration file with Kafka's keys: server.properties, or TOML.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets one key, overriding the file; may be repeated.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// The same as --config.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
}

pub(crate) fn run(args: BrokerArgs) -> anyhow::Result<()> {
    serve(args.config.or(args.file).as_deref(), &args.overrides)
}

/// Run a broker.
#[derive(Debug, Parser)]
#[command(name = "kafka-server-start", version, max_term_width = 100)]
struct ServerStart {
    /// Configuration file with Kafka's keys.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Sets one key, overriding the file; may be repeated.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
}

pub(crate) fn run_server_start(arguments: &[OsString]) -> anyhow::Result<()> {
    ensure!(
        !arguments.iter().any(|argument| argument == "-daemon"),
        "-daemon is not available here: run the broker as a service, or with nohup and &"
    );
    let options: ServerStart = parse_as_kafka(arguments);
    serve(Some(&options.file), &options.overrides)
}

fn serve(file: Option<&Path>, overrides: &[String]) -> anyhow::Result<()> {
    let loaded = BrokerConfig::load(file, environment::variables(), overrides);
    let (config, warnings) = loaded.context("the configuration cannot be used")?;
    serve::run(config, &warnings, |running| {
        for (name, address) in &running.addresses {
            tracing::info!(listener = %name, %address, "listening");
        }
    })
}
