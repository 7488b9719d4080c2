//! Accepts connections on one listener and starts a task for each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::budget::RequestBudget;
use super::connection::{self, Closed};
use super::frames::{FrameError, FrameReader};
use super::limits::{Limits, OpenConnections, Slot};
use super::log_limit::LogLimiter;
use super::transport::Transport;
use crate::api::context::{Api, ConnectionContext};
use crate::config::BrokerConfig;
use crate::env;

/// How long to wait before accepting again after the system refused (no file descriptors, say).
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Memory for requests in flight where `queued.max.request.bytes` sets none: 512 MiB.
const DEFAULT_BUDGET: usize = 512 << 20;
/// A year: effectively never, and still within the range of timers.
const NEVER_IDLE: Duration = Duration::from_secs(365 * 24 * 3600);

/// What all listeners share.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// `socket.request.max.bytes`.
    pub max_frame: usize,
    /// `connections.max.idle.ms`.
    pub idle: Duration,
    /// `socket.send.buffer.bytes`; `None` leaves it to the system.
    pub send_buffer: Option<usize>,
    /// `socket.receive.buffer.bytes`; `None` leaves it to the system.
    pub receive_buffer: Option<usize>,
    /// The connections of all listeners.
    pub open: OpenConnections,
    /// `queued.max.request.bytes`.
    pub budget: RequestBudget,
    /// Limits log lines about bad clients.
    pub log: Arc<LogLimiter>,
}

impl ListenerSettings {
    /// As the configuration says.
    #[must_use]
    pub fn new(config: &BrokerConfig) -> Self {
        // Without a configured limit, a default protects the memory.
        let budget = config.queued_max_request_bytes.unwrap_or(DEFAULT_BUDGET);
        Self {
            max_frame: config.socket_request_max_bytes,
            idle: config.connections_max_idle.unwrap_or(NEVER_IDLE).min(NEVER_IDLE),
            send_buffer: config.socket_send_buffer_bytes,
            receive_buffer: config.socket_receive_buffer_bytes,
            open: OpenConnections::within_open_files(),
            budget: RequestBudget::new(budget),
            log: Arc::default(),
        }
    }
}

/// Accepts until `stop`; connections run in `tasks`.
pub async fn run(
    listener: TcpListener,
    name: Arc<str>,
    api: Arc<Api>,
    settings: ListenerSettings,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                // An IPv4 client of a socket for both families has an address like ::ffff:10.0.0.1.
                let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
                match settings.open.admit(peer.ip(), Limits::new(&api.broker.config())) {
                    Ok(slot) => {
                        let context = ConnectionContext::new(&api, Arc::clone(&name), peer.ip());
                        let session =
                            session(stream, peer, slot, context, settings.clone(), stop.clone());
                        tasks.spawn(session);
                    }
                    Err(reason) => log_closed(&settings.log, peer, &reason),
                }
            }
            Err(error) => {
                if let Some(suppressed) = settings.log.admit(env::now()) {
                    tracing::warn!(%error, suppressed, "cannot accept a connection; trying again");
                }
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn session(
    stream: TcpStream,
    peer: SocketAddr,
    slot: Slot,
    context: ConnectionContext,
    settings: ListenerSettings,
    stop: CancellationToken,
) {
    if let Err(error) = configure(&stream, &settings) {
        tracing::debug!(%peer, %error, "cannot set socket options");
    }
    let reader = FrameReader::new(settings.budget, settings.max_frame);
    let closed =
        connection::serve(Transport::plain(stream), reader, context, settings.idle, stop).await;
    drop(slot);
    match closed {
        Closed::ByClient | Closed::Shutdown | Closed::Idle | Closed::Io(_) => {
            tracing::debug!(%peer, reason = %closed, "connection closed");
        }
        Closed::Frame(FrameError::Io(_)) => {
            tracing::debug!(%peer, reason = %closed, "connection closed");
        }
        Closed::Frame(_) | Closed::Malformed(_) => log_closed(&settings.log, peer, &closed),
    }
}

fn configure(stream: &TcpStream, settings: &ListenerSettings) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    if let Some(bytes) = settings.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(bytes) = settings.receive_buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    Ok(())
}

fn log_closed(limiter: &LogLimiter, peer: SocketAddr, reason: &dyn std::error::Error) {
    if let Some(suppressed) = limiter.admit(env::now()) {
        tracing::warn!(%peer, %reason, suppressed, "connection closed");
    }
}
