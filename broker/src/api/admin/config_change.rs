//! What AlterConfigs and IncrementalAlterConfigs share: from requested changes, through checks
//! here, to the controller, and back to one answer for each resource.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;

use super::config_resource::{Refusal, Resource};
use super::loggers;
use super::topics::repeated;
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::config::registry;
use crate::config::{
    AlterOperation, AlterTarget, Alteration, BrokerConfig, CheckedAlteration, ConfigDef, Support,
    check_alterations, is_group_key,
};
use crate::controller::{AlterConfigError, ConfigChange, ConfigOp, ConfigResource};
use crate::env;
use crate::metadata::{Image, Revision};

/// How long the controller may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// The changes to one resource, as the client sent them.
#[derive(Clone, Debug)]
pub(super) struct Requested {
    pub(super) kind: i8,
    pub(super) name: Str,
    /// Drop all present overrides first.
    pub(super) replace: bool,
    /// The changes, or the operation that does not exist.
    pub(super) alterations: Result<Vec<Alteration>, Refusal>,
}

/// The outcome for one resource: an error code and its message.
pub(super) type Outcome = (ErrorCode, Option<Str>);

/// Checks the changes, has the controller make those that pass, and waits until this broker shows
/// them.
pub(super) async fn apply(
    context: &RequestContext,
    requested: &[Requested],
    validate_only: bool,
) -> Vec<Outcome> {
    let broker = context.broker();
    let mut outcomes = Vec::with_capacity(requested.len());
    let mut changes = Vec::new();
    for checked in check(&broker.config(), &broker.image(), requested) {
        let done = checked.and_then(|checked| match checked {
            Checked::Stored(change) => {
                warn_of_inert_keys(&change);
                changes.push(change);
                Ok(None)
            }
            Checked::Loggers(alterations) => {
                loggers::alter(&broker.log_levels, &alterations, validate_only)?;
                Ok(Some((ErrorCode::None, None)))
            }
            Checked::Unchanged => Ok(Some((ErrorCode::None, None))),
        });
        let refused = |refusal: Refusal| Some((refusal.code, Some(refusal.message.into())));
        outcomes.push(done.unwrap_or_else(refused));
    }
    let mut results = Vec::new();
    if !changes.is_empty() {
        let deadline = env::now() + DEADLINE;
        results = broker.controller.alter_configs(changes, validate_only, deadline).await;
    }
    let newest = results.iter().flatten().copied().max().unwrap_or_default();
    if newest > Revision::default() {
        broker.wait_for(newest).await;
    }
    let mut results = results.into_iter();
    let outcome = |refused: Option<Outcome>| {
        refused.unwrap_or_else(|| results.next().map_or_else(unanswered, outcome_of))
    };
    outcomes.into_iter().map(outcome).collect()
}

/// A key without an effect is accepted, as in the file that a broker starts with, and with the same
/// warning.
fn warn_of_inert_keys(change: &ConfigChange) {
    for op in &change.ops {
        let (ConfigOp::Set { name, .. } | ConfigOp::Append { name, .. }) = op else { continue };
        let def = match change.resource {
            ConfigResource::Topic(_) => registry::topic(name),
            ConfigResource::Broker(_) => registry::broker(name),
        };
        warn_if_inert(&change.resource, def);
    }
}

/// The warning for one key of a resource, if it deserves it.
pub(super) fn warn_if_inert(resource: &dyn std::fmt::Debug, def: Option<&ConfigDef>) {
    if let Some(ConfigDef { name, support: Support::Inert(reason), .. }) = def {
        tracing::warn!(?resource, "{name} has no effect: {reason}");
    }
}

/// A change that passed the checks.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Checked {
    /// The controller stores it.
    Stored(ConfigChange),
    /// The levels of this process's loggers change.
    Loggers(Vec<Alteration>),
    /// Nothing changes.
    Unchanged,
}

/// The change of each resource, or why it is refused.
pub(super) fn check(
    config: &BrokerConfig,
    image: &Image,
    requested: &[Requested],
) -> Vec<Result<Checked, Refusal>> {
    let twice = repeated(requested.iter().map(|one| (one.kind, one.name.clone())));
    let check_one = |one: &Requested| {
        if twice.contains(&(one.kind, one.name.clone())) {
            return Err(Refusal::invalid_request("Each resource must appear at most once."));
        }
        change(config, image, one)
    };
    requested.iter().map(check_one).collect()
}

fn change(config: &BrokerConfig, image: &Image, requested: &Requested) -> Result<Checked, Refusal> {
    let alterations = requested.alterations.as_ref().map_err(Refusal::clone)?;
    let name = requested.name.as_str();
    if name.is_empty() && requested.kind == 2 {
        return Err(Refusal::invalid_request("Default topic resources are not allowed."));
    }
    let found = Resource::find(requested.kind, name, config.broker_id, image)?;
    let none = BTreeMap::new();
    let of_broker = |id| image.broker_configs.get(&id).map(|overrides| &overrides.values);
    let (target, resource, present) = match found {
        Resource::Topic(name) => {
            let present = image.topic(&name).map(|topic| &topic.configs.values);
            (AlterTarget::Topic, ConfigResource::Topic(name), present)
        }
        Resource::ThisBroker => {
            let id = Some(config.broker_id);
            (AlterTarget::Broker, ConfigResource::Broker(id), of_broker(id))
        }
        Resource::AllBrokers => {
            (AlterTarget::AllBrokers, ConfigResource::Broker(None), of_broker(None))
        }
        Resource::Loggers if requested.replace => {
            let message = "The levels of loggers are changed by IncrementalAlterConfigs only.";
            return Err(Refusal::invalid_request(message));
        }
        Resource::Loggers => return Ok(Checked::Loggers(alterations.clone())),
        Resource::Group => return check_group(alterations).map(|()| Checked::Unchanged),
    };
    let present = present.filter(|_| !requested.replace).unwrap_or(&none);
    let layers = config.layers(image.overrides(config.broker_id));
    let checked = check_alterations(target, &layers, present, alterations)
        .map_err(|error| Refusal::new(error_map::alter(&error), error.to_string()))?;
    let ops = checked.into_iter().map(op).collect();
    Ok(Checked::Stored(ConfigChange { resource, replace: requested.replace, ops }))
}

/// No group has a configuration of its own yet: keys may be removed, but not set.
fn check_group(alterations: &[Alteration]) -> Result<(), Refusal> {
    for Alteration { name, operation, .. } in alterations {
        let message = match operation {
            _ if !is_group_key(name) => format!("Unknown group config name: {name}"),
            AlterOperation::Delete => continue,
            _ => format!("{name} cannot be set: there are no groups of the new protocols yet."),
        };
        return Err(Refusal::new(ErrorCode::InvalidConfig, message));
    }
    Ok(())
}

fn op(checked: CheckedAlteration) -> ConfigOp {
    let CheckedAlteration { name, operation, value, inherited } = checked;
    match operation {
        AlterOperation::Set => ConfigOp::Set { name, value },
        AlterOperation::Delete => ConfigOp::Delete { name },
        AlterOperation::Append => ConfigOp::Append { name, value, default: inherited },
        AlterOperation::Subtract => ConfigOp::Subtract { name, value, default: inherited },
    }
}

fn unanswered() -> Outcome {
    (ErrorCode::UnknownServerError, None)
}

fn outcome_of(result: Result<Revision, AlterConfigError>) -> Outcome {
    let Err(error) = result else { return (ErrorCode::None, None) };
    let code = error_map::alter_config(&error);
    (code, Some(error.to_string().into()))
}

#[cfg(test)]
#[path = "config_change_tests.rs"]
mod tests;
