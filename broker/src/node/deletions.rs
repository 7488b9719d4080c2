//! Deletes the logs of deleted topics, and says so.
//!
//! Deleting a topic leaves a tombstone in etcd, which names the brokers that may hold data. Each
//! frees its logs, syncs, and takes itself off the list; the last one removes the tombstone. Logs
//! whose topic is gone without a tombstone are kept.

use std::collections::BTreeMap;

use barnabas_coordinator_client::{
    CreateRevision, Error, Expect, KeyValue, Txn, TxnError, TxnOutcome,
};
use barnabas_protocol::state::ids::TopicId;
use barnabas_protocol::state::values::DeletedTopic;
use barnabas_protocol::state::{StateError, from_json, to_json};
use futures_util::{StreamExt, stream};

use super::local_logs::LocalLogs;
use crate::log::{LogId, StoreFault};
use crate::metadata::Image;

/// Tombstones that are read or written together.
const IN_FLIGHT: usize = 16;

/// Attempts at a tombstone that other brokers write as well.
const ATTEMPTS: usize = 10;

/// Why a deletion is not complete.
#[derive(Debug, thiserror::Error)]
enum DeletionError {
    #[error(transparent)]
    Read(#[from] Error),
    #[error(transparent)]
    Write(#[from] TxnError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Store(#[from] StoreFault),
    #[error("this broker is not registered")]
    NotRegistered,
    #[error("other brokers change the tombstone all the time")]
    Contended,
    #[error("the task died")]
    Died,
}

/// Carries out deletions.
#[derive(Debug)]
pub(crate) struct Deletions {
    pub(crate) logs: LocalLogs,
}

impl Deletions {
    /// Deletes the logs of deleted topics, and confirms every deletion that waits for this broker.
    /// False when something has to be tried again.
    pub(crate) async fn carry_out(
        &self,
        image: &Image,
        logs: BTreeMap<TopicId, Vec<LogId>>,
    ) -> bool {
        let named = |id: &TopicId| {
            image
                .deleted
                .get(id)
                .is_some_and(|topic| topic.brokers.contains(&self.logs.member.broker))
        };
        let waiting =
            image.deleted.keys().filter(|id| named(id) && image.topic_by_id(**id).is_none());
        let mut wanted: BTreeMap<_, _> = waiting.map(|id| (*id, Vec::new())).collect();
        wanted.extend(logs);
        if wanted.is_empty() {
            return true;
        }
        match self.delete(wanted).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "cannot complete the deletion of topics; trying again");
                false
            }
        }
    }

    async fn delete(&self, wanted: BTreeMap<TopicId, Vec<LogId>>) -> Result<(), DeletionError> {
        // An image is only a hint: data goes when etcd itself, asked anew, has the tombstone.
        let confirmed = stream::iter(wanted).map(|(id, logs)| async move {
            Ok::<_, DeletionError>((self.tombstone(id).await?.is_some(), id, logs))
        });
        let mut confirmed = confirmed.buffer_unordered(IN_FLIGHT);
        let (mut topics, mut all) = (Vec::new(), Vec::new());
        while let Some(result) = confirmed.next().await {
            let (is_deleted, id, logs) = result?;
            if is_deleted {
                topics.push(id);
                all.extend(logs);
            }
        }
        self.free(all).await?;
        topics.iter().for_each(|id| self.logs.table.forget(*id));
        let mut done = stream::iter(topics).map(|id| self.confirm(id)).buffer_unordered(IN_FLIGHT);
        while let Some(result) = done.next().await {
            result?;
        }
        Ok(())
    }

    /// Deletes logs, so that they do not come back with a power failure.
    async fn free(&self, logs: Vec<LogId>) -> Result<(), DeletionError> {
        if logs.is_empty() {
            return Ok(());
        }
        let (store, count) = (self.logs.store.clone(), logs.len());
        let freed = tokio::task::spawn_blocking(move || {
            store.delete(&logs)?;
            store.sync()
        });
        freed.await.map_err(|_| DeletionError::Died)??;
        tracing::info!(partitions = count, "deleted the logs of deleted topics");
        Ok(())
    }

    async fn tombstone(&self, id: TopicId) -> Result<Option<KeyValue>, DeletionError> {
        Ok(self.logs.member.client.get(self.logs.member.keys.deleted_topic(id)).await?)
    }

    /// Takes this broker off the list of those that hold data of a deleted topic.
    async fn confirm(&self, id: TopicId) -> Result<(), DeletionError> {
        let key = self.logs.member.keys.deleted_topic(id);
        for _ in 0..ATTEMPTS {
            let Some(found) = self.tombstone(id).await? else { return Ok(()) };
            let mut value: DeletedTopic = from_json(&found.value)?;
            let before = value.brokers.len();
            value.brokers.retain(|broker| *broker != self.logs.member.broker.0);
            if value.brokers.len() == before && before > 0 {
                return Ok(());
            }
            let registration = *self.logs.member.registration.borrow();
            let registration = registration.ok_or(DeletionError::NotRegistered)?;
            let current = Expect::CreateRevision(CreateRevision(registration.epoch.0));
            let txn = Txn::new()
                .expect(key.clone(), Expect::ModRevision(found.mod_revision))
                .expect(self.logs.member.keys.broker(self.logs.member.broker), current);
            let txn = match value.brokers.is_empty() {
                true => txn.delete(key.clone()),
                false => txn.put(key.clone(), to_json(&value)),
            };
            match self.logs.member.client.txn(txn).await {
                Ok(TxnOutcome::Committed { .. }) => return Ok(()),
                Ok(TxnOutcome::Conflict { .. }) | Err(TxnError::Indeterminate(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(DeletionError::Contended)
    }
}
