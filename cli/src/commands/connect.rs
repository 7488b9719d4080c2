//! How a command finds the cluster.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use crate::client::Cluster;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Options that every command has which talks to a cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Brokers to start from, as host:port, separated by commas.
    #[arg(
        long = "bootstrap-server",
        visible_alias = "broker-list",
        short = 'b',
        value_name = "HOST:PORT",
        default_value = "127.0.0.1:9092"
    )]
    pub(crate) bootstrap_server: String,
    /// A client.properties file, as Kafka's tools take it.
    #[arg(long, value_name = "FILE")]
    pub(crate) command_config: Option<PathBuf>,
}

impl ConnectArgs {
    /// The cluster; nothing is connected yet.
    pub(crate) fn cluster(&self) -> anyhow::Result<Cluster> {
        if let Some(file) = &self.command_config {
            check_client_config(&read_properties(file)?)?;
        }
        Ok(Cluster::new(&self.bootstrap_server, TIMEOUT))
    }
}

/// Reads a properties file.
pub(crate) fn read_properties(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let mut properties = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let (key, value) = line.split_once('=').with_context(|| format!("no '=' in: {line}"))?;
        properties.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(properties)
}

/// Refuses what would not be honoured: a plain-text connection in place of a protected one, above all.
fn check_client_config(properties: &BTreeMap<String, String>) -> anyhow::Result<()> {
    match properties.get("security.protocol").map(String::as_str) {
        None | Some("PLAINTEXT") => Ok(()),
        Some(other) => bail!("security.protocol={other} is not supported by this tool yet"),
    }
}

/// Runs a command on a runtime of its own.
pub(crate) fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.context("cannot start the runtime")?.block_on(work)
}
