//! Starting and stopping the server.

use std::{io, net::SocketAddr, path::PathBuf, thread, time::Duration};

use etcd_client::proto::{
    PbClusterServer, PbKvServer, PbLeaseServer, PbMaintenanceServer, PbWatchServer,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::transport::server::{Router, TcpIncoming};

use super::{disk::Directory, history::Retention, mailbox::Handle, owner::Owner, service::Service};

/// The largest message taken: etcd's request limit and its allowance for the envelope.
const MAX_MESSAGE_BYTES: usize = 2 << 20;
/// Calls and streams at a time on one connection. Many: each watch and each lease may be a stream,
/// and a client whose calls all time out at once must not lose its connection over it.
const MAX_STREAMS: u32 = 4096;
/// Connections get so long to finish their calls at shutdown; streams are ended at once.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// Where the embedded coordinator keeps its data and listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedConfig {
    /// Its directory, created if needed; one server at a time may use it.
    pub data_dir: PathBuf,
    /// A loopback address; port 0 lets the system choose one.
    pub listen: SocketAddr,
}

/// Why the embedded coordinator did not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// It has no authentication.
    #[error("the embedded coordinator listens on loopback addresses only, not on {0}")]
    NotLoopback(SocketAddr),
    /// Another server uses the directory.
    #[error("the embedded coordinator's directory {} is in use by another process", dir.display())]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// The directory cannot be created or locked.
    #[error("the embedded coordinator's directory {} cannot be used", dir.display())]
    Directory {
        /// The directory.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// RocksDB cannot open, read or write the directory.
    #[error("the embedded coordinator's store failed")]
    Storage(#[from] rocksdb::Error),
    /// The directory was written by a later version, or damaged.
    #[error("the embedded coordinator's store holds what this version cannot read: {what}")]
    Corrupt {
        /// What was found.
        what: String,
    },
    /// The address cannot be listened on.
    #[error("the embedded coordinator cannot listen on {listen}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system refused a thread.
    #[error("the embedded coordinator's thread cannot be started")]
    Thread(#[source] io::Error),
}

/// A running embedded coordinator. Dropping it stops it without waiting; what was answered is on
/// disk either way.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    stop: CancellationToken,
    serving: Option<JoinHandle<()>>,
    /// Resolves (to an error: nothing is sent) when the owner has closed the directory.
    owner_gone: Option<oneshot::Receiver<()>>,
}

impl Server {
    /// Opens the directory and serves, on the current tokio runtime.
    ///
    /// # Errors
    /// See [`EmbeddedError`].
    pub async fn start(config: EmbeddedConfig) -> Result<Self, EmbeddedError> {
        Self::start_with(config, Retention::default()).await
    }

    /// The same, with another bound on the history that is kept.
    ///
    /// # Errors
    /// See [`EmbeddedError`].
    pub async fn start_with(
        config: EmbeddedConfig,
        retention: Retention,
    ) -> Result<Self, EmbeddedError> {
        let EmbeddedConfig { data_dir, listen } = config;
        if !listen.ip().is_loopback() {
            return Err(EmbeddedError::NotLoopback(listen));
        }
        let dir = data_dir.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let new_ids = (rand::random(), rand::random());
            Owner::new(Directory::lock(dir)?, new_ids, retention)
        });
        let (owner, handle) = opening.await.unwrap_or_else(|panic| {
            std::panic::resume_unwind(panic.into_panic());
        })?;
        let failed = |source| EmbeddedError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        let owner_gone = spawn_owner(owner)?;
        let stop = CancellationToken::new();
        let service = Service::new(handle.clone(), stop.clone(), data_dir, local_addr);
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let serving =
            tokio::spawn(serve(routes(&service), incoming, CloseOnDrop(handle), stop.clone()));
        tracing::info!(%local_addr, "embedded coordinator started");
        Ok(Self { local_addr, stop, serving: Some(serving), owner_gone: Some(owner_gone) })
    }

    /// The address it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The same as an etcd endpoint: `http://127.0.0.1:2379`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.local_addr)
    }

    /// Ends all streams and connections, and returns when the directory is closed.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(serving) = self.serving.take() {
            // It can only have been cancelled together with the runtime.
            let _ = serving.await;
        }
        if let Some(owner_gone) = self.owner_gone.take() {
            let _ = owner_gone.await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn spawn_owner(owner: Owner) -> Result<oneshot::Receiver<()>, EmbeddedError> {
    let (running, gone) = oneshot::channel::<()>();
    let body = move || {
        owner.run();
        drop(running);
    };
    thread::Builder::new()
        .name("coordinator".to_owned())
        .spawn(body)
        .map_err(EmbeddedError::Thread)?;
    Ok(gone)
}

fn routes(service: &Service) -> Router {
    let limit = MAX_MESSAGE_BYTES;
    tonic::transport::Server::builder()
        .max_concurrent_streams(MAX_STREAMS)
        .http2_max_pending_accept_reset_streams(Some(MAX_STREAMS as usize))
        .add_service(PbKvServer::new(service.clone()).max_decoding_message_size(limit))
        .add_service(PbWatchServer::new(service.clone()).max_decoding_message_size(limit))
        .add_service(PbLeaseServer::new(service.clone()).max_decoding_message_size(limit))
        .add_service(PbClusterServer::new(service.clone()))
        .add_service(PbMaintenanceServer::new(service.clone()))
}

/// Ends the owner, even if the runtime is dropped with the server in it.
struct CloseOnDrop(Handle);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Serves until `stop`, then ends the owner.
async fn serve(router: Router, incoming: TcpIncoming, owner: CloseOnDrop, stop: CancellationToken) {
    let serving = router.serve_with_incoming_shutdown(incoming, stop.clone().cancelled_owned());
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(SHUTDOWN_GRACE).await;
    };
    tokio::select! {
        result = serving => {
            if let Err(error) = result {
                tracing::error!(%error, "the embedded coordinator stopped serving");
            }
        }
        () = overdue => {}
    }
    drop(owner);
}
