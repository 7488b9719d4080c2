//! Starts the parts of a broker in the order in which they need each other, and stops them in reverse.
//!
//! ```text
//!  directory ▶ etcd ▶ cluster id ▶ sockets ▶ store ▶ registration ▶ image ▶ partitions ▶ requests
//! ```

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::embedded::Server;
use barnabas_coordinator_client::{Client, Error, SessionConfig};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::ClusterUuid;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Broker;
use super::applier::Applier;
use super::coordination::{Coordination, CoordinationError, connect};
use super::seen::{Memory, PAUSE, Seen};
use crate::api::data::fetch_session::FetchSessions;
use crate::api::data::reply_memory::ReplyMemory;
use crate::config::{BrokerConfig, Listener};
use crate::controller::{
    BrokerIdentity, Controller, ControllerOptions, ControllerParts, ProducerIdAllocator, Registrar,
    Registration, RegistrationError, cluster_id,
};
use crate::env;
use crate::failure::{Failing, Failure, Failures};
use crate::group::{GroupManager, GroupParts};
use crate::log::meta::{Meta, MetaError};
use crate::log::{Health, LogId, OpenError, RecoveredLog, Store, StoreFault, StoreOptions};
use crate::metadata::{EndpointImage, Image, ImageHandle, ImagePublisher, Lineage, Watcher};
use crate::net::listener::{self, ListenerSettings};
use crate::partition::maintenance;
use crate::partition::registry::Registry;

/// How long requests are kept waiting at the start for a controller that does not come: its predecessor's lease may have
/// to run out first.
const ELECTION: Duration = Duration::from_secs(2);

/// How long connections may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a broker does not start. Each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(
        "log.dirs {dir}: {source}; it has to be a directory that this user can write to, and is made if its parent is there"
    )]
    Directory {
        /// The directory.
        dir: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// It belongs to someone else.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// The log cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// There is no coordination.
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
    /// etcd does not answer, or not to this broker.
    #[error("{source}; etcd.endpoints is {endpoints}: is etcd there, and may this broker use it?")]
    NoEtcd {
        /// As configured; empty for the embedded coordinator.
        endpoints: String,
        /// What went wrong.
        source: Error,
    },
    /// The cluster does not take this broker.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// A listener's address cannot be had.
    #[error("cannot listen on {address}: {source}; choose another address with `listeners`")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A part ended while the broker was starting.
    #[error("the broker was stopped while it was starting")]
    Stopped,
    /// A part cannot go on.
    #[error(transparent)]
    Failed(Failure),
}

impl StartError {
    fn at(dir: &Path, source: io::Error) -> Self {
        Self::Directory { dir: dir.display().to_string(), source }
    }
}

/// A broker that serves requests.
#[derive(Debug)]
pub struct Running {
    /// What requests find at hand.
    pub broker: Arc<Broker>,
    /// The listeners' names and addresses, with the ports that were given out.
    pub addresses: Vec<(Arc<str>, SocketAddr)>,
    client: Client,
    embedded: Option<Server>,
    joined: Joined,
    memory: Arc<Memory>,
    failures: Failures,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Starts a broker; it serves requests when this returns.
pub async fn start(config: BrokerConfig) -> Result<Running, StartError> {
    let config = Arc::new(config);
    let local = Local::new(&config).await?;
    let (rotated, rotations) = mpsc::unbounded_channel();
    let (coordination, store) = tokio::join!(connect(&config), open_store(&config, rotated));
    let Coordination { client, embedded } = match coordination {
        Ok(coordination) => coordination,
        // What is wrong with the log is, as a rule, what is wrong with the coordinator beside it.
        Err(error) => return Err(store.err().unwrap_or_else(|| error.into())),
    };
    let started = async {
        let opened = Opened::new(&config, local, client, store?, rotations).await?;
        let (failing, failures) = Failing::channel();
        let joined = Joined::new(&config, &opened, &failing).await?;
        serve(config, opened, joined, failing, failures).await
    };
    match (started.await, embedded) {
        (Ok(running), embedded) => Ok(Running { embedded, ..running }),
        (Err(error), None) => Err(error),
        (Err(error), Some(embedded)) => {
            // The process is about to end: its database must not be in use then.
            embedded.shutdown().await;
            Err(error)
        }
    }
}

/// What is found out before anything is opened.
struct Local {
    sockets: Vec<(Listener, TcpListener)>,
    meta: Option<Meta>,
}

impl Local {
    async fn new(config: &BrokerConfig) -> Result<Self, StartError> {
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
struct Opened {
    sockets: Vec<(Listener, TcpListener)>,
    client: Client,
    keys: Keys,
    store: Store,
    recovered: Vec<RecoveredLog>,
    rotations: mpsc::UnboundedReceiver<Vec<LogId>>,
    meta: Meta,
    memory: Arc<Memory>,
    /// What the life before has seen.
    seen: Seen,
}

impl Opened {
    async fn new(
        config: &BrokerConfig,
        local: Local,
        client: Client,
        (store, recovered): (Store, Vec<RecoveredLog>),
        rotations: mpsc::UnboundedReceiver<Vec<LogId>>,
    ) -> Result<Self, StartError> {
        let Local { sockets, meta } = local;
        let (keys, dir) = (Keys::new(&config.etcd.prefix), &config.log_dir);
        let meta = identify(&client, &keys, config, meta).await?;
        let (memory, seen) = Memory::open(dir).map_err(|source| StartError::at(dir, source))?;
        let memory = Arc::new(memory);
        Ok(Self { sockets, client, keys, store, recovered, rotations, meta, memory, seen })
    }
}

/// What this broker is in the cluster.
#[derive(Debug)]
struct Joined {
    registrar: Registrar,
    watcher: Watcher,
    controller: Controller,
    registration: Registration,
}

impl Joined {
    async fn new(
        config: &Arc<BrokerConfig>,
        opened: &Opened,
        failing: &Failing,
    ) -> Result<Self, StartError> {
        let (client, keys) = (&opened.client, &opened.keys);
        let identity = identity(config, opened);
        let incarnation = identity.incarnation;
        let session = SessionConfig { ttl: config.etcd.lease_ttl };
        let registrar = Registrar::start(client, keys, identity, session, failing).await?;
        let registration = registrar.current().borrow().ok_or(StartError::Stopped)?;
        let watcher = Watcher::start(client, keys, failing);
        let controller = Controller::start(ControllerParts {
            client: client.clone(),
            keys: keys.clone(),
            broker: config.broker_id,
            incarnation,
            registration: registrar.current(),
            image: watcher.image(),
            options: ControllerOptions::new(config),
            failing: failing.clone(),
        });
        Ok(Self { registrar, watcher, controller, registration })
    }
}

async fn serve(
    config: Arc<BrokerConfig>,
    opened: Opened,
    joined: Joined,
    failing: Failing,
    mut failures: Failures,
) -> Result<Running, StartError> {
    let Opened { sockets, client, keys, store, recovered, rotations, meta, memory, seen } = opened;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let cluster_id = Str::from(meta.cluster_id.as_str());
    let partitions = Arc::new(Registry::new(config.broker_id, store.clone(), recovered));
    let effective = Arc::new(ArcSwap::new(Arc::clone(&config)));
    let (publisher, served) = ImagePublisher::new(Image::default());
    let applier = Applier {
        client: client.clone(),
        keys: keys.clone(),
        registry: Arc::clone(&partitions),
        store: store.clone(),
        started_with: Arc::clone(&config),
        effective: Arc::clone(&effective),
        served: publisher,
        lineage: Lineage::new(cluster_id.clone(), seen.revision),
        failing: failing.clone(),
    };
    let applying = applier.run(joined.watcher.image().updates(), stop.clone());
    tasks.spawn(failing.clone().needs("taking over the state of the cluster", applying));
    tokio::select! {
        failure = failures.recv() => return Err(failure.map_or(StartError::Stopped, StartError::Failed)),
        seen = until_this_life_is_seen(&served, &joined, &config) => seen?,
    }
    tasks.spawn(Arc::clone(&memory).follow(served.updates(), PAUSE, stop.clone()));
    let maintaining = maintenance::run(
        Arc::clone(&partitions),
        store.clone(),
        Arc::clone(&effective),
        rotations,
        stop.clone(),
    );
    look_after_log(&store, maintaining, &failing, &tasks, &stop);
    let groups = GroupManager::start(GroupParts {
        client: client.clone(),
        keys: keys.clone(),
        broker: config.broker_id,
        registration: joined.registrar.current(),
        image: served.clone(),
        config: Arc::clone(&effective),
        tasks: tasks.clone(),
        stop: stop.clone(),
        failing: failing.clone(),
    });
    let current = joined.registrar.current();
    let producer_ids = ProducerIdAllocator::new(client.clone(), keys, config.broker_id, current);
    let slots = config.max_incremental_fetch_session_cache_slots;
    let broker = Arc::new(Broker {
        id: config.broker_id,
        cluster_id,
        effective,
        served,
        controller: joined.controller.handle(),
        producer_ids,
        partitions,
        store,
        groups,
        reply_memory: ReplyMemory::new(usize::try_from(config.fetch_max_bytes).unwrap_or(0)),
        fetch_sessions: FetchSessions::new(usize::try_from(slots).unwrap_or(0)),
    });
    let addresses = accept(&broker, &config, sockets, &tasks, &stop)?;
    Ok(Running { broker, addresses, client, embedded: None, joined, memory, failures, stop, tasks })
}

/// Starts what the log needs by itself: `maintaining` is for what is in it.
fn look_after_log(
    store: &Store,
    maintaining: impl Future<Output = ()> + Send + 'static,
    failing: &Failing,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    tasks.spawn(failing.clone().needs("retention", maintaining));
    let flushing = maintenance::flush(store.clone(), stop.clone());
    tasks.spawn(failing.clone().needs("the timed flush", flushing));
    tasks.spawn(watch_log(store.fault(), failing.clone(), stop.clone()));
}

/// The log takes nothing until a restart.
#[derive(Debug, thiserror::Error)]
#[error("{0}; look at the disk of log.dirs before you start this broker again")]
struct LogFailed(StoreFault);

/// Ends the broker when its log has failed, as the last log directory of a Kafka broker does: others can then lead its
/// partitions. A full disk heals and is no such failure, and a damaged place is none of the disk: with it, all that can
/// still be read is.
async fn watch_log(mut health: watch::Receiver<Health>, failing: Failing, stop: CancellationToken) {
    let failed = async {
        let failed = health.wait_for(|health| health.check().is_err_and(|fault| fault.is_final()));
        failed.await.ok().and_then(|health| health.check().err())
    };
    tokio::select! {
        () = stop.cancelled() => {}
        Some(fault) = failed => failing.report(LogFailed(fault)),
    }
}

/// Makes the directory, but not its parent, which may be a mount that is missing, and tries to write there.
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
        let host = if listener.host.is_empty() { "0.0.0.0" } else { &listener.host };
        let socket = TcpListener::bind((host, listener.port)).await.map_err(|source| {
            StartError::Listen { address: format!("{host}:{}", listener.port), source }
        })?;
        sockets.push((listener.clone(), socket));
    }
    Ok(sockets)
}

async fn open_store(
    config: &BrokerConfig,
    rotated: mpsc::UnboundedSender<Vec<LogId>>,
) -> Result<(Store, Vec<RecoveredLog>), StartError> {
    let mut options = StoreOptions::new(config.log_dir.join("log"));
    options.generation_bytes = usize::try_from(config.log_generation_bytes).unwrap_or(32 << 20);
    options.tail_cache_bytes = usize::try_from(config.log_tail_cache_bytes).unwrap_or(64 << 20);
    // Nobody listens any more once the broker stops; snapshots are then written for all.
    options.on_rotate = Some(Arc::new(move |logs| drop(rotated.send(logs))));
    let opened = tokio::task::spawn_blocking(move || Store::open(options)).await;
    Ok(opened.map_err(|_| StartError::Stopped)??)
}

/// Makes sure that the data directory belongs to this broker and this cluster; a new one is marked.
async fn identify(
    client: &Client,
    keys: &Keys,
    config: &BrokerConfig,
    meta: Option<Meta>,
) -> Result<Meta, StartError> {
    let known = meta.as_ref().and_then(|m| ClusterUuid::from_kafka_string(&m.cluster_id).ok());
    let proposed = ClusterUuid(env::random_uuid());
    let cluster =
        cluster_id(client, keys, known, proposed).await.map_err(|source| match source {
            // The first words with etcd: most likely a mistake in the configuration.
            RegistrationError::Read(source) => {
                StartError::NoEtcd { endpoints: config.etcd.endpoints.join(", "), source }
            }
            other => other.into(),
        })?;
    if let Some(meta) = meta {
        return Ok(meta);
    }
    let meta = Meta {
        cluster_id: cluster.to_kafka_string(),
        broker_id: config.broker_id,
        directory_id: env::random_uuid(),
    };
    meta.write(&config.log_dir)?;
    Ok(meta)
}

fn identity(config: &BrokerConfig, opened: &Opened) -> BrokerIdentity {
    let endpoints = config.advertised_listeners.iter().map(|advertised| {
        let bound = opened.sockets.iter().find(|(listener, _)| listener.name == advertised.name);
        let given = bound.and_then(|(_, socket)| socket.local_addr().ok()).map(|at| at.port());
        EndpointImage {
            listener: Str::from(&*advertised.name),
            security_protocol: Str::from(advertised.security_protocol.name()),
            host: Str::from(advertised.host.as_str()),
            port: if advertised.port == 0 { given.unwrap_or(0) } else { advertised.port },
        }
    });
    BrokerIdentity {
        id: config.broker_id,
        incarnation: env::random_uuid(),
        data_dir_id: opened.meta.directory_id,
        endpoints: endpoints.collect(),
        rack: config.broker_rack.clone(),
        highest_revision: opened.seen.revision,
        previous_epoch: opened.seen.clean_epoch,
    }
}

/// Waits until requests would find this life of the broker in the image, and for a while until they would find a
/// controller. etcd may be slow to come.
async fn until_this_life_is_seen(
    served: &ImageHandle,
    joined: &Joined,
    config: &BrokerConfig,
) -> Result<(), StartError> {
    let epoch = joined.registration.epoch;
    let seen = served.wait_until(|image| image.broker_epoch(config.broker_id) >= Some(epoch)).await;
    seen.map_err(|_| StartError::Stopped)?;
    // Without a controller what clients ask of it is refused, which some do not take for a reason to try again.
    let elected = served.wait_until(|image| image.controller.is_some());
    if tokio::time::timeout(ELECTION, elected).await.is_err() {
        tracing::warn!(
            "no controller is elected yet; topics and configurations cannot be changed until then"
        );
    }
    Ok(())
}

fn accept(
    broker: &Arc<Broker>,
    config: &BrokerConfig,
    sockets: Vec<(Listener, TcpListener)>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Vec<(Arc<str>, SocketAddr)>, StartError> {
    let settings = ListenerSettings::new(config);
    let mut addresses = Vec::with_capacity(sockets.len());
    for (listener, socket) in sockets {
        let address = socket
            .local_addr()
            .map_err(|source| StartError::Listen { address: listener.host.clone(), source })?;
        addresses.push((Arc::clone(&listener.name), address));
        let accepting = listener::run(
            socket,
            listener.name,
            Arc::clone(broker),
            settings.clone(),
            tasks.clone(),
            stop.clone(),
        );
        tasks.spawn(accepting);
    }
    Ok(addresses)
}

impl Running {
    /// Where the coordinator can be reached.
    #[must_use]
    pub fn coordinator(&self) -> &[String] {
        &self.client.config().endpoints
    }

    /// Waits for what this broker cannot go on after; it is to be shut down then.
    pub async fn failed(&mut self) -> Failure {
        match self.failures.recv().await {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Stops in order: no new requests, producers' state and log to disk, then out of the cluster.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        let (store, partitions) = (self.broker.store.clone(), Arc::clone(&self.broker.partitions));
        let closing = move || {
            let logs: Vec<_> = partitions.all().iter().map(|partition| partition.log).collect();
            maintenance::snapshot(&partitions, &store, &logs);
            store.close()
        };
        let closed = match tokio::task::spawn_blocking(closing).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "the log could not be closed in order");
                false
            }
            Err(_) => false,
        };
        // That of the last registration: etcd may have lost this broker meanwhile.
        let registered = *self.joined.registrar.current().borrow();
        let epoch = registered.unwrap_or(self.joined.registration).epoch;
        let revision = self.broker.image().revision;
        if let Err(error) = self.memory.end(revision, closed.then_some(epoch)) {
            tracing::error!(%error, "cannot note the orderly shutdown");
        }
        self.joined.registrar.shutdown().await;
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_that_has_failed_ends_the_broker_and_a_full_disk_does_not() {
        let health = watch::Sender::new(Health::Healthy);
        let (failing, mut failures) = Failing::channel();
        tokio::spawn(watch_log(health.subscribe(), failing, CancellationToken::new()));
        health.send_replace(Health::DiskFull);
        tokio::task::yield_now().await;
        assert!(failures.try_recv().is_err());
        health.send_replace(Health::Failed("EIO".into()));
        let failure = failures.recv().await.map(|failure| failure.to_string());
        assert!(failure.is_some_and(|failure| failure.starts_with("store failed: EIO;")));
    }
}
