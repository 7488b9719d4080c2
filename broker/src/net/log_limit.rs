//! Keeps bad clients from filling the log: a few lines per interval, and a count of what was left
//! out.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

const INTERVAL: Duration = Duration::from_secs(10);
const LINES: u32 = 10;

/// Decides whether a line may be logged.
#[derive(Debug, Default)]
pub struct LogLimiter(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Option<Instant>,
    logged: u32,
    suppressed: u64,
}

impl LogLimiter {
    /// `Some(n)` when a line may be logged, after `n` that were left out.
    pub fn admit(&self, now: Instant) -> Option<u64> {
        let mut window = self.0.lock();
        let fresh = window.began.is_none_or(|began| now.duration_since(began) >= INTERVAL);
        if fresh {
            window.began = Some(now);
            window.logged = 0;
        }
        if window.logged == LINES {
            window.suppressed += 1;
            return None;
        }
        window.logged += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;

    #[test]
    fn a_flood_becomes_a_count() {
        let (limiter, now) = (LogLimiter::default(), env::now());
        let admitted = (0..100).filter(|_| limiter.admit(now).is_some()).count();
        assert_eq!(admitted, LINES as usize);
        assert_eq!(limiter.admit(now + INTERVAL), Some(100 - u64::from(LINES)));
    }
}
