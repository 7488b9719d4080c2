//! The changes of one shard on their way to etcd, by the requests that wait for them. Pure.

use std::collections::HashMap;

use barnabas_coordinator_client::{ModRevision, Txn, TxnOutcome};
use bytes::Bytes;

use super::claim::Fence;
use super::error::WriteError;
use super::write_queue::{Change, ChangeId, Outcome, Progress, WriteQueue};

/// The changes of one shard. `E` is what becomes true in memory when a change is written, `R` is
/// who waits for it.
#[derive(Debug)]
pub(crate) struct Writes<E, R> {
    queue: WriteQueue<E>,
    tickets: HashMap<u64, Ticket<R>>,
    last_ticket: u64,
}

/// A request that waits for its changes.
#[derive(Debug)]
struct Ticket<R> {
    reply: R,
    /// By the index of the change. `None` while a change is under way.
    results: Vec<Option<Result<(), WriteError>>>,
    left: usize,
    released: bool,
}

/// A request whose changes are all written or have failed.
#[derive(Debug)]
pub(crate) struct Finished<R> {
    pub(crate) reply: R,
    /// One for each change, in the order of the request.
    pub(crate) results: Vec<Result<(), WriteError>>,
    /// The shard was released since: only the reply is left to do.
    pub(crate) released: bool,
}

/// What follows from the outcome of a transaction.
#[derive(Debug)]
pub(super) enum Step<E, R> {
    /// The same batch has to be sent again, as this transaction.
    Resend(Txn),
    /// The batch is over.
    Done { effects: Vec<E>, finished: Vec<Finished<R>>, error: Option<WriteError> },
}

impl<E, R> Default for Writes<E, R> {
    fn default() -> Self {
        Self { queue: WriteQueue::default(), tickets: HashMap::new(), last_ticket: 0 }
    }
}

impl<E, R> Writes<E, R> {
    /// Adds the changes of a request. There must be at least one, or nobody replies.
    pub(crate) fn push(&mut self, reply: R, changes: Vec<Change<E>>) {
        self.last_ticket += 1;
        let (ticket, left) = (self.last_ticket, changes.len());
        let results = vec![None; left];
        self.tickets.insert(ticket, Ticket { reply, results, left, released: false });
        for (index, change) in changes.into_iter().enumerate() {
            self.queue.push(ChangeId { ticket, index }, change);
        }
    }

    /// The effects of all changes that are under way.
    pub(crate) fn effects(&self) -> impl Iterator<Item = &E> {
        self.queue.effects()
    }

    /// Learns the revision of a key that was read.
    pub(super) fn learn(&mut self, key: Bytes, revision: ModRevision) {
        self.queue.learn(key, revision);
    }

    /// The next transaction, if there is something to write and none is in flight.
    pub(super) fn next(&mut self, fence: impl FnOnce() -> Fence) -> Option<Txn> {
        self.queue.next(fence)
    }

    /// Takes in the outcome of the transaction in flight.
    pub(super) fn done(&mut self, result: Result<TxnOutcome, WriteError>) -> Step<E, R> {
        match self.queue.done(result) {
            Progress::Resend(txn) => Step::Resend(txn),
            Progress::Done { effects, outcomes, error } => {
                Step::Done { effects, finished: self.finish(outcomes), error }
            }
        }
    }

    /// Fails all changes that are not in flight.
    pub(super) fn fail_waiting(&mut self, error: &WriteError) -> Vec<Finished<R>> {
        let outcomes = self.queue.fail_waiting(error);
        self.finish(outcomes)
    }

    /// Fails all changes that are not in flight, does not repeat the one that is, and forgets what
    /// is known of all keys.
    pub(super) fn release(&mut self) -> Vec<Finished<R>> {
        for ticket in self.tickets.values_mut() {
            ticket.released = true;
        }
        self.queue.abandon();
        self.fail_waiting(&WriteError::Fenced)
    }

    fn finish(&mut self, outcomes: Vec<Outcome>) -> Vec<Finished<R>> {
        let mut finished = Vec::new();
        for (ChangeId { ticket: number, index }, result) in outcomes {
            let Some(ticket) = self.tickets.get_mut(&number) else { continue };
            ticket.results[index] = Some(result);
            ticket.left -= 1;
            if ticket.left == 0
                && let Some(Ticket { reply, results, released, .. }) = self.tickets.remove(&number)
            {
                let results = results.into_iter().flatten().collect();
                finished.push(Finished { reply, results, released });
            }
        }
        finished
    }
}
