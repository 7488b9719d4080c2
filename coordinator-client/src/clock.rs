//! The only place of this crate that reads a clock.
//!
//! Deadlines here bound waits on sockets and count from the moment a request is sent, which no
//! caller can pass in. Everything that decides by time (`session::state`, `retry::delay`) takes
//! instants as arguments.

use tokio::time::Instant;

/// Now, on the runtime's monotonic clock (which stands still while the machine is suspended).
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
