//! Produce requests that wait until the log, or all in-sync replicas, have their records.
//!
//! A request names several partitions and is answered once all of them have decided. Each partition
//! keeps its waiters in one queue sorted by offset, so that an advance releases a prefix of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use barnabas_protocol::state::ids::Offset;
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub use crate::partition::state::AckError;

/// One request's wait over all its partitions.
#[derive(Debug)]
pub struct AckTicket {
    remaining: AtomicUsize,
    failures: Mutex<Vec<(usize, AckError)>>,
    done: Mutex<Option<oneshot::Sender<()>>>,
}

impl AckTicket {
    /// A ticket that is held open until [`AckTicket::release`] is called once by its maker.
    #[must_use]
    pub fn new() -> (Arc<Self>, oneshot::Receiver<()>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = Self {
            remaining: AtomicUsize::new(1),
            failures: Mutex::new(Vec::new()),
            done: Mutex::new(Some(sender)),
        };
        (Arc::new(ticket), receiver)
    }

    /// One more partition takes part, as number `slot` of the request.
    #[must_use]
    pub fn wait_for(self: &Arc<Self>, slot: usize) -> Ack {
        self.remaining.fetch_add(1, Ordering::Relaxed);
        Ack { ticket: Arc::clone(self), slot, outcome: Err(AckError::NotLeader) }
    }

    /// Lets go of one hold; the last one wakes the request.
    pub fn release(&self) {
        if self.remaining.fetch_sub(1, Ordering::AcqRel) == 1
            && let Some(done) = self.done.lock().take()
        {
            // The connection may be gone; the records stay.
            let _ = done.send(());
        }
    }

    /// Partitions that failed after they accepted, by slot. Complete once the ticket is done.
    #[must_use]
    pub fn failures(&self) -> Vec<(usize, AckError)> {
        std::mem::take(&mut self.failures.lock())
    }
}

/// One partition's part in a request's wait. Dropping it without an answer counts as a lost
/// leadership: nothing is ever acknowledged by accident.
#[derive(Debug)]
pub struct Ack {
    ticket: Arc<AckTicket>,
    slot: usize,
    outcome: Result<(), AckError>,
}

impl Ack {
    /// The records are where the request wants them.
    pub fn succeed(mut self) {
        self.outcome = Ok(());
    }

    fn fail(mut self, error: AckError) {
        self.outcome = Err(error);
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Err(error) = self.outcome {
            self.ticket.failures.lock().push((self.slot, error));
        }
        self.ticket.release();
    }
}

/// The waiters of one partition, sorted by the offset that releases them.
#[derive(Debug, Default)]
pub struct AckQueue(VecDeque<(Offset, Ack)>);

impl AckQueue {
    /// Adds a waiter for everything below `end`.
    pub fn push(&mut self, end: Offset, ack: Ack) {
        let at = self.0.partition_point(|(other, _)| *other <= end);
        self.0.insert(at, (end, ack));
    }

    /// Answers the waiters that `reached` satisfies.
    pub fn release(&mut self, reached: Offset) {
        while self.0.front().is_some_and(|(end, _)| *end <= reached) {
            if let Some((_, ack)) = self.0.pop_front() {
                ack.succeed();
            }
        }
    }

    /// Answers the waiters for anything beyond `reached` with an error.
    pub fn fail_beyond(&mut self, reached: Offset, error: AckError) {
        let keep = self.0.partition_point(|(end, _)| *end <= reached);
        for (_, ack) in self.0.drain(keep..) {
            ack.fail(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_done_when_its_last_partition_is() {
        let (ticket, mut done) = AckTicket::new();
        let (mut one, mut two) = (AckQueue::default(), AckQueue::default());
        one.push(Offset(5), ticket.wait_for(0));
        two.push(Offset(9), ticket.wait_for(1));
        ticket.release();
        one.release(Offset(4));
        one.release(Offset(5));
        assert!(done.try_recv().is_err());
        two.fail_beyond(Offset(i64::MIN), AckError::Deleted);
        assert!(done.try_recv().is_ok());
        assert_eq!(ticket.failures(), vec![(1, AckError::Deleted)]);
    }

    #[test]
    fn waiters_are_released_in_the_order_of_their_offsets() {
        let (ticket, _done) = AckTicket::new();
        let mut queue = AckQueue::default();
        for (slot, end) in [7, 3, 5].into_iter().enumerate() {
            queue.push(Offset(end), ticket.wait_for(slot));
        }
        queue.release(Offset(6));
        let waiting: Vec<_> = queue.0.iter().map(|(end, _)| *end).collect();
        assert_eq!(waiting, vec![Offset(7)]);
    }

    #[test]
    fn a_failure_concerns_what_is_not_there() {
        let (ticket, _done) = AckTicket::new();
        let mut queue = AckQueue::default();
        for (slot, end) in [3, 5, 7].into_iter().enumerate() {
            queue.push(Offset(end), ticket.wait_for(slot));
        }
        queue.fail_beyond(Offset(5), AckError::Storage);
        assert_eq!(ticket.failures(), vec![(2, AckError::Storage)]);
        queue.fail_beyond(Offset(i64::MIN), AckError::NotLeader);
        assert_eq!(ticket.failures().len(), 2);
    }

    #[test]
    fn nothing_is_acknowledged_by_dropping_it() {
        let (ticket, mut done) = AckTicket::new();
        drop(ticket.wait_for(3));
        ticket.release();
        assert!(done.try_recv().is_ok());
        assert_eq!(ticket.failures(), vec![(3, AckError::NotLeader)]);
    }
}
