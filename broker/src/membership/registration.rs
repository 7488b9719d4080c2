//! This broker's registration in etcd: one key under the session's lease, whose creation revision
//! is the broker epoch.
//!
//! ```text
//!  key absent ───────────────────────────────────▶ registered
//!  mine (this process, this lease) ──────────────▶ adopted: the reply of an earlier attempt was lost
//!  an earlier life of this directory ────────────▶ if it ended on this machine, its lease is revoked; else wait until it
//!                                                  expires
//!  a copy of this directory, another directory ──▶ refused: two brokers with one id
//! ```
//! The directory's lock proves that an earlier life has ended, if that ran in the same boot of the
//! same machine.

use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::{
    Client, Error, Expect, KeyValue, LeaseId, ModRevision, Txn, TxnError, TxnOutcome,
};
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use barnabas_protocol::state::values::{BrokerLives, BrokerRegistration, DirectoryLife, Endpoint};
use barnabas_protocol::state::{Keys, StateError, StateValue, from_json, to_json};
use uuid::Uuid;

use super::life::{Continuity, LifeFile, lives_with, registration_claims};
use super::{BrokenLineage, Disagreement};
use crate::env;
use crate::metadata::{EndpointImage, HeldData, Revision};

/// Pause between attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

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
    /// The directory's lock proves that no earlier process uses it: they all ran in this boot of
    /// this machine.
    pub earlier_lives_ended: bool,
    /// How long to wait for the lease of an earlier life to expire where that is not so.
    pub expiry_patience: Duration,
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
    /// Another process runs on a copy of this directory.
    #[error(
        "broker {id} runs already, at {address}, on this data directory or a copy of it; stop it before you start this \
         one. If it has just died, its registration expires within seconds"
    )]
    Running {
        /// The broker.
        id: BrokerId,
        /// Where the other process listens.
        address: String,
    },
    /// Another process on a copy of this directory was registered while this one ran.
    #[error(
        "another process has registered as broker {0} with a copy of this data directory while this one was running. \
         This one ends. Stop one of the two for good: what both have written since cannot be put together again"
    )]
    Replaced(BrokerId),
    /// etcd is another one than the data directory knows, or an older state of it.
    #[error(transparent)]
    Lineage(#[from] BrokenLineage),
    /// This broker is set up differently from its cluster.
    #[error(transparent)]
    Disagreement(#[from] Disagreement),
    /// What this directory knows of its registrations cannot be noted.
    #[error("cannot note the registration in the data directory: {0}")]
    Directory(String),
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
    /// Whether no later attempt can succeed while things are as they are.
    pub(super) const fn is_final(&self) -> bool {
        matches!(
            self,
            Self::DuplicateId { .. }
                | Self::Running { .. }
                | Self::Replaced(_)
                | Self::Lineage(_)
                | Self::Disagreement(_)
        )
    }

    /// Whether etcd is only not there at the moment.
    pub(crate) fn is_etcd_away(&self) -> bool {
        match self {
            Self::Read(error) => error.is_retriable(),
            Self::Write(error) => {
                error.is_retriable() || error.is_indeterminate() || error.is_fenced()
            }
            _ => false,
        }
    }
}

/// Registers the broker under `lease`. `before` is the epoch that this process had, if it was
/// registered before.
///
/// # Errors
/// See [`RegistrationError`]; another broker under this id is final.
pub async fn register(
    client: &Client,
    keys: &Keys,
    identity: &BrokerIdentity,
    life: &Arc<LifeFile>,
    lease: LeaseId,
    before: Option<BrokerEpoch>,
) -> Result<Registration, RegistrationError> {
    let patience = env::now() + identity.expiry_patience;
    loop {
        let attempt = Attempt { client, keys, identity, life, lease, before };
        match attempt.run().await? {
            Attempted::Registered(registration) => return Ok(registration),
            Attempted::Conflict => {}
            Attempted::EarlierLife(registered) => {
                if identity.earlier_lives_ended || before.is_some() {
                    let earlier = LeaseId(registered.lease_id);
                    tracing::info!(lease = %earlier, "ending the registration of an earlier life");
                    client.revoke(earlier).await?;
                } else if env::now() >= patience {
                    return Err(identity.running(&registered));
                }
            }
            Attempted::AtOurAddress(taken) if env::now() >= patience => return Err(taken),
            Attempted::AtOurAddress(_) => {}
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

/// Whether another copy of this data directory was registered since this one was: this one is out
/// of date.
///
/// # Errors
/// When etcd cannot be read.
pub async fn is_stale(
    client: &Client,
    keys: &Keys,
    broker: BrokerId,
    directory: Uuid,
    life: &LifeFile,
) -> Result<bool, RegistrationError> {
    let found = client.get(keys.broker_lives(broker)).await?;
    let lives: Option<BrokerLives> = found.map(|kv| from_json(&kv.value)).transpose()?;
    Ok(Continuity::of(&life.life(), directory, lives.as_ref()) == Continuity::Stale)
}

/// One attempt to register.
struct Attempt<'a> {
    client: &'a Client,
    keys: &'a Keys,
    identity: &'a BrokerIdentity,
    life: &'a Arc<LifeFile>,
    lease: LeaseId,
    before: Option<BrokerEpoch>,
}

/// How it went.
enum Attempted {
    Registered(Registration),
    /// Something has changed meanwhile.
    Conflict,
    /// This directory, or a copy of it, is registered.
    EarlierLife(BrokerRegistration),
    /// Another directory is registered, at the address that this process listens on: a broker that
    /// is gone, or one that a restored backup of etcd shows. Its lease runs out; if not, the id is
    /// taken.
    AtOurAddress(RegistrationError),
}

impl Attempt<'_> {
    async fn run(&self) -> Result<Attempted, RegistrationError> {
        let Self { client, keys, identity, lease, .. } = *self;
        let (key, lives_key) = (keys.broker(identity.id), keys.broker_lives(identity.id));
        let found = client.get(&lives_key).await?;
        let lives: Option<BrokerLives> =
            found.as_ref().map(|kv| from_json(&kv.value)).transpose()?;
        let continuity = Continuity::of(&self.life.life(), identity.data_dir_id, lives.as_ref());
        if continuity == Continuity::Stale {
            return Err(RegistrationError::Replaced(identity.id));
        }
        let value = self.value(continuity);
        let lives = to_json(&lives_with(lives, identity.life(lease)));
        self.life.trying(lease).await.map_err(directory)?;
        let at = |kv: &KeyValue| Expect::ModRevision(ModRevision(kv.mod_revision.0));
        let txn = Txn::new()
            .expect(key.clone(), Expect::Absent)
            .expect(lives_key.clone(), found.as_ref().map_or(Expect::Absent, at))
            .put_leased(key, to_json(&value), lease)
            .put(lives_key, lives);
        // Sent again where its fate is unknown; the values name the lease, so that they are known
        // as ours.
        match client.txn_recognised(txn).await? {
            TxnOutcome::Committed { revision } => {
                identity.check_revision(revision)?;
                continuity_is_worth_a_word(continuity, identity);
                self.registered(&value, BrokerEpoch(revision.0)).await
            }
            TxnOutcome::Conflict { current, .. } => {
                let Some(holder) = current.into_iter().next().flatten() else {
                    return Ok(Attempted::Conflict);
                };
                self.held_by(&holder).await
            }
        }
    }

    fn value(&self, continuity: Continuity) -> BrokerRegistration {
        let mut value = self.identity.registration(self.lease);
        registration_claims(&self.life.life(), continuity, &mut value);
        value
    }

    async fn registered(
        &self,
        value: &BrokerRegistration,
        epoch: BrokerEpoch,
    ) -> Result<Attempted, RegistrationError> {
        let held = HeldData::of(value, epoch);
        self.life.registered(epoch, self.lease, held).await.map_err(directory)?;
        Ok(Attempted::Registered(Registration { epoch, lease: self.lease }))
    }

    /// What to make of a registration that is there.
    async fn held_by(&self, holder: &KeyValue) -> Result<Attempted, RegistrationError> {
        let identity = self.identity;
        let value: BrokerRegistration = from_json(&holder.value)?;
        if value.data_dir_id != identity.data_dir_id.to_string() {
            let address = address(&value);
            let data_dir_id = value.data_dir_id;
            let taken = RegistrationError::DuplicateId { id: identity.id, data_dir_id, address };
            let ours = value.endpoints == identity.registration(self.lease).endpoints;
            return if ours { Ok(Attempted::AtOurAddress(taken)) } else { Err(taken) };
        }
        let own_process = value.incarnation == identity.incarnation.to_string();
        if own_process && holder.lease == self.lease {
            return self.registered(&value, BrokerEpoch(holder.create_revision.0)).await;
        }
        if !own_process && self.before.is_some() {
            return Err(RegistrationError::Replaced(identity.id));
        }
        if !self.life.life().knows(LeaseId(value.lease_id)) {
            return Err(identity.running(&value));
        }
        Ok(Attempted::EarlierLife(value))
    }
}

/// Tells the operator about a directory that is not the one the broker had before.
fn continuity_is_worth_a_word(continuity: Continuity, identity: &BrokerIdentity) {
    let id = identity.id;
    match continuity {
        Continuity::First | Continuity::Continues | Continuity::Stale => {}
        Continuity::Returns => {
            tracing::info!(broker = %id, "the data directory is back that this broker had before");
        }
        Continuity::Replaced => tracing::warn!(
            broker = %id,
            "this broker had another data directory before. Partitions whose last records are only there wait for it: if \
             it should be here, is a disk not mounted?"
        ),
        Continuity::Forgotten => tracing::warn!(
            broker = %id,
            "etcd does not know this broker's data directory, which was registered there before: was a backup restored? \
             It counts as new"
        ),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn directory(error: std::io::Error) -> RegistrationError {
    RegistrationError::Directory(error.to_string())
}

fn address(registration: &BrokerRegistration) -> String {
    let at = |endpoint: &Endpoint| format!("{}:{}", endpoint.host, endpoint.port);
    registration.endpoints.iter().map(at).collect::<Vec<_>>().join(", ")
}

impl BrokerIdentity {
    /// The registration of a directory that begins with it.
    fn registration(&self, lease: LeaseId) -> BrokerRegistration {
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
            ready: false,
            shutting_down: false,
            directory_since: 0,
            lossless_since: 0,
            absences: Vec::new(),
        }
    }

    fn life(&self, lease: LeaseId) -> DirectoryLife {
        DirectoryLife {
            data_dir_id: self.data_dir_id.to_string(),
            incarnation: self.incarnation.to_string(),
            lease_id: lease.0,
        }
    }

    fn running(&self, registered: &BrokerRegistration) -> RegistrationError {
        RegistrationError::Running { id: self.id, address: address(registered) }
    }

    fn check_revision(&self, found: Revision) -> Result<(), RegistrationError> {
        let seen = self.highest_revision;
        if found < seen { Err(BrokenLineage::WentBack { seen, found }.into()) } else { Ok(()) }
    }
}
