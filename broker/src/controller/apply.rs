//! Change sets → fenced transactions.
//!
//! Small sets share a transaction, large ones take several, one after the other and their opening
//! first; independent transactions are in flight together. Every transaction carries the
//! controller's guard, the registrations that its values name and the expected revision of each key
//! it touches, so that it is applied exactly where the plan's view still holds.
//!
//! **A transaction whose reply was lost** may have been applied, or may still be. It is settled by
//! sending it again: guarded by the keys that it writes, only one of the two can be applied. The
//! other one conflicts, and a conflict is answered with the keys as they are now: if one of them is
//! what this transaction leaves behind, it was ours.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use barnabas_coordinator_client::{
    Client, Expect, KeyValue, Leadership, ModRevision, TxnError, TxnOutcome,
};
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use futures_util::{StreamExt, stream};

use super::batch::{Batch, Blame, Guard, Piece, Write, WriteAction, packed, pieces};
use super::encode::{self, Stamp};
use super::plan::{Action, Change, ChangeSet, Expected};
use crate::metadata::Revision;

/// Transactions in flight together.
const IN_FLIGHT: usize = 8;

/// Pause before a transaction is sent again.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// What became of a change set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is written; an image of this revision shows it.
    Written(Revision),
    /// A key was not as expected: plan anew when an image shows this revision (0 = a key is gone).
    Conflict(Revision),
    /// This broker is not the controller any more.
    Deposed,
    /// etcd gave no answer in time: it may be written, or may yet be.
    Unknown,
    /// One of its values is more than etcd takes: nothing of the set is written.
    TooLarge,
}

/// Writes for one term as controller.
pub(super) struct FencedWriter {
    client: Client,
    keys: Keys,
    leadership: Leadership,
    broker: BrokerId,
    broker_epoch: BrokerEpoch,
    sequence: AtomicI64,
}

/// How a transaction ended.
enum Sent {
    Committed(Revision),
    Conflict(Vec<Option<KeyValue>>),
    Unknown,
}

/// The sets that are being written.
#[derive(Default)]
struct Progress {
    waiting: Vec<VecDeque<Piece>>,
    /// Whether the first piece of the set is its opening, and not written yet.
    opening: Vec<bool>,
    outcomes: Vec<Outcome>,
}

impl FencedWriter {
    pub(super) fn new(
        client: Client,
        keys: Keys,
        leadership: Leadership,
        broker: BrokerId,
        broker_epoch: BrokerEpoch,
    ) -> Self {
        Self { client, keys, leadership, broker, broker_epoch, sequence: AtomicI64::new(0) }
    }

    /// Writes the sets; one outcome for each, in order. No key may be in two of them.
    /// `restored` is the revision of the restore count in the view that they were planned on.
    pub(super) async fn write(
        &self,
        sets: &[ChangeSet],
        restored: Revision,
        deadline: Instant,
    ) -> Vec<Outcome> {
        let restored = expect(restored.into());
        let guard = Guard { term: self.leadership.create_revision, restored };
        let mut progress = Progress::default();
        for set in sets {
            let writes = set.changes.iter().map(|change| self.encode(change)).collect();
            progress.add(writes, set.opening.as_ref().map(|opening| self.encode(opening)));
        }
        loop {
            let batches = packed(progress.waiting.iter_mut().filter_map(VecDeque::pop_front));
            if batches.is_empty() {
                return progress.outcomes;
            }
            let sent =
                stream::iter(batches.into_iter().map(|batch| self.send(batch, guard, deadline)));
            let mut sent = sent.buffer_unordered(IN_FLIGHT);
            while let Some((batch, result)) = sent.next().await {
                progress.settle(guard, batch, result);
            }
        }
    }

    fn encode(&self, change: &Change) -> Write {
        let action = match &change.action {
            Action::Put(value) => {
                let stamp = Stamp {
                    broker: self.broker,
                    broker_epoch: self.broker_epoch,
                    controller_epoch: self.leadership.epoch,
                    sequence: self.sequence.fetch_add(1, Ordering::Relaxed),
                };
                WriteAction::Put(encode::value(value, &stamp).into())
            }
            Action::Delete => WriteAction::Delete,
            Action::Keep => WriteAction::Keep,
        };
        let expected = expect(change.expected);
        let key = encode::key(&self.keys, &change.key).into();
        Write { key, expected, action, brokers: change.registrations.clone() }
    }

    /// Sends a batch until its fate is known or the deadline is over.
    async fn send(&self, batch: Batch, guard: Guard, deadline: Instant) -> (Batch, Sent) {
        let mut in_doubt = false;
        loop {
            match self.client.txn(batch.txn(&self.keys, guard)).await {
                Ok(TxnOutcome::Committed { revision }) => {
                    return (batch, Sent::Committed(revision));
                }
                Ok(TxnOutcome::Conflict { current, .. }) => {
                    let own = in_doubt.then(|| batch.recognised(guard, &current)).flatten();
                    return (batch, own.map_or(Sent::Conflict(current), Sent::Committed));
                }
                Err(TxnError::Indeterminate(reason)) => {
                    tracing::warn!(reason, "a write of the controller got no reply");
                    in_doubt = true;
                }
                Err(TxnError::Unavailable(reason)) => {
                    tracing::warn!(reason, "a write of the controller did not reach etcd");
                }
                Err(TxnError::Rejected(rejection)) => {
                    tracing::error!(%rejection, "etcd refuses a write of the controller");
                    return (batch, Sent::Unknown);
                }
            }
            if crate::env::now() + RETRY_PAUSE >= deadline {
                return (batch, Sent::Unknown);
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

fn expect(expected: Expected) -> Expect {
    match expected {
        Expected::Absent => Expect::Absent,
        Expected::At(revision) => Expect::ModRevision(ModRevision(revision.0)),
    }
}

impl Progress {
    fn add(&mut self, writes: Vec<Write>, opening: Option<Write>) {
        let fits = writes.iter().all(Write::fits);
        let mut waiting = VecDeque::new();
        if fits {
            waiting = pieces(self.waiting.len(), writes.into_iter());
        }
        let opening = opening.filter(|_| waiting.len() > 1);
        self.opening.push(opening.is_some());
        if let Some(opening) = opening {
            let mut first = pieces(self.waiting.len(), std::iter::once(opening));
            first.append(&mut waiting);
            waiting = first;
        }
        self.waiting.push(waiting);
        let unwritten = Outcome::Written(Revision(0));
        self.outcomes.push(if fits { unwritten } else { Outcome::TooLarge });
    }

    fn written(&mut self, set: usize, revision: Revision) {
        self.outcomes[set] = Outcome::Written(revision);
        if std::mem::take(&mut self.opening[set])
            && let Some(last) = self.waiting[set].back_mut()
        {
            last.expect_last(Expect::ModRevision(ModRevision(revision.0)));
        }
    }

    /// Takes the result of a batch over to its sets: next piece, same piece again, or failed.
    fn settle(&mut self, guard: Guard, batch: Batch, result: Sent) {
        match result {
            Sent::Committed(revision) => {
                batch.sets().for_each(|set| self.written(set, revision));
            }
            Sent::Unknown => batch.sets().for_each(|set| self.fail(set, Outcome::Unknown)),
            Sent::Conflict(current) => {
                let sets: Vec<_> = batch.sets().collect();
                match batch.blame(guard, &current) {
                    Blame::Term => {
                        sets.into_iter().for_each(|set| self.fail(set, Outcome::Deposed));
                    }
                    // A conflict must name a piece; if it does not, fail rather than retry for
                    // ever.
                    Blame::Pieces { blamed, .. } if blamed.is_empty() => {
                        sets.into_iter()
                            .for_each(|set| self.fail(set, Outcome::Conflict(Revision(0))));
                    }
                    Blame::Pieces { blamed, innocent } => {
                        for (piece, newest) in blamed {
                            self.fail(piece.set, Outcome::Conflict(newest));
                        }
                        for piece in innocent {
                            self.waiting[piece.set].push_front(piece);
                        }
                    }
                }
            }
        }
    }

    fn fail(&mut self, set: usize, outcome: Outcome) {
        self.outcomes[set] = outcome;
        self.waiting[set].clear();
    }
}
