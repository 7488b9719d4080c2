//! Why the controller refused: one enum per operation; `Display` is the message that the client
//! sees.

/// Why the controller could not be asked, or did not come to an end. The same for every operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControllerError {
    /// Another broker is the controller, or none is, or this one lost the office in between.
    #[error("This is not the correct controller for this cluster.")]
    NotController,
    /// The deadline passed; the operation may still complete.
    #[error("The request timed out.")]
    TimedOut,
    /// Too many commands wait already; try again.
    #[error("The controller has too many requests in its queue.")]
    Busy,
    /// etcd could not be reached; whether something was written is not known until it is back.
    #[error("The cluster's coordination service is not available.")]
    Unavailable,
    /// One of the values to write is more than etcd takes; nothing was written.
    #[error("This is more than the cluster's coordination service can keep under one key.")]
    TooLarge,
}

/// Why a topic was not created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateTopicError {
    /// → INVALID_TOPIC_EXCEPTION
    #[error("{0}")]
    InvalidTopic(String),
    /// → TOPIC_ALREADY_EXISTS
    #[error("{0}")]
    AlreadyExists(String),
    /// → INVALID_PARTITIONS
    #[error("{0}")]
    InvalidPartitions(String),
    /// → INVALID_REPLICATION_FACTOR
    #[error("{0}")]
    InvalidReplicationFactor(String),
    /// → INVALID_REPLICA_ASSIGNMENT
    #[error("{0}")]
    InvalidReplicaAssignment(String),
    /// → INVALID_CONFIG
    #[error("{0}")]
    InvalidConfig(String),
    /// → INVALID_REQUEST
    #[error("{0}")]
    InvalidRequest(String),
    /// → POLICY_VIOLATION
    #[error("Excessively large number of partitions per request.")]
    TooManyPartitions,
    /// The controller could not be asked.
    #[error(transparent)]
    Controller(#[from] ControllerError),
}

/// Why a topic was not deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeleteTopicError {
    /// → UNKNOWN_TOPIC_OR_PARTITION
    #[error("This server does not host this topic-partition.")]
    UnknownTopic,
    /// → UNKNOWN_TOPIC_ID
    #[error("This server does not host this topic ID.")]
    UnknownTopicId,
    /// `delete.topic.enable=false` → TOPIC_DELETION_DISABLED
    #[error("Topic deletion is disabled.")]
    Disabled,
    /// The controller could not be asked.
    #[error(transparent)]
    Controller(#[from] ControllerError),
}

/// Why no partitions were added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreatePartitionsError {
    /// → UNKNOWN_TOPIC_OR_PARTITION
    #[error("This server does not host this topic-partition.")]
    UnknownTopic,
    /// → INVALID_PARTITIONS
    #[error("{0}")]
    InvalidPartitions(String),
    /// → INVALID_REPLICA_ASSIGNMENT
    #[error("{0}")]
    InvalidReplicaAssignment(String),
    /// → INVALID_REPLICATION_FACTOR: fewer live brokers than the topic has replicas.
    #[error("{0}")]
    InvalidReplicationFactor(String),
    /// → POLICY_VIOLATION
    #[error("Excessively large number of partitions per request.")]
    TooManyPartitions,
    /// The controller could not be asked.
    #[error(transparent)]
    Controller(#[from] ControllerError),
}

/// Why a configuration was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlterConfigError {
    /// → UNKNOWN_TOPIC_OR_PARTITION
    #[error("The topic '{0}' does not exist.")]
    UnknownTopic(String),
    /// → INVALID_CONFIG
    #[error("{0}")]
    InvalidConfig(String),
    /// The controller could not be asked.
    #[error(transparent)]
    Controller(#[from] ControllerError),
}
