//! Which changes of keys go to etcd in which transaction. Pure: it builds transactions and reads
//! their outcomes.
//!
//! ```text
//!  push ▶ waiting (one entry for each key) ▶ one batch in flight (≤ 118 keys) ▶ outcomes
//! ```
//! One batch at a time keeps the order of changes of a key. A change of a key that already waits
//! replaces the waiting value, and both changes get the outcome of the later one. A batch compares
//! the fence and the revision of each of its keys. While the fence holds nobody else writes these
//! keys: a key that is not as it was known has been written by an earlier transaction of this queue
//! whose reply was lost, so the batch is sent again with the revision found.

use std::collections::{HashMap, VecDeque};

use barnabas_coordinator_client::{Expect, KeyValue, ModRevision, Txn, TxnOutcome};
use bytes::Bytes;

use super::claim::Fence;
use super::error::WriteError;

/// Compares in a batch besides the fence: one for each key and for each condition.
const MAX_COMPARES: usize = Txn::MAX_OPS - Fence::COMPARES;

/// Bytes in a batch after which no more keys are added.
const ENOUGH_BYTES: usize = 256 * 1024;

/// How often a batch is sent with the revisions found before its changes fail.
const ATTEMPTS: u32 = 5;

/// Names a change: the request that wants it, and its index among the changes of that request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChangeId {
    pub(super) ticket: u64,
    pub(super) index: usize,
}

/// One key to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change<E> {
    pub(crate) key: Bytes,
    /// The new value. `None` deletes the key.
    pub(crate) value: Option<Bytes>,
    /// The change is made only if this holds.
    pub(crate) condition: Option<Condition>,
    /// What becomes true in memory once the change is written.
    pub(crate) effect: E,
}

/// What another key must be for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) key: Bytes,
    pub(crate) expect: Expect,
}

impl Condition {
    /// Whether the key, as a conflict shows it, is as expected.
    fn holds(&self, found: Option<&KeyValue>) -> bool {
        match (self.expect, found) {
            (Expect::Absent, found) => found.is_none(),
            (Expect::ModRevision(revision), found) => {
                found.is_some_and(|kv| kv.mod_revision == revision)
            }
            (Expect::CreateRevision(revision), found) => {
                found.is_some_and(|kv| kv.create_revision == revision)
            }
        }
    }
}

/// The result of a change.
pub(super) type Outcome = (ChangeId, Result<(), WriteError>);

/// What follows from the outcome of a transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress<E> {
    /// The same batch has to be sent again, as this transaction.
    Resend(Txn),
    /// The batch is over. `error` is why it failed as a whole, if it did.
    Done { effects: Vec<E>, outcomes: Vec<Outcome>, error: Option<WriteError> },
}

/// The changes of one shard on their way to etcd.
#[derive(Debug)]
pub(super) struct WriteQueue<E> {
    revisions: HashMap<Bytes, ModRevision>,
    waiting: HashMap<Bytes, Pending<E>>,
    /// The keys of `waiting`, oldest first.
    order: VecDeque<Bytes>,
    in_flight: Option<Batch<E>>,
}

/// The last change of a key, and all changes that get its outcome.
#[derive(Debug)]
struct Pending<E> {
    change: Change<E>,
    ids: Vec<ChangeId>,
}

#[derive(Debug)]
struct Batch<E> {
    /// In the order of the transaction.
    keys: Vec<Pending<E>>,
    fence: Fence,
    attempts: u32,
    /// The shard was released: the batch is not sent again and has no effects.
    abandoned: bool,
    /// Outcomes of changes that were taken out of the batch.
    outcomes: Vec<Outcome>,
}

impl<E> Default for WriteQueue<E> {
    fn default() -> Self {
        Self {
            revisions: HashMap::new(),
            waiting: HashMap::new(),
            order: VecDeque::new(),
            in_flight: None,
        }
    }
}

impl<E> WriteQueue<E> {
    /// Learns the revision of a key that was read.
    pub(super) fn learn(&mut self, key: Bytes, revision: ModRevision) {
        self.revisions.insert(key, revision);
    }

    /// The effects of all changes that wait or are in flight.
    pub(super) fn effects(&self) -> impl Iterator<Item = &E> {
        let in_flight = self.in_flight.iter().flat_map(|batch| &batch.keys);
        in_flight.chain(self.waiting.values()).map(|pending| &pending.change.effect)
    }

    /// Adds a change, in place of a waiting change of the same key.
    pub(super) fn push(&mut self, id: ChangeId, change: Change<E>) {
        if let Some(pending) = self.waiting.get_mut(&change.key) {
            pending.change = change;
            pending.ids.push(id);
        } else {
            self.order.push_back(change.key.clone());
            self.waiting.insert(change.key.clone(), Pending { change, ids: vec![id] });
        }
    }

    /// The next transaction, if there is something to write and none is in flight.
    pub(super) fn next(&mut self, fence: impl FnOnce() -> Fence) -> Option<Txn> {
        if self.in_flight.is_some() || self.order.is_empty() {
            return None;
        }
        let mut batch = Batch {
            keys: Vec::new(),
            fence: fence(),
            attempts: 0,
            abandoned: false,
            outcomes: Vec::new(),
        };
        let (mut bytes, mut conditions) = (0, Vec::new());
        while let Some(key) = self.order.front() {
            let Some(pending) = self.waiting.get(key) else { break };
            let change = &pending.change;
            bytes += key.len() + change.value.as_ref().map_or(0, Bytes::len);
            conditions.extend(change.condition.clone().filter(|own| !conditions.contains(own)));
            let compares = batch.keys.len() + 1 + conditions.len();
            if !batch.keys.is_empty() && (compares > MAX_COMPARES || bytes > ENOUGH_BYTES) {
                break;
            }
            let Some(key) = self.order.pop_front() else { break };
            batch.keys.extend(self.waiting.remove(&key));
        }
        let txn = self.txn(&batch);
        self.in_flight = Some(batch);
        Some(txn)
    }

    fn txn(&self, batch: &Batch<E>) -> Txn {
        let mut txn = batch.fence.guard(Txn::new());
        for Change { key, value, .. } in batch.changes() {
            let known = self.revisions.get(key).copied();
            txn = txn.expect(key.clone(), known.map_or(Expect::Absent, Expect::ModRevision));
            txn = match value {
                Some(value) => txn.put(key.clone(), value.clone()),
                None => txn.delete(key.clone()),
            };
        }
        for Condition { key, expect } in batch.conditions() {
            txn = txn.expect(key.clone(), *expect);
        }
        txn
    }

    /// Reads the outcome of the transaction in flight.
    pub(super) fn done(&mut self, result: Result<TxnOutcome, WriteError>) -> Progress<E> {
        let Some(batch) = self.in_flight.take() else {
            return Progress::Done { effects: Vec::new(), outcomes: Vec::new(), error: None };
        };
        match result {
            Ok(TxnOutcome::Committed { .. }) if batch.abandoned => batch.written(false),
            Ok(TxnOutcome::Conflict { .. }) if batch.abandoned => batch.failed(WriteError::Fenced),
            Ok(TxnOutcome::Committed { revision }) => {
                self.learn_written(&batch, ModRevision(revision.0));
                batch.written(true)
            }
            Ok(TxnOutcome::Conflict { current, .. }) => self.conflict(batch, &current),
            Err(error) => batch.failed(error),
        }
    }

    fn learn_written(&mut self, batch: &Batch<E>, revision: ModRevision) {
        for Change { key, value, .. } in batch.changes() {
            if value.is_some() {
                self.revisions.insert(key.clone(), revision);
            } else {
                self.revisions.remove(key);
            }
        }
    }

    /// Some compare of the batch failed; `current` are the compared keys as they are.
    fn conflict(&mut self, mut batch: Batch<E>, current: &[Option<KeyValue>]) -> Progress<E> {
        if batch.fence.is_broken(current) {
            return batch.failed(WriteError::Fenced);
        }
        let found = current.get(Fence::COMPARES..).unwrap_or_default();
        for (Change { key, .. }, found) in batch.changes().zip(found) {
            match found {
                Some(found) => self.revisions.insert(key.clone(), found.mod_revision),
                None => self.revisions.remove(key),
            };
        }
        batch.drop_refuted(found.get(batch.keys.len()..).unwrap_or_default());
        batch.attempts += 1;
        if batch.keys.is_empty() {
            return batch.written(true);
        }
        if batch.attempts == ATTEMPTS {
            return batch.failed(WriteError::Contended);
        }
        let txn = self.txn(&batch);
        self.in_flight = Some(batch);
        Progress::Resend(txn)
    }

    /// Fails all changes that wait.
    pub(super) fn fail_waiting(&mut self, error: &WriteError) -> Vec<Outcome> {
        let waiting = &mut self.waiting;
        let pending = self.order.drain(..).filter_map(|key| waiting.remove(&key));
        pending.flat_map(|pending| pending.ids).map(|id| (id, Err(error.clone()))).collect()
    }

    /// Gives up on sending the batch in flight again, and forgets what is known of all keys.
    pub(super) fn abandon(&mut self) {
        self.revisions.clear();
        if let Some(batch) = &mut self.in_flight {
            batch.abandoned = true;
        }
    }
}

impl<E> Batch<E> {
    fn changes(&self) -> impl Iterator<Item = &Change<E>> {
        self.keys.iter().map(|pending| &pending.change)
    }

    /// The conditions of the changes, each once, in the order of the transaction.
    fn conditions(&self) -> Vec<&Condition> {
        let mut distinct = Vec::new();
        for condition in self.changes().filter_map(|change| change.condition.as_ref()) {
            if !distinct.contains(&condition) {
                distinct.push(condition);
            }
        }
        distinct
    }

    /// Takes out the changes whose conditions do not hold; `found` are the keys of the conditions.
    fn drop_refuted(&mut self, found: &[Option<KeyValue>]) {
        let refuted = |(condition, found): (&Condition, &Option<KeyValue>)| {
            (!condition.holds(found.as_ref())).then(|| condition.clone())
        };
        let refuted: Vec<_> =
            self.conditions().into_iter().zip(found).filter_map(refuted).collect();
        let is_refuted = |pending: &mut Pending<E>| {
            pending.change.condition.as_ref().is_some_and(|own| refuted.contains(own))
        };
        let gone = self.keys.extract_if(.., is_refuted).flat_map(|pending| pending.ids);
        self.outcomes.extend(gone.map(|id| (id, Err(WriteError::Refuted))));
    }

    fn written(self, with_effects: bool) -> Progress<E> {
        let (mut effects, mut outcomes) = (Vec::new(), self.outcomes);
        for Pending { change, ids } in self.keys {
            outcomes.extend(ids.into_iter().map(|id| (id, Ok(()))));
            if with_effects {
                effects.push(change.effect);
            }
        }
        Progress::Done { effects, outcomes, error: None }
    }

    fn failed(self, error: WriteError) -> Progress<E> {
        let ids = self.keys.into_iter().flat_map(|pending| pending.ids);
        let mut outcomes = self.outcomes;
        outcomes.extend(ids.map(|id| (id, Err(error.clone()))));
        Progress::Done { effects: Vec::new(), outcomes, error: Some(error) }
    }
}

#[cfg(test)]
mod tests;
