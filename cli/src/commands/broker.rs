//! `barnabas broker`: a broker as configured.

use std::path::PathBuf;

use anyhow::Context;
use barnabas_broker::config::BrokerConfig;
use clap::Args;

use crate::serve;

/// Options of `barnabas broker`.
#[derive(Debug, Args)]
#[command(after_help = "Settings come from the command line, then KAFKA_* environment variables \
    (KAFKA_LOG_DIRS for log.dirs), then the file, then the defaults.\n\n\
    Example:\n  barnabas broker --override broker.id=1 --override log.dirs=/var/lib/barnabas \\\n    \
    --override etcd.endpoints=http://10.0.0.1:2379,http://10.0.0.2:2379")]
pub(crate) struct BrokerArgs {
    /// A file with Kafka's keys: server.properties, or the same keys as TOML.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets one key, whatever the file says; may be repeated.
    #[arg(long = "override", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// The file again, as `kafka-server-start` takes it.
    #[arg(value_name = "FILE", conflicts_with = "config")]
    file: Option<PathBuf>,
}

/// Runs until the broker is told to stop.
pub(crate) fn run(args: BrokerArgs) -> anyhow::Result<()> {
    let file = args.config.or(args.file);
    let loaded = BrokerConfig::load(file.as_deref(), std::env::vars(), &args.overrides);
    let (config, warnings) = loaded.context("the configuration cannot be used")?;
    serve::run(config, &warnings, |running| {
        for (name, address) in &running.addresses {
            tracing::info!(listener = %name, %address, "listening");
        }
    })
}
