//! Limits the size of overrides. They are stored in etcd, which accepts 1.5 MiB in one request, and
//! lists are checked for duplicates item by item, so the number of items must be bounded.

use std::collections::BTreeMap;

use super::invalid::InvalidConfig;

/// The longest value of a key, in bytes, as in Kafka.
const MAX_VALUE_BYTES: usize = 32_767;

/// The most bytes of all names and values of a resource. JSON needs at most six times as many.
const MAX_BYTES: usize = 128 * 1024;

/// Checks one value before it is parsed.
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
