//! Sets up logging to standard error: text on a terminal, otherwise one JSON object per line.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// `RUST_LOG` selects what is logged; the default is `info`.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        // Reporting a closed standard error on standard error would panic.
        .log_internal_errors(false);
    // Fails only if a test has set up logging already.
    let _ = if stderr().is_terminal() {
        builder.with_target(false).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
}
