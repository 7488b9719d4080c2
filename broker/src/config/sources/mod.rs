//! Merges file, environment and command line, and checks every key. Reports all errors at once.

mod environment;
pub(super) mod properties;
mod read;
mod shadowed;
mod toml_file;

use std::collections::BTreeMap;
use std::fmt;

use super::keys::def::{ConfigDef, Scope, Support};
use super::keys::registry;
use super::keys::retired::{self, Retired};

/// The inputs of a broker's configuration. Later fields win.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What the command sets by itself.
    pub presets: Vec<Preset>,
    /// The configuration file.
    pub file: Option<ConfigFile>,
    /// All environment variables; those that do not start with `KAFKA_` are ignored.
    pub environment: Vec<(String, String)>,
    /// `key=value` from the command line.
    pub overrides: Vec<String>,
}

/// A value that applies unless the user sets the key, or another one of the same meaning.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub value: &'static str,
    /// Other keys that make this one unnecessary.
    pub unless: &'static [&'static str],
}

/// A configuration file's text.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// The path. A name that ends with `.toml` is TOML, any other is `.properties`.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// Where an assignment was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In the file, with the line if the format tells it.
    File {
        /// The path.
        name: String,
        /// From 1.
        line: Option<usize>,
    },
    /// In this environment variable.
    Environment(String),
    /// On the command line.
    Override,
    /// In the command itself.
    Preset,
}

/// Something that is accepted but has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The keys or variables concerned.
    pub keys: Vec<String>,
    /// Why, and what to do instead.
    pub message: String,
}

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The place, if there is one.
    pub origin: Option<Origin>,
    /// What is wrong, and what to do about it.
    pub message: String,
}

/// All that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line: Some(line) } => write!(f, "{name}:{line}"),
            Self::File { name, line: None } => f.write_str(name),
            Self::Environment(variable) => f.write_str(variable),
            Self::Override => f.write_str("--override"),
            Self::Preset => f.write_str("preset of this command"),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.keys.join(", "), self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Some(origin) => write!(f, "{origin}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "problem" } else { "problems" };
        write!(f, "{} {noun} in the configuration:", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// All assignments, checked.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// Valid values in canonical form, by key.
    pub(super) values: BTreeMap<String, String>,
    /// The places of these values.
    pub(super) origins: BTreeMap<String, Origin>,
    pub(super) warnings: Vec<Warning>,
    pub(super) errors: Vec<ConfigError>,
}

impl Resolved {
    pub(super) fn warn(&mut self, key: &str, message: &str) {
        match self.warnings.iter_mut().find(|warning| warning.message == message) {
            Some(warning) => warning.keys.push(key.to_owned()),
            None => {
                let keys = vec![key.to_owned()];
                self.warnings.push(Warning { keys, message: message.to_owned() });
            }
        }
    }

    /// Adds an error, with the place where `key` was set, if it was.
    pub(super) fn error(&mut self, key: &str, message: String) {
        let origin = self.origins.get(key).cloned();
        self.errors.push(ConfigError { origin, message });
    }

    fn judge(&mut self, key: &str, value: &str, origin: Origin) {
        self.origins.insert(key.to_owned(), origin.clone());
        if let Some(def) = registry::broker(key) {
            return self.judge_known(def, value);
        }
        match (retired::lookup(key), origin) {
            (Some(Retired::Ignored(reason)), _) => self.warn(key, reason),
            (Some(Retired::Refused(reason)), _) => self.error(key, format!("{key}: {reason}")),
            (None, Origin::Environment(variable)) => {
                self.warn(&variable, &format!("no key is meant by it{}", hint(key)));
            }
            (None, _) => self.error(key, format!("unknown key {key}{}", hint(key))),
        }
    }

    fn judge_known(&mut self, def: &'static ConfigDef, value: &str) {
        match def.validate(value) {
            Ok(value) => {
                if let Support::Inert(reason) = def.support
                    && Some(value.as_str()) != def.default
                {
                    self.warn(def.name, reason);
                }
                self.values.insert(def.name.to_owned(), value);
            }
            Err(invalid) => self.error(def.name, invalid.to_string()),
        }
    }
}

fn hint(key: &str) -> String {
    let synonym = registry::topic(key)
        .and_then(|def| crate::config::keys::synonyms::of_topic_key(def.name).first())
        .map(|(name, _)| *name);
    match (synonym, registry::suggest(Scope::Broker, key)) {
        (Some(name), _) => format!(": it belongs to topics, the default for all topics is {name}"),
        (None, Some(name)) => format!("; did you mean {name}?"),
        (None, None) => String::new(),
    }
}

/// Merges the sources and checks the assignments that win.
pub(super) fn resolve(sources: &Sources) -> Resolved {
    let mut resolved = Resolved::default();
    let mut merged: BTreeMap<String, (String, Origin)> = BTreeMap::new();
    if let Some(file) = &sources.file {
        match read(file) {
            Ok(entries) => {
                for (key, (value, origin)) in entries {
                    if let Some((_, earlier)) = merged.insert(key.clone(), (value, origin)) {
                        resolved
                            .warn(&key, &format!("set again after {earlier}; the last one counts"));
                    }
                }
            }
            Err(error) => resolved.errors.push(error),
        }
    }
    for (variable, value) in &sources.environment {
        if environment::is_service_link(variable, value) {
            continue;
        }
        if let Some(key) = environment::key_of(variable) {
            merged.insert(key, (value.clone(), Origin::Environment(variable.clone())));
        }
    }
    for assignment in &sources.overrides {
        match assignment.split_once('=') {
            Some((key, value)) => {
                merged.insert(key.trim().to_owned(), (value.to_owned(), Origin::Override));
            }
            None => resolved.errors.push(ConfigError {
                origin: Some(Origin::Override),
                message: format!("{assignment}: expected key=value"),
            }),
        }
    }
    for Preset { key, value, unless } in &sources.presets {
        let set = |key: &&str| merged.contains_key(*key);
        if !set(key) && !unless.iter().any(set) {
            merged.insert((*key).to_owned(), ((*value).to_owned(), Origin::Preset));
        }
    }
    for (key, (value, origin)) in merged {
        resolved.judge(&key, &value, origin);
    }
    shadowed::warn(&mut resolved);
    resolved
}

type Entry = (String, (String, Origin));

fn read(file: &ConfigFile) -> Result<Vec<Entry>, ConfigError> {
    let origin = |line| Origin::File { name: file.name.clone(), line };
    if file.name.ends_with(".toml") {
        let entries = toml_file::parse(&file.text).map_err(|error| ConfigError {
            origin: Some(origin(None)),
            message: error.to_string(),
        })?;
        return Ok(entries.into_iter().map(|(key, value)| (key, (value, origin(None)))).collect());
    }
    let properties = properties::parse(&file.text).map_err(|error| ConfigError {
        origin: Some(origin(Some(error.line))),
        message: error.problem,
    })?;
    Ok(properties.into_iter().map(|p| (p.key, (p.value, origin(Some(p.line))))).collect())
}
