//! A lease kept alive in the background, and how far it can be trusted.
//!
//! The session is not a lock: "Connected" does not fence anybody. It tells its holder when others
//! may have given it up, and it is what keys are attached to that must go when the holder does.

mod renew;
mod state;

pub use state::SessionState;

use crate::{client::Client, clock, error::Error, kv::LeaseId};
use renew::Round;
use state::{Liveness, renew_interval};
use std::time::Duration;
use tokio::{sync::watch, task::JoinHandle, time::Instant};

/// How long a session outlives its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The lease's time to live (`etcd.lease.ttl.ms`), rounded up to whole seconds; etcd grants no
    /// less than one and a half election timeouts (2 s with etcd's defaults).
    pub ttl: Duration,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(9) }
    }
}

/// A lease that is renewed until this is dropped or [revoked](Session::revoke).
///
/// A dropped session leaves the lease to expire, as a crash does.
#[derive(Debug)]
pub struct Session {
    client: Client,
    lease: LeaseId,
    ttl: Duration,
    state: watch::Receiver<SessionState>,
    task: JoinHandle<()>,
}

impl Session {
    /// Grants a lease and starts to renew it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where etcd grants none within `request_timeout`: try again.
    pub async fn open(client: &Client, config: SessionConfig) -> Result<Self, Error> {
        let sent = clock::now();
        let (lease, ttl) = client.grant(config.ttl).await?;
        let liveness = Liveness::granted(ttl, sent);
        let (publish, state) = watch::channel(liveness.state(clock::now()));
        let task = tokio::spawn(keep_alive(client.clone(), lease, ttl, liveness, publish));
        tracing::info!(%lease, ?ttl, "session with etcd opened");
        Ok(Self { client: client.clone(), lease, ttl, state, task })
    }

    /// The lease, to attach keys to.
    #[must_use]
    pub const fn lease(&self) -> LeaseId {
        self.lease
    }

    /// The time to live that etcd granted.
    #[must_use]
    pub const fn ttl(&self) -> Duration {
        self.ttl
    }

    /// The state now and its changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SessionState> {
        self.state.clone()
    }

    /// Ends the lease: its keys are deleted at once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where etcd does not answer; the lease then expires by itself.
    pub async fn revoke(self) -> Result<(), Error> {
        self.task.abort();
        self.client.revoke(self.lease).await
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Renews the lease until etcd says that it is gone.
async fn keep_alive(
    client: Client,
    lease: LeaseId,
    ttl: Duration,
    mut liveness: Liveness,
    publish: watch::Sender<SessionState>,
) {
    let interval = renew_interval(ttl);
    let mut next_round = clock::now() + interval;
    while publish_state(&publish, &liveness, lease) != SessionState::Lost {
        tokio::time::sleep_until(next_round.min(change_after(&liveness, next_round))).await;
        if clock::now() < next_round {
            continue;
        }
        next_round = clock::now() + interval;
        let round = renew::round(&client, lease);
        tokio::pin!(round);
        let outcome = loop {
            // The state must not wait for a slow round.
            let change = change_after(&liveness, clock::now() + interval);
            tokio::select! {
                outcome = &mut round => break outcome,
                () = tokio::time::sleep_until(change) => publish_state(&publish, &liveness, lease),
            };
        };
        match outcome {
            Round::Renewed(sent) => liveness.acknowledged(sent),
            Round::Gone => liveness.gone(),
            Round::Silent(reason) => {
                tracing::warn!(%lease, reason, "no keepalive got through to etcd");
                next_round = clock::now() + interval / 3;
            }
        }
    }
}

/// When the state changes by itself, or `otherwise`.
fn change_after(liveness: &Liveness, otherwise: Instant) -> Instant {
    liveness.next_change(clock::now()).unwrap_or(otherwise)
}

fn publish_state(
    publish: &watch::Sender<SessionState>,
    liveness: &Liveness,
    lease: LeaseId,
) -> SessionState {
    let state = liveness.state(clock::now());
    publish.send_if_modified(|current| {
        let changed = *current != state;
        if changed {
            tracing::info!(%lease, from = ?*current, to = ?state, "session with etcd");
            *current = state;
        }
        changed
    });
    state
}
