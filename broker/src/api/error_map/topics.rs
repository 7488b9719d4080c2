//! Errors of creating and deleting topics, and of the controller.

use barnabas_protocol::kafka::ErrorCode;

use crate::controller::{
    ControllerError, CreatePartitionsError, CreateTopicError, DeleteTopicError,
};

pub(crate) fn create_topic(error: &CreateTopicError) -> ErrorCode {
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

pub(crate) fn create_partitions(error: &CreatePartitionsError) -> ErrorCode {
    match error {
        CreatePartitionsError::UnknownTopic => ErrorCode::UnknownTopicOrPartition,
        CreatePartitionsError::InvalidPartitions(_) => ErrorCode::InvalidPartitions,
        CreatePartitionsError::InvalidReplicaAssignment(_) => ErrorCode::InvalidReplicaAssignment,
        CreatePartitionsError::InvalidReplicationFactor(_) => ErrorCode::InvalidReplicationFactor,
        CreatePartitionsError::TooManyPartitions => ErrorCode::PolicyViolation,
        CreatePartitionsError::Controller(error) => controller(*error),
    }
}

pub(crate) fn delete_topic(error: &DeleteTopicError) -> ErrorCode {
    match error {
        DeleteTopicError::UnknownTopic => ErrorCode::UnknownTopicOrPartition,
        DeleteTopicError::UnknownTopicId => ErrorCode::UnknownTopicId,
        DeleteTopicError::Disabled => ErrorCode::TopicDeletionDisabled,
        DeleteTopicError::Controller(error) => controller(*error),
    }
}

/// Errors of a topic that a Metadata request creates: the client asked for metadata only, and tries
/// again on these.
pub(crate) const fn auto_create(error: &CreateTopicError) -> ErrorCode {
    match error {
        CreateTopicError::Controller(ControllerError::NotController) => {
            ErrorCode::LeaderNotAvailable
        }
        CreateTopicError::InvalidTopic(_)
        | CreateTopicError::AlreadyExists(_)
        | CreateTopicError::InvalidPartitions(_)
        | CreateTopicError::InvalidReplicationFactor(_)
        | CreateTopicError::InvalidReplicaAssignment(_)
        | CreateTopicError::InvalidConfig(_)
        | CreateTopicError::InvalidRequest(_)
        | CreateTopicError::TooManyPartitions
        | CreateTopicError::Controller(
            ControllerError::TimedOut
            | ControllerError::Busy
            | ControllerError::Unavailable
            | ControllerError::TooLarge,
        ) => ErrorCode::UnknownTopicOrPartition,
    }
}

/// Codes on which clients try again, the first one at another broker; but not on the last.
pub(super) const fn controller(error: ControllerError) -> ErrorCode {
    match error {
        ControllerError::NotController => ErrorCode::NotController,
        ControllerError::TimedOut | ControllerError::Busy | ControllerError::Unavailable => {
            ErrorCode::RequestTimedOut
        }
        ControllerError::TooLarge => ErrorCode::PolicyViolation,
    }
}
