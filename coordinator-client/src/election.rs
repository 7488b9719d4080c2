//! The election of the controller: one key that exists while somebody holds it, and an epoch that
//! only grows.
//!
//! As Kafka did on ZooKeeper: create `/controller` (gone when its holder's lease is) and count up
//! `/controller_epoch`, in one transaction. Being elected proves nothing a moment later; what
//! fences is that every write of the controller carries [`Leadership::guard`].
//!
//! The same transaction sets the clock, and raises the restore count where the clock is behind
//! ([`crate::restore`]).

use crate::{
    client::Client,
    error::{Error, TxnError},
    kv::{CreateRevision, KeyValue, LeaseId, ModRevision, Revision},
    restore::{self, MarksError},
    txn::{Expect, Txn, TxnOutcome},
};
use barnabas_protocol::state::{
    Keys,
    ids::{BrokerId, ControllerEpoch},
};
use bytes::Bytes;
use thiserror::Error;

/// Who stands for election, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The cluster's keys.
    pub keys: Keys,
    /// The candidate.
    pub broker: BrokerId,
    /// The life of its registration: a candidate that lost it cannot win.
    pub registration: CreateRevision,
    /// The lease of the registration, which the leader key is attached to as well.
    pub lease: LeaseId,
}

/// The result of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Campaign {
    /// The candidate is the leader.
    Elected(Leadership),
    /// Somebody is: try again when that key is deleted.
    Held(KeyValue),
    /// The candidate's registration is gone or another one: register first.
    NotRegistered,
}

/// One term as leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// The key that is held.
    pub leader_key: Bytes,
    /// The life of that key: what every write of the leader compares.
    pub create_revision: CreateRevision,
    /// The number of this term.
    pub epoch: ControllerEpoch,
    /// The clock as the election wrote it.
    pub clock: ModRevision,
}

/// Why an attempt has no result.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CampaignError {
    /// etcd did not answer a read.
    #[error(transparent)]
    Read(#[from] Error),
    /// etcd did not answer, or refused, the transaction. Campaigning again finds out whether it was
    /// applied.
    #[error(transparent)]
    Write(#[from] TxnError),
    /// The restore count or the clock cannot be read.
    #[error(transparent)]
    Marks(#[from] MarksError),
    /// The epoch key holds no number, or no greater one exists: an operator must repair it.
    #[error("the epoch key is damaged: {0}")]
    DamagedEpoch(String),
}

impl CampaignError {
    /// Whether to campaign again later.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        match self {
            Self::Read(error) | Self::Marks(MarksError::Read(error)) => error.is_retriable(),
            Self::Write(error) => error.is_retriable() || error.is_indeterminate(),
            Self::Marks(MarksError::State(_)) | Self::DamagedEpoch(_) => false,
        }
    }

    /// Whether the candidate's lease is gone.
    #[must_use]
    pub const fn is_fenced(&self) -> bool {
        match self {
            Self::Read(error) | Self::Marks(MarksError::Read(error)) => error.is_fenced(),
            Self::Write(error) => error.is_fenced(),
            Self::Marks(MarksError::State(_)) | Self::DamagedEpoch(_) => false,
        }
    }
}

/// Attempts in which only the epoch changed under the candidate, before the caller gets to hear of
/// it.
const ROUNDS: usize = 3;

impl Client {
    /// Tries once to become leader. `value` makes the leader key's value of the new epoch; it must
    /// differ between candidates and between their lives (hold the incarnation), because that is
    /// how a candidate whose reply was lost finds out that it was elected. `now_ms` is the time of
    /// day, for the clock.
    ///
    /// # Errors
    /// See [`CampaignError`].
    pub async fn campaign(
        &self,
        candidate: &Candidate,
        now_ms: i64,
        value: impl Fn(ControllerEpoch) -> Bytes,
    ) -> Result<Campaign, CampaignError> {
        let mut conflict = String::new();
        for _ in 0..ROUNDS {
            // What the office comes with is read after it: while the key is the candidate's own,
            // nobody changes that.
            let holder = self.get(candidate.keys.controller()).await?;
            let counter = self.get(candidate.keys.controller_epoch()).await?;
            let marks = self.read_marks(&candidate.keys).await?;
            if let Some(holder) = holder {
                return candidate.recognise(holder, counter.as_ref(), marks.clock, &value);
            }
            let epoch = next_epoch(counter.as_ref())?;
            let raised = marks.raised(candidate.broker, counter.is_some());
            let txn = candidate.txn(counter, epoch, value(epoch));
            let txn = marks.write(txn, &candidate.keys, raised.as_ref());
            let txn =
                txn.put(candidate.keys.clock(), restore::clock(candidate.broker, epoch, now_ms));
            match self.txn_recognised(txn).await? {
                TxnOutcome::Committed { revision } => {
                    if let Some(raised) = raised {
                        tracing::warn!(
                            count = raised.count,
                            reason = raised.reason,
                            "etcd was restored"
                        );
                    }
                    return Ok(Campaign::Elected(candidate.leadership(revision, epoch)));
                }
                TxnOutcome::Conflict { mut current, .. } => {
                    let registration = current.get(2).cloned().flatten();
                    if let Some(holder) = current.first_mut().and_then(Option::take) {
                        return Ok(Campaign::Held(holder));
                    }
                    if !candidate.is_registered(registration.as_ref()) {
                        return Ok(Campaign::NotRegistered);
                    }
                    conflict = format!("{current:?}");
                }
            }
        }
        Err(Error::Unavailable(format!("keys change under the campaign: {conflict}")).into())
    }

    /// Writes the clock of a term, and says whether the term goes on: false where somebody else
    /// holds the office, or wrote the clock.
    ///
    /// # Errors
    /// Where etcd did not answer, or refused.
    pub async fn write_clock(
        &self,
        leadership: &mut Leadership,
        keys: &Keys,
        broker: BrokerId,
        now_ms: i64,
    ) -> Result<bool, TxnError> {
        let txn = leadership
            .guard(Txn::new())
            .expect(keys.clock(), Expect::ModRevision(leadership.clock))
            .put(keys.clock(), restore::clock(broker, leadership.epoch, now_ms));
        match self.txn_recognised(txn).await? {
            TxnOutcome::Committed { revision } => {
                leadership.clock = ModRevision(revision.0);
                Ok(true)
            }
            TxnOutcome::Conflict { .. } => Ok(false),
        }
    }

    /// Gives the leader key up, if this leader still holds it.
    ///
    /// # Errors
    /// Where etcd did not answer; the key goes with the lease at the latest.
    pub async fn resign(&self, leadership: &Leadership) -> Result<(), TxnError> {
        let txn = leadership.guard(Txn::new()).delete(leadership.leader_key.clone());
        self.txn(txn).await.map(drop)
    }
}

impl Leadership {
    /// Adds the condition that this leader still leads. Every write of the controller carries it
    /// (KAFKA-6082).
    #[must_use]
    pub fn guard(&self, txn: Txn) -> Txn {
        txn.expect(self.leader_key.clone(), Expect::CreateRevision(self.create_revision))
    }
}

impl Candidate {
    /// The election: the order of the expectations is what `campaign` reads a conflict by.
    fn txn(&self, counter: Option<KeyValue>, epoch: ControllerEpoch, value: Bytes) -> Txn {
        let counter = counter.map_or(Expect::Absent, |kv| Expect::ModRevision(kv.mod_revision));
        let registration = Expect::CreateRevision(self.registration);
        Txn::new()
            .expect(self.keys.controller(), Expect::Absent)
            .expect(self.keys.controller_epoch(), counter)
            .expect(self.keys.broker(self.broker), registration)
            .put_leased(self.keys.controller(), value, self.lease)
            .put(self.keys.controller_epoch(), epoch.to_string())
    }

    fn is_registered(&self, found: Option<&KeyValue>) -> bool {
        found.is_some_and(|found| found.create_revision == self.registration)
    }

    fn leadership(&self, revision: Revision, epoch: ControllerEpoch) -> Leadership {
        let create_revision = CreateRevision(revision.0);
        let clock = ModRevision(revision.0);
        Leadership { leader_key: self.keys.controller().into(), create_revision, epoch, clock }
    }

    /// Reads who holds the key: an earlier attempt of this candidate may, whose reply was lost.
    fn recognise(
        &self,
        holder: KeyValue,
        counter: Option<&KeyValue>,
        clock: Option<ModRevision>,
        value: impl Fn(ControllerEpoch) -> Bytes,
    ) -> Result<Campaign, CampaignError> {
        let epoch = current_epoch(counter)?;
        if let Some(clock) = clock
            && holder.lease == self.lease
            && holder.value == value(epoch)
        {
            let revision = Revision(holder.create_revision.0);
            return Ok(Campaign::Elected(Leadership { clock, ..self.leadership(revision, epoch) }));
        }
        Ok(Campaign::Held(holder))
    }
}

fn current_epoch(counter: Option<&KeyValue>) -> Result<ControllerEpoch, CampaignError> {
    let Some(counter) = counter else { return Ok(ControllerEpoch(0)) };
    let number = std::str::from_utf8(&counter.value).ok().and_then(|text| text.trim().parse().ok());
    number.filter(|&number: &i32| number >= 0).map(ControllerEpoch).ok_or_else(|| {
        CampaignError::DamagedEpoch(String::from_utf8_lossy(&counter.value).into_owned())
    })
}

fn next_epoch(counter: Option<&KeyValue>) -> Result<ControllerEpoch, CampaignError> {
    let ControllerEpoch(current) = current_epoch(counter)?;
    let next = current.checked_add(1);
    next.map(ControllerEpoch).ok_or_else(|| CampaignError::DamagedEpoch(current.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::ModRevision;

    fn counter(text: &'static str) -> KeyValue {
        KeyValue {
            key: "e".into(),
            value: text.into(),
            create_revision: CreateRevision(1),
            mod_revision: ModRevision(1),
            version: 1,
            lease: LeaseId::NONE,
        }
    }

    #[test]
    fn the_epoch_grows_from_nothing_and_never_wraps() {
        assert_eq!(next_epoch(None), Ok(ControllerEpoch(1)));
        assert_eq!(next_epoch(Some(&counter("41"))), Ok(ControllerEpoch(42)));
        for damaged in ["", "x", "-1", "2147483647", "2147483648"] {
            assert!(next_epoch(Some(&counter(damaged))).is_err(), "{damaged}");
        }
    }
}
