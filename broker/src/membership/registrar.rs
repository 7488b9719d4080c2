//! Keeps the broker registered: opens a session, registers under it, and does both anew when etcd
//! says that the lease is gone.

use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::{Client, Session, SessionConfig, SessionState};
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::BrokerEpoch;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::life::LifeFile;
use super::registration::{BrokerIdentity, Registration, RegistrationError, register};
use crate::failure::Failing;
use crate::metadata::Revision;

/// Pause before the registration is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The broker's registration, as long as this is not dropped.
#[derive(Debug)]
pub struct Registrar {
    current: watch::Receiver<Option<Registration>>,
    session: watch::Receiver<SessionState>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Registrar {
    /// Registers, and keeps it so. While etcd is away it waits. Where registering becomes
    /// impossible, `failing` is told.
    ///
    /// # Errors
    /// Where the first registration is refused: the broker must not start.
    pub async fn start(
        client: &Client,
        keys: &Keys,
        identity: BrokerIdentity,
        life: &Arc<LifeFile>,
        config: SessionConfig,
        failing: &Failing,
    ) -> Result<Self, RegistrationError> {
        let (publish, current) = watch::channel(None);
        let (publish_state, state) = watch::channel(SessionState::Connected);
        let (stop, stopped) = watch::channel(false);
        let keeper = Keeper {
            client: client.clone(),
            keys: keys.clone(),
            identity,
            life: Arc::clone(life),
            config,
            publish,
            publish_state,
            stopped,
            failing: failing.clone(),
        };
        let (session, registration) = keeper.first().await?;
        keeper.publish.send_replace(Some(registration));
        let keeping = keeper.run(session, registration);
        let task = tokio::spawn(failing.clone().needs("the registration", keeping));
        Ok(Self { current, session: state, stop, task })
    }

    /// The registration, and `None` while there is none.
    #[must_use]
    pub fn current(&self) -> watch::Receiver<Option<Registration>> {
        self.current.clone()
    }

    /// How far the lease of the registration can be trusted.
    #[must_use]
    pub fn session(&self) -> watch::Receiver<SessionState> {
        self.session.clone()
    }

    /// Ends the registration at once: the last step of an orderly shutdown.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the registration's task failed");
        }
    }
}

/// The task behind a [`Registrar`].
struct Keeper {
    client: Client,
    keys: Keys,
    identity: BrokerIdentity,
    life: Arc<LifeFile>,
    config: SessionConfig,
    publish: watch::Sender<Option<Registration>>,
    publish_state: watch::Sender<SessionState>,
    stopped: watch::Receiver<bool>,
    failing: Failing,
}

impl Keeper {
    /// The first registration, however long etcd is away.
    async fn first(&self) -> Result<(Session, Registration), RegistrationError> {
        loop {
            match self.attempt(None).await {
                Err(error) if error.is_etcd_away() => {
                    tracing::warn!(%error, "this broker is not registered yet");
                    tokio::time::sleep(RETRY_PAUSE).await;
                }
                result => return result,
            }
        }
    }

    async fn attempt(
        &self,
        before: Option<BrokerEpoch>,
    ) -> Result<(Session, Registration), RegistrationError> {
        let Self { client, keys, identity, life, .. } = self;
        let session = Session::open(client, self.config).await?;
        let lease = session.lease();
        let registration = register(client, keys, identity, life, lease, before).await?;
        Ok((session, registration))
    }

    async fn run(mut self, mut session: Session, mut registration: Registration) {
        loop {
            if !self.watch_over(&session).await {
                if let Err(error) = session.revoke().await {
                    tracing::warn!(%error, "the registration could not be ended, it will expire");
                }
                return;
            }
            self.publish.send_replace(None);
            let seen = Revision(registration.epoch.0);
            self.identity.highest_revision = self.identity.highest_revision.max(seen);
            let Some(again) = self.register_again(registration.epoch).await else { return };
            (session, registration) = again;
            tracing::info!(epoch = %registration.epoch, "registered anew");
            self.publish.send_replace(Some(registration));
        }
    }

    /// Publishes the session's states until it is lost (true) or this is to stop (false).
    async fn watch_over(&mut self, session: &Session) -> bool {
        let mut states = session.state();
        loop {
            let state = *states.borrow_and_update();
            self.publish_state.send_replace(state);
            if state == SessionState::Lost {
                return true;
            }
            tokio::select! {
                changed = states.changed() => if changed.is_err() { return true },
                // An error means that the registrar was dropped.
                stopped = self.stopped.changed() => if stopped.is_err() || *self.stopped.borrow() {
                    return false;
                },
            }
        }
    }

    async fn register_again(&mut self, before: BrokerEpoch) -> Option<(Session, Registration)> {
        loop {
            match self.attempt(Some(before)).await {
                Ok(registered) => return Some(registered),
                Err(error) if error.is_final() => {
                    self.failing.report(error);
                    return None;
                }
                Err(error) => tracing::error!(%error, "this broker is not registered"),
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PAUSE) => {}
                stopped = self.stopped.changed() => if stopped.is_err() || *self.stopped.borrow() {
                    return None;
                },
            }
        }
    }
}
