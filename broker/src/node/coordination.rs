//! Connects to etcd, or starts the embedded coordinator where none is configured.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use barnabas_coordinator_client::embedded::{EmbeddedConfig, EmbeddedError, Server};
use barnabas_coordinator_client::{Client, ClientConfig, Credentials, Error, TlsConfig};

use crate::config::{BrokerConfig, EtcdConfig};

/// etcd's own port: the embedded coordinator takes it if it is free, so that `etcdctl` finds it.
const ETCD_PORT: u16 = 2379;

/// How long etcd may be silent before the log says so.
const FIRST_WORD: Duration = Duration::from_secs(1);

/// Why there is no coordination.
#[derive(Debug, thiserror::Error)]
pub enum CoordinationError {
    /// The embedded coordinator cannot start.
    #[error("the embedded coordinator cannot start: {0}")]
    Embedded(#[from] EmbeddedError),
    /// The `etcd.*` configuration does not work.
    #[error("etcd cannot be used: {0}")]
    Client(#[from] Error),
    /// A file that the configuration names cannot be read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

/// A client, and the coordinator behind it where that is part of this process.
#[derive(Debug)]
pub(crate) struct Coordination {
    pub(crate) client: Client,
    pub(crate) embedded: Option<Server>,
}

/// Connects as the configuration says.
pub(crate) async fn connect(config: &BrokerConfig) -> Result<Coordination, CoordinationError> {
    let embedded = if config.etcd.endpoints.is_empty() { Some(embed(config).await?) } else { None };
    let endpoints = match &embedded {
        Some(server) => vec![server.endpoint()],
        None => config.etcd.endpoints.clone(),
    };
    let client = Client::connect(client_config(&config.etcd, endpoints)?)?;
    Ok(Coordination { client, embedded })
}

/// A client of the etcd that a broker with this configuration uses.
///
/// # Errors
/// When the configuration does not work.
pub fn etcd_client(config: &BrokerConfig) -> Result<Client, CoordinationError> {
    Ok(Client::connect(client_config(&config.etcd, config.etcd.endpoints.clone())?)?)
}

/// Waits until etcd answers, however long that takes, with a line in the log for each change.
///
/// # Errors
/// When etcd answers that this broker may not use it: waiting does not help.
pub(super) async fn until_etcd_answers(client: &Client, endpoints: &[String]) -> Result<(), Error> {
    let endpoints = endpoints.join(", ");
    let mut known = None;
    loop {
        let attempt = client.ready();
        tokio::pin!(attempt);
        let answer = match tokio::time::timeout(FIRST_WORD, &mut attempt).await {
            Ok(answer) => answer,
            Err(_) => {
                if known.is_none() {
                    tracing::warn!(%endpoints, "waiting for etcd, which does not answer yet");
                    known = Some(String::new());
                }
                attempt.await
            }
        };
        match answer {
            Ok(()) => {
                if known.is_some() {
                    tracing::info!(%endpoints, "etcd answers");
                }
                return Ok(());
            }
            Err(error) if error.is_retriable() => {
                let reason = error.to_string();
                if known.as_ref() != Some(&reason) {
                    tracing::warn!(%endpoints, %reason, "waiting for etcd");
                }
                known = Some(reason);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Takes etcd's port, or any other where that one is in use.
async fn embed(config: &BrokerConfig) -> Result<Server, EmbeddedError> {
    let at = |port| EmbeddedConfig {
        data_dir: config.log_dir.join("coordinator"),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
    };
    match Server::start(at(ETCD_PORT)).await {
        Err(EmbeddedError::Listen { .. }) => Server::start(at(0)).await,
        started => started,
    }
}

fn client_config(
    etcd: &EtcdConfig,
    endpoints: Vec<String>,
) -> Result<ClientConfig, CoordinationError> {
    let mut config = ClientConfig::new(endpoints);
    config.request_timeout = etcd.request_timeout;
    config.connect_timeout = etcd.connect_timeout;
    // An attempt, and a transaction, must be able to outlast it.
    config.attempt_timeout = config.attempt_timeout.max(2 * etcd.connect_timeout);
    config.txn_timeout = config.txn_timeout.max(config.attempt_timeout);
    if let Some((user, file)) = &etcd.credentials {
        let text = fs::read_to_string(file)
            .map_err(|source| CoordinationError::File { path: file.clone(), source })?;
        let password = text.trim_end_matches(['\r', '\n']).to_owned();
        config.user_password = Some(Credentials { user: user.clone(), password });
    }
    if let Some(ca) = &etcd.tls_ca_file {
        let identity =
            etcd.tls_identity.as_ref().map(|(cert, key)| (cert.as_path(), key.as_path()));
        config.tls = Some(TlsConfig::from_files(ca, identity)?);
    }
    Ok(config)
}
