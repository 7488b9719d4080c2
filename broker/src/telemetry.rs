//! The levels of this process's loggers, which can be changed while it runs (Kafka's BROKER_LOGGER
//! configs).
//!
//! A logger is named after the module that logs, with dots, because Kafka's tools take no colons.
//! Its level holds for all modules below it that have none of their own. Whoever sets up logging
//! gives [`LogLevels`] a function that puts the levels into effect.

use std::collections::BTreeMap;
use std::fmt;

use parking_lot::Mutex;

/// Kafka's name for the level of everything that has no level of its own.
pub const ROOT: &str = "root";

/// The loggers that can be given a level; besides them, those that had one at the start.
pub const LOGGERS: &[&str] = &[
    "barnabas",
    "barnabas_broker",
    "barnabas_broker.api",
    "barnabas_broker.config",
    "barnabas_broker.controller",
    "barnabas_broker.coordinator",
    "barnabas_broker.group",
    "barnabas_broker.log",
    "barnabas_broker.membership",
    "barnabas_broker.metadata",
    "barnabas_broker.net",
    "barnabas_broker.node",
    "barnabas_broker.partition",
    "barnabas_coordinator_client",
];

/// How much a logger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps to find a defect.
    Debug,
    /// What happens.
    Info,
    /// What may need attention.
    Warn,
    /// What failed.
    Error,
    /// Nothing: this broker logs nothing above an error.
    Fatal,
}

impl LogLevel {
    /// All levels, from much to little.
    pub const ALL: [Self; 6] =
        [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// Kafka's name of the level.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// The level of this name, in capitals as in Kafka.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// The levels that are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    /// The level of everything that has no level of its own.
    pub root: LogLevel,
    /// The loggers that have a level of their own.
    pub own: BTreeMap<String, LogLevel>,
}

impl Levels {
    /// The level in effect for a logger: its own, or that of the nearest one above it.
    #[must_use]
    pub fn level(&self, logger: &str) -> LogLevel {
        let above = self.own.iter().filter(|(name, _)| logger.starts_with(name.as_str()));
        above.max_by_key(|(name, _)| name.len()).map_or(self.root, |(_, level)| *level)
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self { root: LogLevel::Info, own: BTreeMap::new() }
    }
}

/// A change of one logger: its new level, or none to take its own level away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelChange {
    /// The logger, or [`ROOT`].
    pub logger: String,
    /// The level.
    pub level: Option<LogLevel>,
}

/// Why levels are not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// There is no such logger.
    #[error("Logger {0} does not exist.")]
    UnknownLogger(String),
    /// The root logger must have a level.
    #[error("The level of the root logger cannot be removed.")]
    RootRemoved,
}

/// Puts levels into effect.
type Apply = dyn Fn(&Levels) + Send + Sync;

/// The levels of this process's loggers, and the way to change them.
pub struct LogLevels {
    levels: Mutex<Levels>,
    apply: Box<Apply>,
}

impl LogLevels {
    /// `levels` are in effect; `apply` puts others into effect.
    #[must_use]
    pub fn new(levels: Levels, apply: impl Fn(&Levels) + Send + Sync + 'static) -> Self {
        Self { levels: Mutex::new(levels), apply: Box::new(apply) }
    }

    /// All loggers with the levels in effect, the root first.
    #[must_use]
    pub fn describe(&self) -> Vec<(String, LogLevel)> {
        let levels = self.levels.lock();
        let root = (ROOT.to_owned(), levels.root);
        let others = names(&levels).map(|name| (name.to_owned(), levels.level(name)));
        std::iter::once(root).chain(others).collect()
    }

    /// Makes all of the changes, or only checks them.
    ///
    /// # Errors
    /// If one of them cannot be made: then none is.
    pub fn change(&self, changes: &[LevelChange], validate_only: bool) -> Result<(), LevelError> {
        let mut levels = self.levels.lock();
        let mut changed = levels.clone();
        for LevelChange { logger, level } in changes {
            match level {
                Some(level) if logger == ROOT => changed.root = *level,
                None if logger == ROOT => return Err(LevelError::RootRemoved),
                _ if !names(&levels).any(|name| name == logger) => {
                    return Err(LevelError::UnknownLogger(logger.clone()));
                }
                Some(level) => drop(changed.own.insert(logger.clone(), *level)),
                None => drop(changed.own.remove(logger)),
            }
        }
        if !validate_only && changed != *levels {
            (self.apply)(&changed);
            *levels = changed;
        }
        Ok(())
    }
}

/// The loggers that exist, in order, without the root.
fn names(levels: &Levels) -> impl Iterator<Item = &str> {
    let known = LOGGERS.iter().copied();
    let all: std::collections::BTreeSet<_> =
        known.chain(levels.own.keys().map(String::as_str)).collect();
    all.into_iter()
}

impl Default for LogLevels {
    /// Levels that are in effect nowhere, for a process without a log.
    fn default() -> Self {
        Self::new(Levels::default(), |_| {})
    }
}

impl fmt::Debug for LogLevels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LogLevels").field(&*self.levels.lock()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn change(logger: &str, level: Option<LogLevel>) -> LevelChange {
        LevelChange { logger: logger.to_owned(), level }
    }

    #[test]
    fn the_nearest_level_above_holds() {
        let own = [("barnabas_broker".to_owned(), LogLevel::Warn)].into();
        let levels = Levels { root: LogLevel::Error, own };
        assert_eq!(levels.level("barnabas_broker.net"), LogLevel::Warn);
        assert_eq!(levels.level("barnabas_coordinator_client"), LogLevel::Error);
    }

    #[test]
    fn changes_are_put_into_effect_together_or_not_at_all() {
        let applied = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&applied);
        let own = [("h2".to_owned(), LogLevel::Error)].into();
        let start = Levels { root: LogLevel::Info, own };
        let levels = LogLevels::new(start, move |levels| seen.lock().push(levels.clone()));
        let debug = change("barnabas_broker.net", Some(LogLevel::Debug));
        let unknown = change("no.such", None);
        let refused = levels.change(&[debug.clone(), unknown], false);
        assert_eq!(refused, Err(LevelError::UnknownLogger("no.such".to_owned())));
        assert_eq!(levels.change(&[change(ROOT, None)], false), Err(LevelError::RootRemoved));
        assert_eq!(levels.change(std::slice::from_ref(&debug), true), Ok(()));
        assert_eq!(*applied.lock(), []);
        let root = change(ROOT, Some(LogLevel::Warn));
        assert_eq!(levels.change(&[debug, change("h2", None), root], false), Ok(()));
        let own = [("barnabas_broker.net".to_owned(), LogLevel::Debug)].into();
        assert_eq!(*applied.lock(), [Levels { root: LogLevel::Warn, own }]);
        let described = levels.describe();
        assert_eq!(described[0], (ROOT.to_owned(), LogLevel::Warn));
        assert!(described.contains(&("barnabas_broker.net".to_owned(), LogLevel::Debug)));
        assert!(described.contains(&("barnabas_broker.api".to_owned(), LogLevel::Warn)));
    }

    /// Every room of the broker has a logger.
    #[test]
    fn the_loggers_are_the_modules() {
        let source = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
        let rooms = std::fs::read_dir(source).unwrap().filter_map(|entry| {
            let entry = entry.unwrap();
            let folder = entry.file_type().unwrap().is_dir();
            folder.then(|| format!("barnabas_broker.{}", entry.file_name().display()))
        });
        let mut rooms: Vec<_> = rooms.collect();
        rooms.sort();
        let listed = LOGGERS.iter().filter(|name| name.starts_with("barnabas_broker."));
        assert_eq!(listed.map(|name| (*name).to_owned()).collect::<Vec<_>>(), rooms);
    }
}
