//! What this machine has: the data directory, the sockets, and which cluster they belong to.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use barnabas_coordinator_client::Client;
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::ClusterUuid;
use tokio::net::TcpListener;

use super::StartError;
use super::coordination::until_etcd_answers;
use crate::config::{BrokerConfig, Listener};
use crate::env;
use crate::log::{ClaimedDir, DirCondition, OpenError, RecoveredLog, Store, StoreOptions};
use crate::membership::meta::Meta;
use crate::membership::seen::{Seen, SeenFile};
use crate::membership::{ClusterSettings, LifeFile, RegistrationError, is_stale, join_cluster};
use crate::net;
use crate::partition::maintenance::RotatedLogs;

/// What is found out before anything is opened.
pub(super) struct Local {
    pub(super) sockets: Vec<(Listener, TcpListener)>,
    pub(super) meta: Option<Meta>,
}

impl Local {
    pub(super) async fn new(config: &BrokerConfig) -> Result<Self, StartError> {
        let dir = &config.log_dir;
        check_directory(dir).map_err(|source| StartError::at(dir, source))?;
        let meta = Meta::read(dir)?;
        if let Some(meta) = &meta {
            // Before anything in it is touched.
            meta.check(dir, &meta.cluster_id, config.broker_id)?;
        }
        Ok(Self { sockets: bind(&config.listeners).await?, meta })
    }
}

/// What this machine has: sockets, data, a connection to etcd.
pub(super) struct Opened {
    pub(super) sockets: Vec<(Listener, TcpListener)>,
    pub(super) client: Client,
    pub(super) keys: Keys,
    pub(super) data: OpenedStore,
    pub(super) rotated: Arc<RotatedLogs>,
    pub(super) meta: Meta,
    pub(super) seen_file: Arc<SeenFile>,
    /// What the life before has seen.
    pub(super) seen: Seen,
}

impl Opened {
    pub(super) async fn new(
        config: &BrokerConfig,
        local: Local,
        client: Client,
        data: OpenedStore,
        rotated: Arc<RotatedLogs>,
    ) -> Result<Self, StartError> {
        let Local { sockets, meta } = local;
        let (keys, dir) = (Keys::new(&config.etcd.prefix), &config.log_dir);
        let meta = identify(&client, &keys, config, meta, &data.life).await?;
        let (seen_file, seen) =
            SeenFile::open(dir).map_err(|source| StartError::at(dir, source))?;
        let seen_file = Arc::new(seen_file);
        Ok(Self { sockets, client, keys, data, rotated, meta, seen_file, seen })
    }
}

/// The data directory, open for writing.
pub(super) struct OpenedStore {
    pub(super) store: Store,
    pub(super) recovered: Vec<RecoveredLog>,
    /// What the directory knows of this broker's registrations.
    pub(super) life: Arc<LifeFile>,
    /// How the directory was found.
    pub(super) found: DirCondition,
}

/// Makes the directory, but not its parent, which may be a mount that is missing, and tries to
/// write there.
fn check_directory(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let probe = dir.join("write-probe");
    fs::File::create(&probe)?;
    fs::remove_file(probe)
}

/// Opens the listening sockets, so that a conflict shows before anything is changed.
async fn bind(listeners: &[Listener]) -> Result<Vec<(Listener, TcpListener)>, StartError> {
    let mut sockets = Vec::with_capacity(listeners.len());
    for listener in listeners {
        let (host, port) = (listener.host.as_str(), listener.port);
        let socket = net::bind(host, port).await.map_err(|source| {
            let address = match host {
                "" => format!("port {port} of all addresses"),
                host => format!("{host}:{port}"),
            };
            StartError::Listen { address, source }
        })?;
        sockets.push((listener.clone(), socket));
    }
    Ok(sockets)
}

pub(super) async fn open_store(
    config: &BrokerConfig,
    rotated: Arc<RotatedLogs>,
) -> Result<OpenedStore, StartError> {
    let mut options = StoreOptions::new(config.log_dir.join("log"));
    options.generation_bytes = config.log_generation_bytes;
    options.tail_cache_bytes = config.log_tail_cache_bytes;
    options.on_rotate = Some(Arc::new(move |logs| rotated.add(logs)));
    let open = move || {
        let dir = options.dir.clone();
        let claimed = ClaimedDir::claim(&dir)?;
        let found = claimed.condition();
        // Before anything in the store is changed: a crash from here on leaves the verdict of this
        // start.
        let life =
            LifeFile::judge(&dir, found).map_err(|source| OpenError::Directory { dir, source })?;
        let (store, recovered) = Store::open_claimed(claimed, options)?;
        Ok::<_, OpenError>(OpenedStore { store, recovered, life: Arc::new(life), found })
    };
    Ok(tokio::task::spawn_blocking(open).await.map_err(|_| StartError::Stopped)??)
}

fn cluster_settings(config: &BrokerConfig) -> ClusterSettings {
    ClusterSettings {
        group_shards: config.offsets_topic_num_partitions,
        transaction_shards: config.transaction_state_log_num_partitions,
        min_insync_replicas: config.min_insync_replicas(),
    }
}

/// Gives a directory that does not continue its earlier self another id. The original, if it comes
/// back, is then known for what it is.
async fn renewed(
    client: &Client,
    keys: &Keys,
    config: &BrokerConfig,
    meta: Meta,
    life: &LifeFile,
) -> Result<Meta, StartError> {
    let directory = meta.directory_id;
    let stale = is_stale(client, keys, config.broker_id, directory, life).await?;
    if !stale && !life.begins_anew() {
        return Ok(meta);
    }
    tracing::warn!(
        broker = %config.broker_id,
        "this data directory is an older copy of the one that this broker had last, or unfinished, or emptied. It begins \
         anew; partitions whose last records are elsewhere wait for them"
    );
    life.forget().map_err(|source| StartError::at(&config.log_dir, source))?;
    let meta = Meta { directory_id: env::random_uuid(), ..meta };
    meta.write(&config.log_dir)?;
    Ok(meta)
}

/// Makes sure that the data directory belongs to this broker and this cluster; a new one is marked.
async fn identify(
    client: &Client,
    keys: &Keys,
    config: &BrokerConfig,
    meta: Option<Meta>,
    life: &LifeFile,
) -> Result<Meta, StartError> {
    let known = meta.as_ref().and_then(|m| ClusterUuid::from_kafka_string(&m.cluster_id).ok());
    let proposed = ClusterUuid(env::random_uuid());
    let settings = cluster_settings(config);
    let no_etcd =
        |source| StartError::NoEtcd { endpoints: config.etcd.endpoints.join(", "), source };
    let cluster = loop {
        until_etcd_answers(client, &config.etcd.endpoints).await.map_err(no_etcd)?;
        match join_cluster(client, keys, &settings, known, proposed).await {
            Err(error) if error.is_etcd_away() => {}
            Err(RegistrationError::Read(source)) => return Err(no_etcd(source)),
            joined => break joined?,
        }
    };
    if let Some(meta) = meta {
        return renewed(client, keys, config, meta, life).await;
    }
    let meta = Meta {
        cluster_id: cluster.to_kafka_string(),
        broker_id: config.broker_id,
        directory_id: env::random_uuid(),
    };
    meta.write(&config.log_dir)?;
    Ok(meta)
}
