//! This broker's registration in etcd: one key under the session's lease, whose creation revision is the broker epoch.
//!
//! ```text
//!  key absent ─────────────────────────────▶ registered
//!  mine (this process, this lease) ────────▶ adopted: the reply of an earlier attempt was lost
//!  same data directory, an earlier life ───▶ that lease is revoked, try again
//!  another data directory ─────────────────▶ refused: two brokers with one id
//! ```
//! That the data directory's owner may revoke the earlier life's lease rests on the directory's lock: no two processes
//! have one directory open.

use std::time::Duration;

use barnabas_coordinator_client::{
    Client, Error, Expect, KeyValue, LeaseId, Session, SessionConfig, SessionState, Txn, TxnError,
    TxnOutcome,
};
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use barnabas_protocol::state::values::{BrokerRegistration, Endpoint};
use barnabas_protocol::state::{Keys, StateError, StateValue, from_json, to_json};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::BrokenLineage;
use crate::failure::Failing;
use crate::metadata::{EndpointImage, Revision};

/// Attempts before an earlier life that does not go is given up on.
const ATTEMPTS: usize = 10;

/// Pause between attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Pause before the registration is tried again after the session was lost.
const LOST_PAUSE: Duration = Duration::from_secs(1);

/// Who registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerIdentity {
    /// `broker.id`
    pub id: BrokerId,
    /// Random id of this process life.
    pub incarnation: Uuid,
    /// Id of the data directory, kept in it.
    pub data_dir_id: Uuid,
    /// The advertised listeners.
    pub endpoints: Vec<EndpointImage>,
    /// `broker.rack`
    pub rack: Option<String>,
    /// The highest etcd revision this data directory has seen; etcd must not show a lower one.
    pub highest_revision: Revision,
    /// The epoch of the life before, if that one was shut down cleanly.
    pub previous_epoch: Option<BrokerEpoch>,
}

/// A registration that is (or recently was) current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The broker epoch.
    pub epoch: BrokerEpoch,
    /// The lease that the registration hangs on.
    pub lease: LeaseId,
}

/// Why this broker cannot be part of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// Another broker has this id.
    #[error(
        "broker.id {id} is taken: a broker with another data directory ({data_dir_id}) is registered under it at \
         {address}; give this broker an id of its own, or stop the other one"
    )]
    DuplicateId {
        /// The id in question.
        id: BrokerId,
        /// The other broker's data directory.
        data_dir_id: String,
        /// Where the other broker listens.
        address: String,
    },
    /// An earlier life of this broker does not go away.
    #[error("an earlier registration of broker {0} does not end")]
    EarlierLife(BrokerId),
    /// etcd is another one than the data directory knows, or an older state of it.
    #[error(transparent)]
    Lineage(#[from] BrokenLineage),
    /// A value in etcd cannot be understood.
    #[error(transparent)]
    State(#[from] StateError),
    /// etcd cannot be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// etcd refuses the write.
    #[error(transparent)]
    Write(#[from] TxnError),
}

impl RegistrationError {
    /// No later attempt can succeed while things are as they are.
    const fn is_final(&self) -> bool {
        matches!(self, Self::DuplicateId { .. } | Self::Lineage(_))
    }
}

/// Registers the broker under `lease`.
///
/// # Errors
/// See [`RegistrationError`]; another broker under this id is final.
pub async fn register(
    client: &Client,
    keys: &Keys,
    identity: &BrokerIdentity,
    lease: LeaseId,
) -> Result<Registration, RegistrationError> {
    let key = keys.broker(identity.id);
    let value = to_json(&identity.value(lease));
    for _ in 0..ATTEMPTS {
        let txn = Txn::new().expect(key.clone(), Expect::Absent);
        let txn = txn.put_leased(key.clone(), value.clone(), lease);
        // Sent again where its fate is unknown; the value names incarnation and lease, so that it is known as ours.
        match client.txn_recognised(txn).await? {
            TxnOutcome::Committed { revision } => {
                identity.check_revision(revision)?;
                return Ok(Registration { epoch: BrokerEpoch(revision.0), lease });
            }
            TxnOutcome::Conflict { current, .. } => {
                let Some(holder) = current.into_iter().flatten().next() else { continue };
                if let Some(earlier) = identity.earlier_life(&holder, lease)? {
                    tracing::info!(lease = %earlier, "ending the registration of an earlier life");
                    client.revoke(earlier).await?;
                } else {
                    let epoch = BrokerEpoch(holder.create_revision.0);
                    return Ok(Registration { epoch, lease });
                }
            }
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
    Err(RegistrationError::EarlierLife(identity.id))
}

impl BrokerIdentity {
    fn value(&self, lease: LeaseId) -> BrokerRegistration {
        let endpoint = |endpoint: &EndpointImage| Endpoint {
            listener: endpoint.listener.to_string(),
            security_protocol: endpoint.security_protocol.to_string(),
            host: endpoint.host.to_string(),
            port: endpoint.port.into(),
        };
        BrokerRegistration {
            version: BrokerRegistration::VERSION,
            broker_id: self.id.0,
            incarnation: self.incarnation.to_string(),
            data_dir_id: self.data_dir_id.to_string(),
            endpoints: self.endpoints.iter().map(endpoint).collect(),
            rack: self.rack.clone(),
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            lease_id: lease.0,
            previous_epoch: self.previous_epoch.map_or(-1, |epoch| epoch.0),
        }
    }

    /// The lease of an earlier life of this broker that holds the key, or `None` if it is this one's own.
    fn earlier_life(
        &self,
        holder: &KeyValue,
        lease: LeaseId,
    ) -> Result<Option<LeaseId>, RegistrationError> {
        let value: BrokerRegistration = from_json(&holder.value)?;
        if value.data_dir_id != self.data_dir_id.to_string() {
            let at = |endpoint: &Endpoint| format!("{}:{}", endpoint.host, endpoint.port);
            let address = value.endpoints.iter().map(at).collect::<Vec<_>>().join(", ");
            let data_dir_id = value.data_dir_id;
            return Err(RegistrationError::DuplicateId { id: self.id, data_dir_id, address });
        }
        let own = value.incarnation == self.incarnation.to_string() && holder.lease == lease;
        Ok((!own).then_some(holder.lease))
    }

    fn check_revision(&self, found: Revision) -> Result<(), RegistrationError> {
        let seen = self.highest_revision;
        if found < seen { Err(BrokenLineage::WentBack { seen, found }.into()) } else { Ok(()) }
    }
}

/// Keeps the broker registered: opens a session, registers under it, and does both anew when etcd says that the lease is
/// gone.
#[derive(Debug)]
pub struct Registrar {
    current: watch::Receiver<Option<Registration>>,
    session: watch::Receiver<SessionState>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Registrar {
    /// Registers, and keeps it so. Where that becomes impossible, `failing` is told.
    ///
    /// # Errors
    /// Where the first registration fails: the broker must not start.
    pub async fn start(
        client: &Client,
        keys: &Keys,
        identity: BrokerIdentity,
        config: SessionConfig,
        failing: &Failing,
    ) -> Result<Self, RegistrationError> {
        let session = Session::open(client, config).await?;
        let registration = register(client, keys, &identity, session.lease()).await?;
        let (publish, current) = watch::channel(Some(registration));
        let (publish_state, state) = watch::channel(SessionState::Connected);
        let (stop, stopped) = watch::channel(false);
        let keeper = Keeper {
            client: client.clone(),
            keys: keys.clone(),
            identity,
            config,
            publish,
            publish_state,
            stopped,
            failing: failing.clone(),
        };
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
    config: SessionConfig,
    publish: watch::Sender<Option<Registration>>,
    publish_state: watch::Sender<SessionState>,
    stopped: watch::Receiver<bool>,
    failing: Failing,
}

impl Keeper {
    async fn run(mut self, mut session: Session, mut registration: Registration) {
        loop {
            if !self.watch_over(&session).await {
                if let Err(error) = session.revoke().await {
                    tracing::warn!(%error, "the registration could not be ended, it will expire");
                }
                return;
            }
            self.publish.send_replace(None);
            // The process lived on and lost nothing: to the next life this one ended cleanly.
            self.identity.previous_epoch = Some(registration.epoch);
            let seen = Revision(registration.epoch.0);
            self.identity.highest_revision = self.identity.highest_revision.max(seen);
            let Some(again) = self.register_again().await else { return };
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

    async fn register_again(&mut self) -> Option<(Session, Registration)> {
        loop {
            let attempt = async {
                let session = Session::open(&self.client, self.config).await?;
                let lease = session.lease();
                let registered = register(&self.client, &self.keys, &self.identity, lease).await?;
                Ok::<_, RegistrationError>((session, registered))
            };
            match attempt.await {
                Ok(registered) => return Some(registered),
                Err(error) if error.is_final() => {
                    self.failing.report(error);
                    return None;
                }
                Err(error) => tracing::error!(%error, "this broker is not registered"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOST_PAUSE) => {}
                stopped = self.stopped.changed() => if stopped.is_err() || *self.stopped.borrow() {
                    return None;
                },
            }
        }
    }
}
