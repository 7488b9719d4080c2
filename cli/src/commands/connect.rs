//! The options and settings with which commands connect to a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use barnabas_broker::config::parse_properties;
use barnabas_client::{Address, Cluster, ClusterConfig};
use clap::Args;

use crate::output;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where a broker on this machine listens by default.
const DEFAULT_SERVERS: &str = "127.0.0.1:9092";

/// Options of every command that talks to a cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConnectArgs {
    /// Addresses of brokers to connect to first, separated by commas [default: the variable
    /// BARNABAS_BOOTSTRAP_SERVERS, or 127.0.0.1:9092].
    #[arg(
        long = "bootstrap-server",
        visible_alias = "broker-list",
        short = 'b',
        value_name = "HOST:PORT"
    )]
    bootstrap_server: Option<String>,
    /// File with Kafka's client settings.
    #[arg(long, value_name = "FILE")]
    pub(crate) command_config: Option<PathBuf>,
}

impl ConnectArgs {
    /// The cluster. Connections are opened when they are needed.
    pub(crate) fn cluster(&self) -> anyhow::Result<Cluster> {
        self.cluster_with(&mut ClientSettings::default())
    }

    /// The cluster, for a command with settings of its own; adds those of `--command-config`.
    pub(crate) fn cluster_with(&self, settings: &mut ClientSettings) -> anyhow::Result<Cluster> {
        Ok(self.target(settings)?.cluster())
    }

    /// The same, for a command that needs several connections to one broker.
    pub(crate) fn target(&self, settings: &mut ClientSettings) -> anyhow::Result<Target> {
        if let Some(file) = &self.command_config {
            settings.add_file(file)?;
        }
        let in_settings = settings.take("bootstrap.servers");
        settings.check()?;
        let variable = std::env::var("BARNABAS_BOOTSTRAP_SERVERS").ok();
        let servers = servers(self.bootstrap_server.clone(), in_settings, variable);
        Ok(Target { bootstrap: Address::parse_list(&servers)? })
    }
}

/// The option wins over a setting, and the setting over the environment.
fn servers(option: Option<String>, setting: Option<String>, variable: Option<String>) -> String {
    let variable = variable.filter(|servers| !servers.trim().is_empty());
    let given = option.or(setting).or(variable);
    given.unwrap_or_else(|| DEFAULT_SERVERS.to_owned())
}

/// The addresses of a cluster.
#[derive(Debug)]
pub(crate) struct Target {
    bootstrap: Vec<Address>,
}

impl Target {
    pub(crate) fn cluster(&self) -> Cluster {
        let config = ClusterConfig {
            bootstrap: self.bootstrap.clone(),
            client_id: "barnabas-cli".into(),
            request_timeout: TIMEOUT,
            retry_for: Some(TIMEOUT),
        };
        Cluster::new(config, |notice| output::note(format_args!("WARN {notice}")))
    }
}

/// Client settings under Kafka's keys. A command takes out those that it honours. For the rest
/// there is a warning that they have no effect, or an error if ignoring them would be unsafe.
#[derive(Debug, Default)]
pub(crate) struct ClientSettings {
    given: BTreeMap<String, String>,
    /// Keys that were taken out, which another file must not bring back.
    taken: BTreeSet<String>,
}

impl ClientSettings {
    /// Settings from the command line, which win over those from files.
    pub(crate) fn new(given: &[(String, String)]) -> Self {
        Self { given: given.iter().cloned().collect(), taken: BTreeSet::new() }
    }

    /// Adds the settings of a file that are not set yet.
    pub(crate) fn add_file(&mut self, file: &Path) -> anyhow::Result<()> {
        for (key, value) in read_properties(file)? {
            if !self.taken.contains(&key) {
                self.given.entry(key).or_insert(value);
            }
        }
        Ok(())
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<String> {
        let value = self.given.remove(key)?;
        self.taken.insert(key.to_owned());
        Some(value)
    }

    /// Checks what was not taken out. A plaintext connection instead of a protected one is refused.
    fn check(&self) -> anyhow::Result<()> {
        let protected = |key: &str| key.starts_with("sasl.") || key.starts_with("ssl.");
        for (key, value) in &self.given {
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

pub(crate) fn read_properties(file: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    let pairs = parse_properties(bytes).with_context(|| file.display().to_string())?;
    Ok(pairs.into_iter().collect())
}

/// Runs a command on a new runtime.
pub(crate) fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let outcome = runtime.block_on(work);
    // Does not wait for a read from standard input, which may never return.
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
    fn the_most_specific_address_wins() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(servers(some("a"), some("b"), some("c")), "a");
        assert_eq!(servers(None, some("b"), some("c")), "b");
        assert_eq!(servers(None, None, some("c")), "c");
        assert_eq!(servers(None, None, some(" ")), "127.0.0.1:9092");
    }

    #[test]
    fn a_setting_that_was_taken_does_not_come_back() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(&file, "acks=1\nclient.id=x\n").expect("written");
        let mut settings = ClientSettings::default();
        settings.add_file(file.path()).expect("read");
        assert_eq!(settings.take("acks").as_deref(), Some("1"));
        settings.add_file(file.path()).expect("read");
        assert_eq!(settings.given.into_keys().collect::<Vec<_>>(), ["client.id"]);
    }

    #[test]
    fn what_would_be_unsafe_to_ignore_is_refused() {
        assert!(check("security.protocol", "SSL").is_err());
        assert!(check("sasl.jaas.config", "x").is_err());
        assert!(check("security.protocol", "PLAINTEXT").is_ok());
        assert!(check("client.id", "x").is_ok());
    }
}
