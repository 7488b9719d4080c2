//! How large overrides may be. They are kept in etcd, which takes 1.5 MiB in one request; and a
//! list is compared with itself, item by item, so that a value must not have any number of them.

use std::collections::BTreeMap;

use super::invalid::InvalidConfig;

/// The longest value of a key in bytes, as in Kafka.
const MAX_VALUE_BYTES: usize = 32_767;

/// The most bytes of all names and values of a resource: as JSON, at most six times as many.
const MAX_BYTES: usize = 128 * 1024;

/// Checks one value before anything else is done with it.
///
/// # Errors
/// When it is too long.
pub(in crate::config) fn check_value(name: &str, value: &str) -> Result<(), InvalidConfig> {
    if value.len() <= MAX_VALUE_BYTES {
        return Ok(());
    }
    Err(InvalidConfig::TooLarge(format!(
        "The configuration value of {name} cannot be added because it exceeds the maximum value size of \
         {MAX_VALUE_BYTES} bytes."
    )))
}

/// Checks all overrides of a topic or broker.
///
/// # Errors
/// When one value, or all of them together, are too large.
pub fn check_size(overrides: &BTreeMap<String, String>) -> Result<(), InvalidConfig> {
    for (name, value) in overrides {
        check_value(name, value)?;
    }
    let bytes: usize = overrides.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(InvalidConfig::TooLarge(format!(
        "The configuration has {bytes} bytes, and {MAX_BYTES} is the most."
    )))
}
