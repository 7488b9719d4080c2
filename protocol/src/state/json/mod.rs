//! Values to JSON and back.
//!
//! What is written is canonical: fields in the order of the schema, all of them, maps sorted, no
//! white space. Equal values therefore have equal bytes. etcd is not trusted input: whatever is
//! read there is checked for its version, for its types, and for missing fields, which must not
//! turn into zeros (leader 0 is a broker).

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A message that is the whole value of a key.
pub trait StateValue: Serialize + DeserializeOwned {
    /// The newest schema version that this code knows, and the one that it writes.
    const VERSION: u32;
    /// Name of the message, for errors.
    const NAME: &'static str;

    /// Schema version of this value.
    fn version(&self) -> u32;
    /// Sets the schema version.
    fn set_version(&mut self, version: u32);
}

/// Why a value read from etcd is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not JSON, or fields of the wrong types.
    #[error("{name}: not valid: {reason}")]
    Invalid {
        /// The message that was expected.
        name: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// A field that every value has is missing.
    #[error("{name}: the field `{field}` is missing")]
    Missing {
        /// The message that was expected.
        name: &'static str,
        /// Path of the field, as in `isr.0.id`.
        field: String,
    },
    /// A newer Barnabas wrote this value.
    #[error("{name}: written in version {found}, this broker knows versions up to {supported}")]
    NewerVersion {
        /// The message that was expected.
        name: &'static str,
        /// The version of the value.
        found: u64,
        /// The newest version that can be read.
        supported: u32,
    },
}

/// The value's bytes in etcd. Whatever `version` says, the current version is what is written.
#[must_use]
pub fn to_json<T: StateValue + Clone>(value: &T) -> Vec<u8> {
    if value.version() == T::VERSION {
        return write(value);
    }
    let mut current = value.clone();
    current.set_version(T::VERSION);
    write(&current)
}

fn write<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value)
        .expect("messages of numbers, strings and maps with string keys always serialize")
}

/// Reads a value.
///
/// # Errors
/// Garbage, wrong types, missing fields, and versions this code does not know.
pub fn from_json<T: StateValue>(bytes: &[u8]) -> Result<T, StateError> {
    let parsed = match serde_json::from_slice::<T>(bytes) {
        // What we wrote ourselves, which is nearly everything, needs no further look.
        Ok(value) if value.version() == T::VERSION && write(&value) == bytes => return Ok(value),
        other => other,
    };
    let tree: Value = serde_json::from_slice(bytes).map_err(|e| invalid::<T>(&e))?;
    check_version::<T>(&tree)?;
    let value = parsed.map_err(|e| invalid::<T>(&e))?;
    let complete = serde_json::to_value(&value).map_err(|e| invalid::<T>(&e))?;
    match first_missing(&complete, &tree) {
        None => Ok(value),
        Some(field) => Err(StateError::Missing { name: T::NAME, field }),
    }
}

fn invalid<T: StateValue>(error: &serde_json::Error) -> StateError {
    StateError::Invalid { name: T::NAME, reason: error.to_string() }
}

fn check_version<T: StateValue>(tree: &Value) -> Result<(), StateError> {
    let invalid = |reason: &str| StateError::Invalid { name: T::NAME, reason: reason.to_owned() };
    let fields = tree.as_object().ok_or_else(|| invalid("not an object"))?;
    let version = fields
        .get("version")
        .ok_or_else(|| StateError::Missing { name: T::NAME, field: "version".to_owned() })?;
    match version.as_u64() {
        None | Some(0) => Err(invalid("`version` is not a positive number")),
        Some(found) if found > u64::from(T::VERSION) => {
            Err(StateError::NewerVersion { name: T::NAME, found, supported: T::VERSION })
        }
        Some(_) => Ok(()),
    }
}

/// The path of the first field that the complete form of a value has and the form that was read has
/// not.
fn first_missing(complete: &Value, read: &Value) -> Option<String> {
    let below = |name: &str, rest: String| {
        if rest.is_empty() { name.to_owned() } else { format!("{name}.{rest}") }
    };
    match (complete, read) {
        (Value::Object(complete), Value::Object(read)) => {
            complete.iter().find_map(|(name, value)| match read.get(name) {
                None => Some(name.clone()),
                Some(other) => first_missing(value, other).map(|rest| below(name, rest)),
            })
        }
        (Value::Array(complete), Value::Array(read)) => {
            complete.iter().zip(read).enumerate().find_map(|(index, (value, other))| {
                first_missing(value, other).map(|rest| below(&index.to_string(), rest))
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
