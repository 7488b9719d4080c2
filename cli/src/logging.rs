//! Logs go to standard error: readable on a terminal, one JSON object a line otherwise.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// `RUST_LOG` chooses what is logged; without it everything from `info` up.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // Where standard error is a pipe that nobody reads any more, saying so on it would panic.
        .log_internal_errors(false);
    // Fails only where a test has set up logging already.
    let _ = if stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
}
