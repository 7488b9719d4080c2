//! How a command finds the cluster.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use barnabas_broker::config::parse_properties;
use barnabas_client::{Address, Cluster, ClusterConfig};
use clap::{Args, Parser};

use crate::output;

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
        self.cluster_with(&mut ClientSettings::default())
    }

    /// The cluster for a client that has settings of its own, to which those of the file are added.
    pub(crate) fn cluster_with(&self, settings: &mut ClientSettings) -> anyhow::Result<Cluster> {
        if let Some(file) = &self.command_config {
            settings.add_file(file)?;
        }
        settings.check()?;
        let config = ClusterConfig {
            bootstrap: Address::parse_list(&self.bootstrap_server)?,
            client_id: "barnabas-cli".into(),
            request_timeout: TIMEOUT,
            retry_for: Some(TIMEOUT),
        };
        Ok(Cluster::new(config, |notice| output::note(format_args!("WARN {notice}"))))
    }
}

/// A client's settings, by Kafka's keys. The command takes those that it honours; the others are said to have no
/// effect, or are refused where that would be unsafe.
#[derive(Debug, Default)]
pub(crate) struct ClientSettings(BTreeMap<String, String>);

impl ClientSettings {
    /// Settings from the command line, which go over those of files.
    pub(crate) fn new(given: &[(String, String)]) -> Self {
        Self(given.iter().cloned().collect())
    }

    /// Adds what a file has besides.
    pub(crate) fn add_file(&mut self, file: &Path) -> anyhow::Result<()> {
        for (key, value) in read_properties(file)? {
            self.0.entry(key).or_insert(value);
        }
        Ok(())
    }

    /// Takes a setting out.
    pub(crate) fn take(&mut self, key: &str) -> Option<String> {
        self.0.remove(key)
    }

    /// Judges what nobody has taken: a plain-text connection in place of a protected one is refused.
    fn check(&self) -> anyhow::Result<()> {
        let protected = |key: &str| key.starts_with("sasl.") || key.starts_with("ssl.");
        for (key, value) in &self.0 {
            match key.as_str() {
                "security.protocol" if value == "PLAINTEXT" => {}
                key if key == "security.protocol" || protected(key) => {
                    bail!("{key}={value} is not supported by this tool yet")
                }
                key => output::note(format_args!("WARN the setting {key} has no effect here")),
            }
        }
        Ok(())
    }
}

/// Reads a properties file.
pub(crate) fn read_properties(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let pairs = parse_properties(bytes).with_context(|| file.display().to_string())?;
    Ok(pairs.into_iter().collect())
}

/// Reads the command line of one of Kafka's tools, which end with 1 where it is wrong.
pub(crate) fn parse_as_kafka<T: Parser>(arguments: Vec<String>) -> T {
    T::try_parse_from(arguments).unwrap_or_else(|error| {
        let _ = error.print();
        std::process::exit(i32::from(error.use_stderr()))
    })
}

/// Runs a command on a runtime of its own.
pub(crate) fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let outcome = runtime.block_on(work);
    // Without waiting for a read from standard input, which may never end.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str) -> anyhow::Result<()> {
        ClientSettings::new(&[(key.to_owned(), value.to_owned())]).check()
    }

    #[test]
    fn what_would_be_unsafe_to_ignore_is_refused() {
        assert!(check("security.protocol", "SSL").is_err());
        assert!(check("sasl.jaas.config", "x").is_err());
        assert!(check("security.protocol", "PLAINTEXT").is_ok());
        assert!(check("client.id", "x").is_ok());
    }
}
