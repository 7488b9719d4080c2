//! Why values are not allowed.

/// A value that its key does not allow. `Display` is Kafka's message, or our own if Kafka allows
/// it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidValue {
    /// Not of the key's type, or out of its range.
    #[error("Invalid value {value} for configuration {name}: {problem}")]
    Invalid {
        /// The key.
        name: &'static str,
        /// The value, as far as it could be parsed.
        value: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Valid in Kafka, but this broker cannot honour it.
    #[error("Value {value} for configuration {name} is not supported: {reason}")]
    Unsupported {
        /// The key.
        name: &'static str,
        /// The value.
        value: String,
        /// Why, and what to do instead.
        reason: &'static str,
    },
}

/// Why a topic's overrides are refused: INVALID_CONFIG, with Kafka's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConfig {
    /// No such key.
    #[error("Unknown topic config name: {0}")]
    Unknown(String),
    /// Not a value of this key.
    #[error(transparent)]
    Value(#[from] InvalidValue),
    /// Two keys contradict each other.
    #[error("{0}")]
    Conflict(String),
    /// Larger than etcd can store.
    #[error("{0}")]
    TooLarge(String),
}
