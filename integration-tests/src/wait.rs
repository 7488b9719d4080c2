//! Waiting on conditions with a deadline. The tests' only clock and only sleep are here.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_millis(25);

/// Polls `condition` until it gives something, and returns that.
///
/// # Panics
/// When `limit` passed; the message says `what` was waited for.
#[track_caller]
pub fn until<T>(limit: Duration, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = now() + limit;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(now() < deadline, "{what}: not within {limit:?}");
        std::thread::sleep(PAUSE);
    }
}

/// Like [`until`] for conditions without a result.
///
/// # Panics
/// When `limit` passed.
#[track_caller]
pub fn until_true(limit: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    until(limit, what, || condition().then_some(()));
}

/// Checks that `condition` holds all the time for `period`, as for "is served while etcd is away".
///
/// # Panics
/// As soon as it does not hold.
#[track_caller]
pub fn throughout(period: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let end = now() + period;
    while now() < end {
        assert!(condition(), "{what}: no longer");
        std::thread::sleep(PAUSE);
    }
}

#[allow(clippy::disallowed_methods, reason = "tests have no env.rs; this is their one clock")]
fn now() -> Instant {
    Instant::now()
}
