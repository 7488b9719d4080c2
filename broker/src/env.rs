//! The only file that reads the clock and entropy; everything else is given time and randomness.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::clock::{News, Reading, WallClock};

/// Milliseconds since the Unix epoch, for timestamps of records and their checks. After a recent
/// jump of the clock, the later of the time that it shows and the time that it should show: see
/// `clock`.
#[must_use]
pub fn wall_clock_ms() -> i64 {
    read().latest_ms
}

/// Milliseconds since the Unix epoch, for retention. After a recent jump of the clock, the earlier
/// of the time that it shows and the time that it should show.
#[must_use]
pub fn expiry_clock_ms() -> i64 {
    read().earliest_ms
}

fn read() -> Reading {
    static CLOCK: LazyLock<(Instant, Mutex<WallClock>)> =
        LazyLock::new(|| (now(), Mutex::new(WallClock::new(system_ms(), 0))));
    let (began, clock) = &*CLOCK;
    let reading = {
        let mut clock = clock.lock();
        clock.read(system_ms(), began.elapsed().as_millis() as i64)
    };
    match reading.news {
        None => {}
        Some(News::Jumped { by_ms }) => tracing::warn!(
            by_ms,
            "the system clock has jumped: for an hour, what is deleted by age goes by the earlier time"
        ),
        Some(News::Returned) => tracing::info!("the system clock is back where it was expected"),
        Some(News::Believed { by_ms }) => {
            tracing::warn!(
                by_ms,
                "the jump of the system clock has persisted for an hour; accepting the new time"
            );
        }
    }
    reading
}

#[allow(clippy::disallowed_methods)]
fn system_ms() -> i64 {
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
