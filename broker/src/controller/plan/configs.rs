//! Changes to the overrides of a topic or broker.

use std::collections::BTreeMap;

use super::{Change, ChangeSet, Key, Value, min_isr};
use crate::controller::error::AlterConfigError;
use crate::controller::request::{ConfigChange, ConfigOp, ConfigResource};
use crate::metadata::{ConfigImage, Image};

/// Says in Kafka's words what is wrong with a resource's overrides as a whole.
pub(crate) type Validate<'a> =
    dyn Fn(&ConfigResource, &BTreeMap<String, String>) -> Result<(), String> + 'a;

/// What the change comes to: the resource's overrides afterwards, and what to write (nothing if
/// they are the same).
///
/// # Errors
/// A topic that does not exist, and overrides that `validate` refuses as a whole.
pub(crate) fn alter(
    view: &Image,
    change: &ConfigChange,
    default_min_isr: i32,
    validate: &Validate<'_>,
) -> Result<ChangeSet, AlterConfigError> {
    let none = ConfigImage::default();
    let (mut changes, mut topic) = (Vec::new(), None);
    let before = match &change.resource {
        ConfigResource::Topic(name) => {
            let found =
                view.topic(name).ok_or_else(|| AlterConfigError::UnknownTopic(name.clone()))?;
            // Else the config of a topic that is just being deleted would outlive it.
            changes.push(Change::keep(Key::Topic(found.name.clone()), found.revision));
            topic = Some(found);
            &*found.configs
        }
        ConfigResource::Broker(id) => view.broker_configs.get(id).map_or(&none, |config| &**config),
    };
    let after = apply(before, change);
    validate(&change.resource, &after).map_err(AlterConfigError::InvalidConfig)?;
    if after == before.values {
        return Ok(ChangeSet::default());
    }
    if let Some(topic) = topic {
        changes.extend(min_isr::level(topic, min_isr::of_topic(&after, default_min_isr)));
    }
    let key = Key::Config(change.resource.clone());
    changes.push(if after.is_empty() {
        Change::delete(key, before.revision)
    } else {
        Change::put(key, before.revision, Value::Config(after))
    });
    Ok(changes.into())
}

fn apply(before: &ConfigImage, change: &ConfigChange) -> BTreeMap<String, String> {
    let mut values = if change.replace { BTreeMap::new() } else { before.values.clone() };
    for op in &change.ops {
        match op {
            ConfigOp::Set { name, value } => {
                values.insert(name.clone(), value.clone());
            }
            ConfigOp::Delete { name } => {
                values.remove(name);
            }
            ConfigOp::Append { name, value, default } => {
                let mut list = items(values.get(name).unwrap_or(default));
                for item in items(value) {
                    if !list.contains(&item) {
                        list.push(item);
                    }
                }
                let list = list.join(",");
                values.insert(name.clone(), list);
            }
            ConfigOp::Subtract { name, value, default } => {
                let removed = items(value);
                let mut list = items(values.get(name).unwrap_or(default));
                list.retain(|item| !removed.contains(item));
                let list = list.join(",");
                values.insert(name.clone(), list);
            }
        }
    }
    values
}

/// The items of a list value.
fn items(list: &str) -> Vec<&str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).collect()
}
