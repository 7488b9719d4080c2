//! How long to wait before the next attempt.

use crate::clock;
use std::time::Duration;
use tokio::time::Instant;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The delay before round `round` (from 1) of attempts: doubling from 50 ms up to 1 s, of which a
/// random half is taken off (`chance` from 0 to 1), so that clients do not come back all at once.
fn delay(round: u32, chance: f64) -> Duration {
    let full = FIRST.saturating_mul(1 << round.saturating_sub(1).min(10)).min(LONGEST);
    full.mul_f64(1.0 - chance / 2.0)
}

/// Counts failed attempts: each endpoint once at once, then a growing pause.
#[derive(Debug)]
pub(crate) struct Backoff {
    endpoints: u32,
    failures: u32,
}

impl Backoff {
    pub(crate) fn new(endpoints: usize) -> Self {
        Self { endpoints: u32::try_from(endpoints.max(1)).unwrap_or(u32::MAX), failures: 0 }
    }

    /// Forgets the failures after a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How long to pause after one more failure.
    fn next(&mut self, chance: f64) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.endpoints {
            return Duration::ZERO;
        }
        delay(self.failures - self.endpoints + 1, chance)
    }

    /// Waits after one more failure.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.next(rand::random())).await;
    }

    /// The same, unless the wait would pass `deadline`: then returns false at once.
    pub(crate) async fn pause_before(&mut self, deadline: Instant) -> bool {
        let pause = self.next(rand::random());
        if clock::now() + pause >= deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_bound() {
        let delays: Vec<_> = (1..8).map(|round| delay(round, 0.0).as_millis()).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1000, 1000]);
        assert_eq!(delay(u32::MAX, 1.0), LONGEST / 2);
    }

    #[test]
    fn every_endpoint_is_tried_once_without_a_pause() {
        let mut backoff = Backoff::new(3);
        let pauses: Vec<_> = (0..4).map(|_| backoff.next(0.0).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 50, 100]);
    }
}
