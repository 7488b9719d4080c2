//! Requests that wait for a partition: produce requests for replicas, fetch requests for records.

pub mod acks;
pub mod fetch_wait;

use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

use self::acks::{Ack, AckQueue};
use self::fetch_wait::{FetchWaiter, FetchWaiters};
use super::state::{Bounds, Commands};
use super::{Acks, Partition};

/// Everyone who waits for one partition.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    acks_leader: AckQueue,
    acks_all: AckQueue,
    fetches: FetchWaiters,
}

impl Waiters {
    /// Waits for records below `end` to be where `acks` wants them. Those of a duplicate may be
    /// there already.
    pub(super) fn wait(&mut self, acks: Acks, end: Offset, ack: Ack, bounds: Bounds) {
        let (queue, reached) = match acks {
            Acks::None | Acks::Leader => (&mut self.acks_leader, bounds.log_end),
            Acks::All => (&mut self.acks_all, bounds.high_watermark),
        };
        queue.push(end, ack);
        queue.release(reached);
    }

    /// Tells those who wait what a decision means for them.
    pub(super) fn carry_out(&mut self, commands: Commands) {
        let Commands { written, committed, failed, wake_fetches } = commands;
        if let Some(written) = written {
            self.acks_leader.release(written);
        }
        if let Some(committed) = committed {
            self.acks_all.release(committed);
        }
        if let Some(failed) = failed {
            self.acks_leader.fail_beyond(failed.from, failed.error);
            self.acks_all.fail_beyond(failed.from, failed.error);
        }
        if wake_fetches {
            self.fetches.wake();
        }
    }
}

impl Partition {
    /// Leaves a fetch request's handle, to be woken when the high watermark passes `seen` or
    /// leadership changes. Returns false, leaving nothing, when that has happened already: also
    /// where this broker does not lead (any more), in the epoch that the request names.
    #[must_use]
    pub fn wait_past(&self, seen: Offset, requested: LeaderEpoch, waiter: &FetchWaiter) -> bool {
        let mut locked = self.locked.lock();
        let unchanged = locked.state.bounds().high_watermark == seen
            && locked.state.check_leadership(requested).is_ok();
        if unchanged {
            locked.waiters.fetches.register(waiter);
        }
        unchanged
    }

    /// Takes a fetch request's handle back.
    pub fn stop_waiting(&self, waiter: &FetchWaiter) {
        self.locked.lock().waiters.fetches.deregister(waiter);
    }
}
