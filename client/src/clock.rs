//! The only place of this crate that reads a clock.
//!
//! Deadlines here bound waits on sockets and count from the moment a request is sent, which no
//! caller can pass in. What decides by time (`group::state`, `notice`, `retry`) takes instants as
//! arguments.

use tokio::time::Instant;

/// Now, on the runtime's monotonic clock.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
