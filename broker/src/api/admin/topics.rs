//! What the handlers that ask the controller share: deadlines, names given twice, and error codes.

use std::collections::HashSet;
use std::hash::Hash;
use std::time::{Duration, Instant};

use barnabas_protocol::kafka::ErrorCode;

use crate::controller::{
    AlterConfigError, ControllerError, CreatePartitionsError, CreateTopicError, DeleteTopicError,
};

/// The longest that a request may ask the controller to work on it.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);

/// Kafka's words for a topic that occurs twice in one request.
pub(super) const DUPLICATE_NAME: &str = "Duplicate topic name.";

/// When a request with this `timeout_ms` gives up.
pub(super) fn deadline(timeout_ms: i32) -> Instant {
    let timeout = Duration::from_millis(u64::try_from(timeout_ms).unwrap_or(0));
    crate::env::now() + timeout.min(MAX_TIMEOUT)
}

/// The values that occur more than once, each once.
pub(super) fn repeated<T: Clone + Eq + Hash>(values: impl Iterator<Item = T>) -> HashSet<T> {
    let mut seen = HashSet::new();
    values.filter(|value| !seen.insert(value.clone())).collect()
}

pub(super) fn create_topic(error: &CreateTopicError) -> ErrorCode {
    match error {
        CreateTopicError::InvalidTopic(_) => ErrorCode::InvalidTopicException,
        CreateTopicError::AlreadyExists(_) => ErrorCode::TopicAlreadyExists,
        CreateTopicError::InvalidPartitions(_) => ErrorCode::InvalidPartitions,
        CreateTopicError::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
        CreateTopicError::InvalidReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
        CreateTopicError::InvalidConfig(_) => ErrorCode::InvalidConfig,
        CreateTopicError::InvalidRequest(_) => ErrorCode::InvalidRequest,
        CreateTopicError::TooManyPartitions => ErrorCode::PolicyViolation,
        CreateTopicError::Controller(error) => controller(*error),
    }
}

pub(super) fn create_partitions(error: &CreatePartitionsError) -> ErrorCode {
    match error {
        CreatePartitionsError::UnknownTopic => ErrorCode::UnknownTopicOrPartition,
        CreatePartitionsError::InvalidPartitions(_) => ErrorCode::InvalidPartitions,
        CreatePartitionsError::InvalidReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
        CreatePartitionsError::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
        CreatePartitionsError::TooManyPartitions => ErrorCode::PolicyViolation,
        CreatePartitionsError::Controller(error) => controller(*error),
    }
}

pub(super) fn delete_topic(error: &DeleteTopicError) -> ErrorCode {
    match error {
        DeleteTopicError::UnknownTopic => ErrorCode::UnknownTopicOrPartition,
        DeleteTopicError::UnknownTopicId => ErrorCode::UnknownTopicId,
        DeleteTopicError::Disabled => ErrorCode::TopicDeletionDisabled,
        DeleteTopicError::Controller(error) => controller(*error),
    }
}

pub(super) fn alter_config(error: &AlterConfigError) -> ErrorCode {
    match error {
        AlterConfigError::UnknownTopic(_) => ErrorCode::UnknownTopicOrPartition,
        AlterConfigError::InvalidConfig(_) => ErrorCode::InvalidConfig,
        AlterConfigError::Controller(error) => controller(*error),
    }
}

/// Codes on which clients try again, the first one at another broker; but not on the last.
const fn controller(error: ControllerError) -> ErrorCode {
    match error {
        ControllerError::NotController => ErrorCode::NotController,
        ControllerError::TimedOut | ControllerError::Busy | ControllerError::Unavailable => {
            ErrorCode::RequestTimedOut
        }
        ControllerError::TooLarge => ErrorCode::PolicyViolation,
    }
}
