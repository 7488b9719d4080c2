//! The only file that reads the clock and entropy; everything else is given time and randomness.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch, as records and retention use them. Jumps when the clock is set.
#[must_use]
#[allow(clippy::disallowed_methods)]
pub fn wall_clock_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64)
}

/// A clock that never jumps, for timeouts and intervals.
#[must_use]
#[allow(clippy::disallowed_methods)]
pub fn now() -> Instant {
    Instant::now()
}

/// 128 random bits, for topic ids, incarnations and member ids.
#[must_use]
pub fn random_uuid() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}
