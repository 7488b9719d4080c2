//! How a command finds etcd, for what only etcd knows.

use std::path::PathBuf;

use anyhow::Context;
use barnabas_broker::config::BrokerConfig;
use barnabas_broker::node::etcd_client;
use barnabas_coordinator_client::{Client, ClientConfig};
use barnabas_protocol::state::Keys;
use clap::Args;

/// Options of commands that talk to etcd.
#[derive(Clone, Debug, Args)]
pub(crate) struct EtcdArgs {
    /// Where etcd is; may be repeated, or separated by commas.
    #[arg(
        long = "etcd",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:2379",
        conflicts_with = "config"
    )]
    endpoints: Vec<String>,
    /// What all keys of the cluster begin with (etcd.prefix).
    #[arg(long, default_value = "/barnabas", conflicts_with = "config")]
    prefix: String,
    /// A broker's configuration file, to take all of its etcd.* settings (password and TLS, too).
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The cluster's keys in an etcd that answers.
pub(crate) struct Etcd {
    pub(crate) client: Client,
    pub(crate) keys: Keys,
}

impl EtcdArgs {
    /// Connects.
    pub(crate) async fn connect(&self) -> anyhow::Result<Etcd> {
        let (client, keys) = match &self.config {
            None => {
                let client = Client::connect(ClientConfig::new(self.endpoints.iter().cloned()))?;
                (client, Keys::new(&self.prefix))
            }
            Some(file) => {
                let loaded = BrokerConfig::load(Some(file), std::env::vars(), &[]);
                let (config, _) = loaded.context("the configuration cannot be used")?;
                (etcd_client(&config)?, Keys::new(&config.etcd.prefix))
            }
        };
        let endpoints = client.config().endpoints.join(", ");
        let asked = client.get(keys.cluster_id()).await;
        let found =
            asked.with_context(|| format!("etcd does not answer at {endpoints} (--etcd)"))?;
        if found.is_none() {
            anyhow::bail!(
                "there is no cluster below {} in etcd at {endpoints} (--prefix)",
                keys.all()
            );
        }
        Ok(Etcd { client, keys })
    }
}
