//! Checks changes of overrides for AlterConfigs and IncrementalAlterConfigs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::def::{ConfigDef, Kind, Scope, Update};
use super::keys::registry;
use super::layers::{ConfigSource, Layers};
use super::topic::{effective_value, validate_topic_configs};
use super::values::invalid::{InvalidConfig, InvalidValue};
use super::values::list::items;
use super::values::size::{check_size, check_value};

/// One requested change of one key (KIP-339).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alteration {
    /// The key.
    pub name: String,
    /// What to do.
    pub operation: AlterOperation,
    /// The value. Null is allowed only for a deletion, which ignores it.
    pub value: Option<String>,
}

/// What to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterOperation {
    /// Override it.
    Set,
    /// Remove the override.
    Delete,
    /// Add items to the effective list.
    Append,
    /// Remove items from the effective list.
    Subtract,
}

/// Whose overrides are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterTarget {
    /// A topic's.
    Topic,
    /// One broker's.
    Broker,
    /// Those of all brokers.
    AllBrokers,
}

/// A checked change, in canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedAlteration {
    /// The key.
    pub name: String,
    /// What to do.
    pub operation: AlterOperation,
    /// The value to set, append or subtract; empty for a deletion.
    pub value: String,
    /// For a list: the value without an override.
    pub inherited: String,
}

/// Why a change is refused. `Display` is the message for the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlterError {
    /// → INVALID_REQUEST
    #[error("{0}")]
    Request(String),
    /// → INVALID_CONFIG
    #[error("{0}")]
    Config(String),
}

impl From<InvalidConfig> for AlterError {
    fn from(error: InvalidConfig) -> Self {
        Self::Config(error.to_string())
    }
}

/// Checks the changes of one resource. `present` has its overrides, or none if all are replaced.
///
/// # Errors
/// As Kafka: wrong values of topics are INVALID_CONFIG, those of brokers INVALID_REQUEST.
pub fn check_alterations(
    target: AlterTarget,
    layers: &Layers<'_>,
    present: &BTreeMap<String, String>,
    alterations: &[Alteration],
) -> Result<Vec<CheckedAlteration>, AlterError> {
    check_shape(alterations)?;
    let mut after = present.clone();
    let mut checked = Vec::with_capacity(alterations.len());
    for alteration in alterations {
        let Alteration { name, operation, value } = alteration;
        let raw = value.as_deref().unwrap_or_default();
        if *operation == AlterOperation::Delete {
            after.remove(name);
            checked.push(checked_alteration(alteration, String::new(), String::new()));
            continue;
        }
        let def = definition(target, name)?;
        check_value(name, raw)?;
        let inherited = inherited(target, layers, def).unwrap_or_default();
        let outcome = match operation {
            AlterOperation::Append | AlterOperation::Subtract => {
                check_list(target, def, *operation)?;
                let list = after.get(name).unwrap_or(&inherited);
                changed_list(list, raw, *operation)
            }
            AlterOperation::Set | AlterOperation::Delete => raw.to_owned(),
        };
        let outcome = def.validate(&outcome).map_err(|invalid| refused(target, &invalid))?;
        let value =
            if *operation == AlterOperation::Set { outcome.clone() } else { raw.to_owned() };
        after.insert(name.clone(), outcome);
        checked.push(checked_alteration(alteration, value, inherited));
    }
    match target {
        AlterTarget::Topic => validate_topic_configs(&after)?,
        AlterTarget::Broker | AlterTarget::AllBrokers => check_size(&after)?,
    }
    Ok(checked)
}

fn checked_alteration(from: &Alteration, value: String, inherited: String) -> CheckedAlteration {
    CheckedAlteration { name: from.name.clone(), operation: from.operation, value, inherited }
}

fn check_shape(alterations: &[Alteration]) -> Result<(), AlterError> {
    let mut names = BTreeSet::new();
    if !alterations.iter().all(|alteration| names.insert(&alteration.name)) {
        return Err(AlterError::Request("Error due to duplicate config keys".into()));
    }
    let null = |alteration: &&Alteration| {
        alteration.value.is_none() && alteration.operation != AlterOperation::Delete
    };
    let nulls: Vec<_> = alterations.iter().filter(null).map(|a| a.name.as_str()).collect();
    if nulls.is_empty() {
        return Ok(());
    }
    Err(AlterError::Request(format!("Null value not supported for : {}", nulls.join(","))))
}

/// Keys that can change at run time only for single listeners, which is not available yet.
const PER_LISTENER: &[&str] = &["ssl.keystore.", "ssl.truststore.", "ssl.key.password"];

fn definition(target: AlterTarget, name: &str) -> Result<&'static ConfigDef, AlterError> {
    if target == AlterTarget::Topic {
        let unknown = || InvalidConfig::Unknown(name.to_owned()).into();
        return registry::topic(name).ok_or_else(unknown);
    }
    // Kafka stores unknown keys for its plugins. There are no plugins here, so nothing would read
    // them.
    let def = registry::broker(name).ok_or_else(|| {
        let hint = registry::suggest(Scope::Broker, name);
        let hint = hint.map_or(String::new(), |key| format!(", did you mean {key}?"));
        AlterError::Request(format!("Unknown broker config name: {name}{hint}"))
    })?;
    if PER_LISTENER.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(AlterError::Request(format!(
            "These security configs can be dynamically updated only per-listener using the listener prefix: \
             [{name}]"
        )));
    }
    match (def.update, target) {
        (Update::ReadOnly, _) => {
            Err(AlterError::Request(format!("Cannot update these configs dynamically: [{name}]")))
        }
        (Update::PerBroker, AlterTarget::AllBrokers) => Err(AlterError::Request(format!(
            "Cannot update these configs at default cluster level, broker id must be specified: [{name}]"
        ))),
        (Update::ClusterOnly, AlterTarget::Broker) => Err(AlterError::Config(format!(
            "{name} cannot be altered for a single broker, only for all of them."
        ))),
        _ => Ok(def),
    }
}

fn inherited(target: AlterTarget, layers: &Layers<'_>, def: &ConfigDef) -> Option<String> {
    match target {
        AlterTarget::Topic => effective_value(layers, &BTreeMap::new(), def),
        AlterTarget::Broker => layers.beneath(ConfigSource::DynamicBroker, def).map(str::to_owned),
        AlterTarget::AllBrokers => {
            layers.beneath(ConfigSource::DynamicDefaultBroker, def).map(str::to_owned)
        }
    }
}

fn check_list(
    target: AlterTarget,
    def: &ConfigDef,
    operation: AlterOperation,
) -> Result<(), AlterError> {
    if def.kind == Kind::List {
        return Ok(());
    }
    let (upper, lower) = match operation {
        AlterOperation::Append => ("APPEND", "append"),
        _ => ("SUBTRACT", "subtract"),
    };
    let name = def.name;
    Err(AlterError::Config(match target {
        AlterTarget::Topic => format!("Can't {upper} to key {name} because its type is not LIST."),
        _ => format!("Config value {lower} is not allowed for config key: {name}"),
    }))
}

fn refused(target: AlterTarget, invalid: &InvalidValue) -> AlterError {
    match target {
        AlterTarget::Topic => AlterError::Config(invalid.to_string()),
        AlterTarget::Broker | AlterTarget::AllBrokers => AlterError::Request(invalid.to_string()),
    }
}

fn changed_list(list: &str, change: &str, operation: AlterOperation) -> String {
    let mut list: Vec<_> = items(list).collect();
    let change: Vec<_> = items(change).collect();
    if operation == AlterOperation::Subtract {
        list.retain(|item| !change.contains(item));
    } else {
        list.extend(change);
    }
    list.join(",")
}
