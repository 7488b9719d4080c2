//! How long to wait between attempts, and how long to go on.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause.
const FIRST: Duration = Duration::from_millis(50);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(1);

/// The attempts of one operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempts {
    pause: Duration,
    /// None for ever.
    give_up: Option<Instant>,
}

impl Attempts {
    /// The first attempt is made now; repeated for this long, or for ever.
    pub(crate) fn new(now: Instant, retry_for: Option<Duration>) -> Self {
        Self { pause: FIRST, give_up: retry_for.and_then(|time| now.checked_add(time)) }
    }

    /// When to make the next attempt, after one that failed; none if it is time to give up.
    pub(crate) fn next(&mut self, now: Instant) -> Option<Instant> {
        let next = now + self.pause;
        if self.give_up.is_some_and(|give_up| next > give_up) {
            return None;
        }
        self.pause = (self.pause * 2).min(LONGEST);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_end_in_time() {
        let start = crate::clock::now();
        let mut attempts = Attempts::new(start, Some(Duration::from_secs(5)));
        let mut now = start;
        let mut pauses = Vec::new();
        while let Some(next) = attempts.next(now) {
            pauses.push((next - now).as_millis());
            now = next;
        }
        assert_eq!(pauses, [50, 100, 200, 400, 800, 1000, 1000, 1000]);
        assert!(Attempts::new(start, None).next(start + Duration::from_secs(1 << 30)).is_some());
    }
}
