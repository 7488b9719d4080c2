//! Whether etcd answers, and one log line for each time that changes.

use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};

use barnabas_coordinator_client::SessionState;
use tokio::sync::watch;

use super::error::WriteError;

/// Whether etcd answers, as the session's keepalives show.
#[derive(Clone, Debug)]
pub(super) struct EtcdHealth {
    session: watch::Receiver<SessionState>,
}

impl EtcdHealth {
    pub(super) fn new(session: watch::Receiver<SessionState>) -> Self {
        Self { session }
    }

    /// Whether etcd has not answered for so long that a write is not worth trying. A lost session
    /// is another matter: then etcd has answered, and the broker registers anew.
    pub(super) fn is_away(&self) -> bool {
        match *self.session.borrow() {
            SessionState::Suspect | SessionState::Uncertain => true,
            SessionState::Connected | SessionState::Lost => false,
        }
    }

    /// Waits for the next change of the session's state.
    pub(super) async fn changed(&mut self) {
        if self.session.changed().await.is_err() {
            pending::<()>().await;
        }
    }
}

/// Logs when writes begin to fail and when they succeed again, not every failure in between.
#[derive(Debug)]
pub(super) struct FailureLog {
    name: &'static str,
    failing: AtomicBool,
}

impl FailureLog {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, failing: AtomicBool::new(false) }
    }

    /// Takes note of a result.
    pub(super) fn note(&self, error: Option<&WriteError>) {
        let name = self.name;
        match error {
            None if self.failing.swap(false, Ordering::Relaxed) => {
                tracing::info!("{name}: writes to etcd succeed again");
            }
            None => {}
            Some(error) if !error.is_unavailable() => {
                tracing::warn!(%error, "{name}: a write to etcd failed");
            }
            Some(error) => {
                let known = self.failing.swap(true, Ordering::Relaxed);
                if !known {
                    tracing::warn!(%error, "{name}: writes to etcd fail, clients have to retry");
                }
            }
        }
    }
}
