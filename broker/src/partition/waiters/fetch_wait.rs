//! Fetch requests that wait for more records (`fetch.min.bytes`, `fetch.max.wait.ms`).
//!
//! A waiting request leaves a handle at each of its partitions. The first one that advances takes
//! all handles it has and wakes them; the request looks again and, if need be, leaves its handle
//! anew.

use std::sync::Arc;

use tokio::sync::Notify;

/// A waiting request's handle.
pub type FetchWaiter = Arc<Notify>;

/// The requests that wait at one partition.
#[derive(Debug, Default)]
pub struct FetchWaiters(Vec<FetchWaiter>);

impl FetchWaiters {
    /// Leaves a handle.
    pub fn register(&mut self, waiter: &FetchWaiter) {
        self.0.push(Arc::clone(waiter));
    }

    /// Takes a handle back, when its request was answered otherwise.
    pub fn deregister(&mut self, waiter: &FetchWaiter) {
        self.0.retain(|other| !Arc::ptr_eq(other, waiter));
    }

    /// Wakes everyone who waits.
    pub fn wake(&mut self) {
        // A request that is not yet asleep finds the permit when it goes to sleep.
        self.0.drain(..).for_each(|waiter| waiter.notify_one());
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

    use super::*;
    use crate::partition::state::Assignment;
    use crate::partition::testing::{alone, leader};

    /// A request that looked before the change would not be woken by it.
    #[test]
    fn nobody_waits_where_leadership_has_changed_meanwhile() {
        let dir = tempfile::tempdir().expect("a directory");
        let (_store, partition) = leader(dir.path());
        let waiter = FetchWaiter::default();
        let waits = |epoch| partition.wait_past(Offset(0), LeaderEpoch(epoch), &waiter);
        partition.assign(alone(3));
        assert!(waits(3) && waits(-1));
        partition.assign(alone(4));
        assert!(!waits(3), "the client has to be told of the new epoch");
        assert!(waits(4) && waits(-1));
        partition.assign(Assignment::Offline);
        assert!(!waits(4) && !waits(-1));
    }
}
