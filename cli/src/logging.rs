//! Sets up logging to standard error: text on a terminal, otherwise one JSON object per line.

use std::io::{IsTerminal, stderr};

use barnabas_broker::telemetry::{Levels, LogLevel, LogLevels};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// `RUST_LOG` selects what is logged: a level, and levels of single loggers, as in
/// `info,barnabas_broker::net=debug`. The default is `info`. The levels that are returned can be
/// changed.
pub(crate) fn init() -> LogLevels {
    let given = std::env::var("RUST_LOG").unwrap_or_default();
    let parsed = levels(&given);
    let levels = parsed.clone().unwrap_or_default();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(&levels))
        .with_writer(stderr)
        // Reporting a closed standard error on standard error would panic.
        .log_internal_errors(false);
    // Setting it up fails only if a test has set up logging already; a reload, if that logging is
    // gone.
    let levels = if stderr().is_terminal() {
        let builder = builder.with_target(false).with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = builder.try_init();
        LogLevels::new(levels, move |levels| drop(handle.reload(filter(levels))))
    } else {
        let builder = builder.json().flatten_event(true).with_filter_reloading();
        let handle = builder.reload_handle();
        let _ = builder.try_init();
        LogLevels::new(levels, move |levels| drop(handle.reload(filter(levels))))
    };
    if let Err(error) = parsed {
        tracing::warn!(RUST_LOG = given, %error, "RUST_LOG cannot be used; the level is info");
    }
    levels
}

fn levels(given: &str) -> Result<Levels, String> {
    if given.trim().is_empty() {
        return Ok(Levels::default());
    }
    let targets = given.parse::<Targets>().map_err(|error| error.to_string())?;
    let root = targets.default_level().map_or(LogLevel::Info, level);
    let own = targets.iter().map(|(target, filter)| (target.replace("::", "."), level(filter)));
    Ok(Levels { root, own: own.collect() })
}

fn level(filter: LevelFilter) -> LogLevel {
    match filter.into_level() {
        None => LogLevel::Fatal,
        Some(tracing::Level::ERROR) => LogLevel::Error,
        Some(tracing::Level::WARN) => LogLevel::Warn,
        Some(tracing::Level::INFO) => LogLevel::Info,
        Some(tracing::Level::DEBUG) => LogLevel::Debug,
        Some(_) => LogLevel::Trace,
    }
}

fn filter(levels: &Levels) -> EnvFilter {
    let target = |logger: &str| logger.replace('.', "::");
    let own = levels.own.iter().map(|(name, level)| format!("{}={}", target(name), word(*level)));
    let directives: Vec<_> = std::iter::once(word(levels.root).to_owned()).chain(own).collect();
    EnvFilter::new(directives.join(","))
}

const fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        // No event is above an error.
        LogLevel::Fatal => "off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_from_rust_log_and_become_a_filter() {
        let read = |text: &str| levels(text).expect("levels");
        assert!(levels("a=loud").is_err());
        assert_eq!(read(""), Levels::default());
        assert_eq!(read("debug").root, LogLevel::Debug);
        assert_eq!(read("h2=off").root, LogLevel::Info);
        let several = read("h2=off,warn,barnabas_broker::net=trace");
        assert_eq!((several.root, several.level("h2")), (LogLevel::Warn, LogLevel::Fatal));
        let shown = filter(&several).to_string();
        for directive in ["warn", "h2=off", "barnabas_broker::net=trace"] {
            assert!(shown.contains(directive), "{shown}");
        }
    }
}
