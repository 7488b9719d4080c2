//! The memory that requests in flight may take together (`queued.max.request.bytes`).
//!
//! A connection is charged for bytes as they arrive, never for a length that it only announces. The
//! charge is returned when the request is answered. When the budget is used up, connections stop
//! reading, and TCP slows the clients down. Two rules prevent a deadlock:
//!
//! * Small frames have an eighth for themselves, so that a few large ones do not stop everybody
//!   else.
//! * Large frames pay step by step, and could wait for each other for ever. So one of those that
//!   wait may overdraw: it is read to its end, whatever is left. Frames larger than all of the
//!   budget get in this way, too.
//!
//! Memory is bounded by the budget plus one frame of `socket.request.max.bytes`. While connections
//! wait for the budget, connections whose frame makes no progress are closed (see
//! [`super::frames`]). Frames overdraw one after the other, so a hundred stalled ones would take a
//! hundred timeouts to clear: each stalled frame shortens the timeout of the next one, until a
//! frame gets through.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Accounting unit: fine enough for small requests, coarse enough for the semaphore's counter.
const UNIT_BYTES: usize = 1024;
/// The largest frame that counts as small.
pub const SMALL_FRAME: usize = 64 * 1024;
/// The part of the budget that is for small frames only.
const SMALL_SHARE: usize = 8;

/// How long a frame may stall while others wait for the memory that it holds.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// How often the timeout of frames that overdraw is halved at most: a link of 1 MB/s is still fast
/// enough, and many dead connections are cleared within seconds.
const MOST_HALVINGS: u32 = 4;

/// A cheap handle to the shared budget.
#[derive(Clone, Debug)]
pub struct RequestBudget {
    small: Arc<Pool>,
    large: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    free: Arc<Semaphore>,
    overdraft: Arc<Semaphore>,
    waiting: AtomicUsize,
    /// Consecutive frames that overdrew and then stalled.
    let_down: AtomicU32,
}

/// A part of the budget; dropping it gives it back.
#[derive(Debug, Default)]
pub struct Share {
    permit: Option<OwnedSemaphorePermit>,
    overdraft: Option<OwnedSemaphorePermit>,
}

impl RequestBudget {
    /// A budget of `bytes`.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT_BYTES).clamp(2, Semaphore::MAX_PERMITS);
        let small = (units / SMALL_SHARE).max(1);
        Self { small: Arc::new(Pool::new(small)), large: Arc::new(Pool::new(units - small)) }
    }

    fn pool(&self, frame: usize) -> &Pool {
        if frame <= SMALL_FRAME { &self.small } else { &self.large }
    }

    /// Grows `share` until it covers `bytes` of a frame of `frame` bytes, if that is possible at
    /// once.
    #[must_use]
    pub fn try_cover(&self, share: &mut Share, bytes: usize, frame: usize) -> bool {
        let missing = share.missing_units(bytes);
        if missing == 0 {
            return true;
        }
        match Arc::clone(&self.pool(frame).free).try_acquire_many_owned(missing) {
            Ok(permit) => share.add(permit),
            Err(_) => return false,
        }
        true
    }

    /// Grows `share` until it covers `bytes` of a frame of `frame` bytes, waiting for other
    /// requests to end. Cancel safe.
    pub async fn cover(&self, share: &mut Share, bytes: usize, frame: usize) {
        if self.try_cover(share, bytes, frame) {
            return;
        }
        let pool = self.pool(frame);
        let _waits = Waits::new(pool);
        let (missing, overdraft) = (share.missing_units(bytes), Arc::clone(&pool.overdraft));
        // The semaphores are never closed, so the only error cannot happen.
        tokio::select! {
            biased;
            Ok(permit) = Arc::clone(&pool.free).acquire_many_owned(missing) => share.add(permit),
            Ok(permit) = overdraft.acquire_owned() => share.overdraft = Some(permit),
            else => {}
        }
    }

    /// Whether a frame of this size waits for the budget.
    #[must_use]
    pub fn is_short(&self, frame: usize) -> bool {
        self.pool(frame).waiting.load(Ordering::Relaxed) > 0
    }

    /// How long a frame of this size that holds `share` may stand still while others wait.
    #[must_use]
    pub fn patience(&self, share: &Share, frame: usize) -> Duration {
        if share.overdraft.is_none() {
            return PATIENCE;
        }
        let halvings = self.pool(frame).let_down.load(Ordering::Relaxed).min(MOST_HALVINGS);
        PATIENCE / (1 << halvings)
    }

    /// Records whether a frame that holds `share` arrived completely or stalled.
    pub fn judge(&self, share: &Share, frame: usize, got_through: bool) {
        if share.overdraft.is_none() {
            return;
        }
        let let_down = &self.pool(frame).let_down;
        if got_through {
            let_down.store(0, Ordering::Relaxed);
        } else {
            let_down.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Free bytes.
    #[must_use]
    pub fn free_bytes(&self) -> usize {
        (self.small.free.available_permits() + self.large.free.available_permits()) * UNIT_BYTES
    }
}

impl Pool {
    fn new(units: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(units)),
            overdraft: Arc::new(Semaphore::new(1)),
            waiting: AtomicUsize::new(0),
            let_down: AtomicU32::new(0),
        }
    }
}

/// Counts a connection that waits for a pool.
struct Waits<'a>(&'a Pool);

impl<'a> Waits<'a> {
    fn new(pool: &'a Pool) -> Self {
        pool.waiting.fetch_add(1, Ordering::Relaxed);
        Self(pool)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Share {
    fn add(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.permit {
            Some(held) => held.merge(permit),
            None => self.permit = Some(permit),
        }
    }

    fn units(&self) -> usize {
        self.permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    /// Units still needed to cover this many bytes.
    fn missing_units(&self, bytes: usize) -> u32 {
        if self.overdraft.is_some() {
            return 0;
        }
        let missing = bytes.div_ceil(UNIT_BYTES).saturating_sub(self.units());
        u32::try_from(missing).unwrap_or(u32::MAX)
    }

    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.permit.is_none() && self.overdraft.is_none()
    }

    /// Bytes covered; an overdraft does not count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.units() * UNIT_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: usize = UNIT_BYTES;
    const LARGE: usize = SMALL_FRAME + 1;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = RequestBudget::new(8 * UNIT_BYTES);
        let mut one = Share::default();
        assert!(budget.try_cover(&mut one, 3000, LARGE));
        assert_eq!(one.bytes(), 3 * UNIT_BYTES);
        assert!(budget.try_cover(&mut one, 4000, LARGE), "a share grows");
        assert_eq!(budget.free_bytes(), 4 * UNIT_BYTES);
        let mut two = Share::default();
        assert!(!budget.try_cover(&mut two, 4 * UNIT_BYTES, LARGE));
        drop(one);
        assert!(budget.try_cover(&mut two, 4 * UNIT_BYTES, LARGE));
    }

    #[test]
    fn large_frames_leave_room_for_small_ones() {
        let budget = RequestBudget::new(8 * UNIT_BYTES);
        let (mut large, mut small) = (Share::default(), Share::default());
        assert!(budget.try_cover(&mut large, 7 * UNIT_BYTES, LARGE));
        assert!(budget.try_cover(&mut small, UNIT_BYTES, SMALL));
        assert_eq!(budget.free_bytes(), 0);
    }

    /// Each holds what the other needs.
    #[tokio::test]
    async fn frames_that_wait_for_each_other_get_on_one_by_one() {
        let budget = RequestBudget::new(8 * UNIT_BYTES);
        let (mut one, mut two) = (Share::default(), Share::default());
        assert!(budget.try_cover(&mut one, 4 * UNIT_BYTES, LARGE));
        assert!(budget.try_cover(&mut two, 3 * UNIT_BYTES, LARGE));
        assert!(!budget.is_short(LARGE));
        budget.cover(&mut one, 6 * UNIT_BYTES, LARGE).await;
        budget.cover(&mut one, 900 * UNIT_BYTES, LARGE).await;
        {
            let mut second = std::pin::pin!(budget.cover(&mut two, 6 * UNIT_BYTES, LARGE));
            let waiting = std::future::poll_fn(|context| {
                std::task::Poll::Ready(second.as_mut().poll(context).is_pending())
            });
            assert!(waiting.await && budget.is_short(LARGE), "only one may overdraw");
            drop(one);
            second.await;
        }
        assert!(!budget.is_short(LARGE));
        assert_eq!(two.bytes(), 6 * UNIT_BYTES);
    }

    #[tokio::test]
    async fn who_overdraws_gets_less_time_after_others_stood_still() {
        let budget = RequestBudget::new(8 * UNIT_BYTES);
        let (mut paid, mut overdrawn) = (Share::default(), Share::default());
        assert!(budget.try_cover(&mut paid, 7 * UNIT_BYTES, LARGE));
        budget.cover(&mut overdrawn, UNIT_BYTES, LARGE).await;
        budget.judge(&overdrawn, LARGE, false);
        budget.judge(&overdrawn, LARGE, false);
        assert_eq!(budget.patience(&overdrawn, LARGE), PATIENCE / 4);
        assert_eq!(budget.patience(&paid, LARGE), PATIENCE);
        for _ in 0..100 {
            budget.judge(&overdrawn, LARGE, false);
        }
        assert_eq!(budget.patience(&overdrawn, LARGE), PATIENCE / 16);
        budget.judge(&paid, LARGE, true);
        assert_eq!(budget.patience(&overdrawn, LARGE), PATIENCE / 16);
        budget.judge(&overdrawn, LARGE, true);
        assert_eq!(budget.patience(&overdrawn, LARGE), PATIENCE);
    }
}
