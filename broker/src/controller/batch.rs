//! Changes packed into transactions, and conflicts read back. Pure.
//!
//! A set becomes pieces, each as much of it as one transaction takes; a batch is the pieces, of
//! different sets, that share a transaction.

use std::collections::{BTreeMap, VecDeque};

use barnabas_coordinator_client::{CreateRevision, Expect, KeyValue, Txn};
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use bytes::Bytes;

use crate::metadata::Revision;

/// An upper bound of the bytes that the guard and the registrations take in a transaction.
const GUARD_BYTES: usize = 16 * 1024;

/// A key's change in etcd's terms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Write {
    pub(super) key: Bytes,
    pub(super) expected: Expect,
    pub(super) action: WriteAction,
    /// Registrations that the value names.
    pub(super) brokers: Vec<(BrokerId, BrokerEpoch)>,
}

/// What happens to the key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WriteAction {
    Put(Bytes),
    Delete,
    Keep,
}

/// As much of one set as one transaction takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Piece {
    /// The set's position in the request.
    pub(super) set: usize,
    writes: Vec<Write>,
    load: Load,
}

/// The pieces of one transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Batch {
    pieces: Vec<Piece>,
    load: Load,
}

/// What every transaction of a term expects before anything else, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Guard {
    /// The controller's key is the one of this term.
    pub(super) term: CreateRevision,
    /// Nobody has counted a restore of etcd since the view of the plan.
    pub(super) restored: Expect,
}

/// What counts against etcd's limits.
#[derive(Clone, Debug, Default, PartialEq)]
struct Load {
    brokers: BTreeMap<BrokerId, BrokerEpoch>,
    writes: usize,
    bytes: usize,
}

/// What a conflict is about.
#[derive(Debug, PartialEq)]
pub(super) enum Blame {
    /// Another controller, or none.
    Term,
    /// These pieces, each with the newest revision among its keys; the others may be sent again as
    /// they are.
    Pieces { blamed: Vec<(Piece, Revision)>, innocent: Vec<Piece> },
}

impl Write {
    fn load(&self) -> Load {
        let value = if let WriteAction::Put(value) = &self.action { value.len() } else { 0 };
        // The key is sent in the compare, in the write, and in the read of the other branch.
        let bytes = 3 * self.key.len() + value + 100;
        Load { brokers: self.brokers.iter().copied().collect(), writes: 1, bytes }
    }

    /// Whether it fits into a transaction by itself.
    pub(super) fn fits(&self) -> bool {
        self.load().bytes <= Txn::MAX_BYTES - GUARD_BYTES
    }

    fn holds(&self, found: Option<&KeyValue>) -> bool {
        holds(self.expected, found)
    }
}

fn holds(expected: Expect, found: Option<&KeyValue>) -> bool {
    match (expected, found) {
        (Expect::Absent, found) => found.is_none(),
        (_, None) => false,
        (Expect::ModRevision(at), Some(found)) => found.mod_revision == at,
        (Expect::CreateRevision(at), Some(found)) => found.create_revision == at,
    }
}

impl Guard {
    const EXPECTS: usize = 2;

    fn add_to(self, keys: &Keys, txn: Txn) -> Txn {
        txn.expect(keys.controller(), Expect::CreateRevision(self.term))
            .expect(keys.restored(), self.restored)
    }

    /// Whether the term goes on. `current` are the expected keys of a conflict.
    fn is_in_office(self, current: &[Option<KeyValue>]) -> bool {
        current
            .first()
            .is_some_and(|found| holds(Expect::CreateRevision(self.term), found.as_ref()))
    }
}

impl Load {
    /// Whether both fit into one transaction, besides the guard.
    fn fits(&self, other: &Self) -> bool {
        let new = other.brokers.keys().filter(|id| !self.brokers.contains_key(id)).count();
        let expects = Guard::EXPECTS + self.brokers.len() + new + self.writes + other.writes;
        // Two epochs of one broker in one transaction could never be applied.
        let agree = other
            .brokers
            .iter()
            .all(|(id, epoch)| self.brokers.get(id).is_none_or(|present| present == epoch));
        agree && expects <= Txn::MAX_OPS && self.bytes + other.bytes <= Txn::MAX_BYTES / 2
    }

    fn add(&mut self, other: Self) {
        self.brokers.extend(other.brokers);
        self.writes += other.writes;
        self.bytes += other.bytes;
    }
}

impl Piece {
    /// Changes what the last write expects.
    pub(super) fn expect_last(&mut self, expected: Expect) {
        if let Some(last) = self.writes.last_mut() {
            last.expected = expected;
        }
    }
}

/// Cuts a set into pieces that fit into a transaction each, in order.
pub(super) fn pieces(set: usize, writes: impl Iterator<Item = Write>) -> VecDeque<Piece> {
    let mut pieces = VecDeque::<Piece>::new();
    for write in writes {
        let load = write.load();
        match pieces.back_mut() {
            Some(piece) if piece.load.fits(&load) => {
                piece.load.add(load);
                piece.writes.push(write);
            }
            _ => pieces.push_back(Piece { set, writes: vec![write], load }),
        }
    }
    pieces
}

/// Puts pieces into as few transactions as their order allows.
pub(super) fn packed(pieces: impl Iterator<Item = Piece>) -> Vec<Batch> {
    let mut batches = Vec::<Batch>::new();
    for piece in pieces {
        match batches.last_mut() {
            Some(batch) if batch.load.fits(&piece.load) => batch.push(piece),
            _ => {
                let mut batch = Batch::default();
                batch.push(piece);
                batches.push(batch);
            }
        }
    }
    batches
}

impl Batch {
    fn push(&mut self, piece: Piece) {
        self.load.add(piece.load.clone());
        self.pieces.push(piece);
    }

    fn writes(&self) -> impl Iterator<Item = &Write> {
        self.pieces.iter().flat_map(|piece| &piece.writes)
    }

    /// The sets that the pieces are of.
    pub(super) fn sets(&self) -> impl Iterator<Item = usize> {
        self.pieces.iter().map(|piece| piece.set)
    }

    /// The transaction. It expects the guard, then the registrations, then the keys.
    pub(super) fn txn(&self, keys: &Keys, guard: Guard) -> Txn {
        let mut txn = guard.add_to(keys, Txn::new());
        for (id, epoch) in &self.load.brokers {
            let current = Expect::CreateRevision(CreateRevision(epoch.0));
            txn = txn.expect(keys.broker(*id), current);
        }
        for write in self.writes() {
            txn = txn.expect(write.key.clone(), write.expected);
            txn = match &write.action {
                WriteAction::Put(value) => txn.put(write.key.clone(), value.clone()),
                WriteAction::Delete => txn.delete(write.key.clone()),
                WriteAction::Keep => txn,
            };
        }
        txn
    }

    /// Whether an earlier attempt was applied, and at which revision (0 = unknown). A batch is
    /// applied as a whole, so one value that only this batch writes is proof. That keys are gone is
    /// proof only if nothing is written and this is still the controller: nobody else deletes them.
    /// `current` are the expected keys of the conflict.
    pub(super) fn recognised(
        &self,
        guard: Guard,
        current: &[Option<KeyValue>],
    ) -> Option<Revision> {
        let keys = current.iter().skip(Guard::EXPECTS + self.load.brokers.len());
        let puts = self.writes().any(|write| matches!(write.action, WriteAction::Put(_)));
        let deletes = !puts && guard.is_in_office(current);
        self.writes().zip(keys).find_map(|(write, found)| match (&write.action, found) {
            // A value that was there before, and is to be written again, says nothing.
            (WriteAction::Put(value), Some(now))
                if now.value == *value && !write.holds(found.as_ref()) =>
            {
                Some(Revision(now.mod_revision.0))
            }
            (WriteAction::Delete, None) if deletes => Some(Revision(0)),
            _ => None,
        })
    }

    /// Says which pieces a conflict is about. `current` are the expected keys, the guard first.
    pub(super) fn blame(self, guard: Guard, current: &[Option<KeyValue>]) -> Blame {
        if !guard.is_in_office(current) {
            return Blame::Term;
        }
        let restored = current.get(1).and_then(Option::as_ref);
        if !holds(guard.restored, restored) {
            // Everything has to be planned anew, on a view that knows of the restore.
            let newest = Revision(restored.map_or(0, |found| found.mod_revision.0));
            let blamed = self.pieces.into_iter().map(|piece| (piece, newest)).collect();
            return Blame::Pieces { blamed, innocent: Vec::new() };
        }
        let registered: BTreeMap<_, _> = self
            .load
            .brokers
            .keys()
            .zip(&current[Guard::EXPECTS..])
            .filter_map(|(id, found)| Some((*id, BrokerEpoch(found.as_ref()?.create_revision.0))))
            .collect();
        let mut keys = current.iter().skip(Guard::EXPECTS + self.load.brokers.len());
        let (mut blamed, mut innocent) = (Vec::new(), Vec::new());
        for piece in self.pieces {
            let own: Vec<_> = keys.by_ref().take(piece.writes.len()).collect();
            let expected =
                |(write, found): (&Write, &&Option<KeyValue>)| write.holds(found.as_ref());
            let lives = |(id, epoch)| registered.get(id) == Some(epoch);
            if piece.load.brokers.iter().all(lives) && piece.writes.iter().zip(&own).all(expected) {
                innocent.push(piece);
            } else {
                let newest = own.iter().filter_map(|found| Some(found.as_ref()?.mod_revision.0));
                let newest = Revision(newest.max().unwrap_or(0));
                blamed.push((piece, newest));
            }
        }
        Blame::Pieces { blamed, innocent }
    }
}

#[cfg(test)]
mod tests;
