//! The only door to the controller: commands through a bounded queue, one answer for each item
//! asked.

use std::time::Instant;

use tokio::sync::{mpsc, oneshot};

use super::error::{
    AlterConfigError, ControllerError, CreatePartitionsError, CreateTopicError, DeleteTopicError,
};
use super::request::{
    ConfigChange, CreatedPartitions, CreatedTopic, DeletedTopic, NewPartitions, NewTopic, TopicRef,
};
use crate::metadata::Revision;

/// How many commands may wait; the next one is answered `Busy`.
pub(crate) const QUEUE_COMMANDS: usize = 1024;

/// Asks this broker's controller; cheap to clone. Answers `NotController` while this broker is not
/// elected.
#[derive(Clone, Debug)]
pub struct ControllerHandle {
    commands: mpsc::Sender<Command>,
}

/// One result for each item of the request, in its order.
pub(crate) type Reply<T, E> = oneshot::Sender<Vec<Result<T, E>>>;

/// What waits in the queue.
#[derive(Debug)]
pub(crate) enum Command {
    /// See [`ControllerHandle::create_topics`].
    CreateTopics {
        topics: Vec<NewTopic>,
        validate_only: bool,
        deadline: Instant,
        reply: Reply<CreatedTopic, CreateTopicError>,
    },
    /// See [`ControllerHandle::delete_topics`].
    DeleteTopics {
        topics: Vec<TopicRef>,
        deadline: Instant,
        reply: Reply<DeletedTopic, DeleteTopicError>,
    },
    /// See [`ControllerHandle::create_partitions`].
    CreatePartitions {
        topics: Vec<NewPartitions>,
        validate_only: bool,
        deadline: Instant,
        reply: Reply<CreatedPartitions, CreatePartitionsError>,
    },
    /// See [`ControllerHandle::alter_configs`].
    AlterConfigs {
        changes: Vec<ConfigChange>,
        validate_only: bool,
        deadline: Instant,
        reply: Reply<Revision, AlterConfigError>,
    },
}

impl ControllerHandle {
    /// A handle and the queue that the service reads.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Command>) {
        let (commands, queue) = mpsc::channel(QUEUE_COMMANDS);
        (Self { commands }, queue)
    }

    /// Creates topics: one result for each, in order. Each topic succeeds or fails by itself.
    pub async fn create_topics(
        &self,
        topics: Vec<NewTopic>,
        validate_only: bool,
        deadline: Instant,
    ) -> Vec<Result<CreatedTopic, CreateTopicError>> {
        let count = topics.len();
        self.ask(count, deadline, |reply| Command::CreateTopics {
            topics,
            validate_only,
            deadline,
            reply,
        })
        .await
    }

    /// Deletes topics: one result for each, in order.
    pub async fn delete_topics(
        &self,
        topics: Vec<TopicRef>,
        deadline: Instant,
    ) -> Vec<Result<DeletedTopic, DeleteTopicError>> {
        let count = topics.len();
        self.ask(count, deadline, |reply| Command::DeleteTopics { topics, deadline, reply }).await
    }

    /// Adds partitions to topics: one result for each, in order.
    pub async fn create_partitions(
        &self,
        topics: Vec<NewPartitions>,
        validate_only: bool,
        deadline: Instant,
    ) -> Vec<Result<CreatedPartitions, CreatePartitionsError>> {
        let count = topics.len();
        self.ask(count, deadline, |reply| Command::CreatePartitions {
            topics,
            validate_only,
            deadline,
            reply,
        })
        .await
    }

    /// Changes configurations: for each resource, in order, the revision that shows the change.
    pub async fn alter_configs(
        &self,
        changes: Vec<ConfigChange>,
        validate_only: bool,
        deadline: Instant,
    ) -> Vec<Result<Revision, AlterConfigError>> {
        let count = changes.len();
        self.ask(count, deadline, |reply| Command::AlterConfigs {
            changes,
            validate_only,
            deadline,
            reply,
        })
        .await
    }

    /// Queues a command and waits for its answer until the deadline.
    async fn ask<T, E: From<ControllerError>>(
        &self,
        count: usize,
        deadline: Instant,
        command: impl FnOnce(Reply<T, E>) -> Command,
    ) -> Vec<Result<T, E>> {
        let (reply, answer) = oneshot::channel();
        let error = match self.commands.try_send(command(reply)) {
            Ok(()) => match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(Ok(results)) => return results,
                Ok(Err(_)) => ControllerError::NotController,
                Err(_) => ControllerError::TimedOut,
            },
            Err(mpsc::error::TrySendError::Full(_)) => ControllerError::Busy,
            Err(mpsc::error::TrySendError::Closed(_)) => ControllerError::NotController,
        };
        (0..count).map(|_| Err(error.into())).collect()
    }
}
