//! Acts on each new image of the cluster, and only then lets requests see it: whoever reads that a
//! partition is led here finds it open.
//!
//! Beside it goes the loss of this broker's registration, which ends every leadership at once, also
//! while an image is being acted on.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::{Client, Error};
use barnabas_protocol::state::values::{ClusterId, Topic};
use barnabas_protocol::state::{Keys, StateError, StateKey, from_json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::join::Membership;
use crate::config::BrokerConfig;
use crate::failure::Failing;
use crate::log::Store;
use crate::membership::{BrokenLineage, Lineage, Registration};
use crate::metadata::{Image, ImagePublisher, Revision};
use crate::partition::table::{Orphans, PartitionTable};

/// Pauses before what failed is tried again: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why it is not known which topics there are.
#[derive(Debug, thiserror::Error)]
enum ConfirmError {
    #[error(transparent)]
    Read(#[from] Error),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Lineage(#[from] BrokenLineage),
}

/// What the applier works with.
#[derive(Debug)]
pub(crate) struct Applier {
    pub(crate) client: Client,
    pub(crate) keys: Keys,
    pub(crate) partitions: Arc<PartitionTable>,
    pub(crate) store: Store,
    /// The configuration that the broker was started with.
    pub(crate) started_with: Arc<BrokerConfig>,
    /// That configuration under the dynamic keys of the image.
    pub(crate) effective: Arc<ArcSwap<BrokerConfig>>,
    pub(crate) served: ImagePublisher,
    /// What etcd has to continue.
    pub(crate) lineage: Lineage,
    /// Told when it does not.
    pub(crate) failing: Failing,
}

impl Applier {
    /// Follows the images and this broker's registration until `stop`.
    pub(super) fn run(
        self,
        membership: &Membership,
        stop: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let images = membership.watcher.image().updates();
        let registration = membership.registrar.current();
        async move {
            let leaderships = follow_registration(Arc::clone(&self.partitions), registration);
            tokio::select! {
                () = stop.cancelled() => {}
                () = leaderships => {}
                () = self.follow(images) => {}
            }
        }
    }

    async fn follow(mut self, mut images: watch::Receiver<Arc<Image>>) {
        // Before etcd has answered there is an empty image, which says nothing about what exists.
        let known = |image: &Arc<Image>| image.revision > Revision(0);
        if images.wait_for(known).await.is_err() {
            return;
        }
        let mut previous = Arc::new(Image::default());
        let mut failures = 0;
        loop {
            let image = Arc::clone(&images.borrow_and_update());
            let settled = match self.lineage.follow(&image) {
                Ok(()) => self.take_over(&mut previous, &image).await,
                Err(broken) => match self.is_certain().await {
                    Some(true) => return self.failing.report(broken),
                    // A stale answer, or none: a later image will do.
                    Some(false) | None => false,
                },
            };
            failures = if settled { 0 } else { failures + 1 };
            tokio::select! {
                changed = images.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause(failures)), if !settled => {}
            }
        }
    }

    /// Acts on an image and publishes it. False if something is left to be tried again.
    async fn take_over(&self, before: &mut Arc<Image>, image: &Arc<Image>) -> bool {
        let all_configs = before.broker_configs != image.broker_configs;
        if all_configs {
            let overrides = image.overrides(self.started_with.broker_id);
            self.effective.store(Arc::new(self.started_with.effective(overrides)));
        }
        let (partitions, config) = (Arc::clone(&self.partitions), Arc::clone(&self.started_with));
        let again = Arc::ptr_eq(before, image);
        let next = Arc::clone(image);
        let work = move || {
            partitions.apply(&next, &config, all_configs);
            if again {
                partitions.reopen();
            }
            partitions.orphans(&next)
        };
        let orphans = match tokio::task::spawn_blocking(work).await {
            Ok(orphans) => orphans,
            Err(error) => {
                tracing::error!(%error, "taking over the state of the cluster panicked; trying again");
                return false;
            }
        };
        if !again {
            self.served.publish((**image).clone());
            *before = Arc::clone(image);
        }
        let deleted = orphans.is_empty() || self.delete(orphans).await;
        deleted && !self.partitions.has_unopened()
    }

    /// Whether etcd has really gone back or is another one: it is asked again, at another endpoint
    /// if there is one, since its version 3.4 may answer with data of a moment ago. `None` if it
    /// does not answer.
    async fn is_certain(&self) -> Option<bool> {
        let read = self.client.get_elsewhere(self.keys.cluster_id()).await;
        let (revision, found) = read
            .inspect_err(|error| tracing::warn!(%error, "cannot ask etcd again for its revision"))
            .ok()?;
        let cluster = found.and_then(|kv| from_json::<ClusterId>(&kv.value).ok());
        let cluster = cluster.map(|cluster| cluster.id);
        Some(self.lineage.check(revision, cluster.as_deref()).is_err())
    }

    /// The ids of all topics, from an etcd that is known to be the cluster's by the same read.
    async fn living(&self) -> Result<Vec<String>, ConfirmError> {
        // The cluster's id lies between the topics and the configs.
        let listing = self.client.list_between(self.keys.topics(), self.keys.all_configs()).await?;
        let (mut living, mut cluster_id) = (Vec::new(), None);
        for entry in &listing.entries {
            match self.keys.parse(&entry.key) {
                Some(StateKey::Topic { .. }) => {
                    let topic: Topic = from_json(&entry.value)?;
                    // Without partitions it is being deleted.
                    living.extend((topic.partitions > 0).then_some(topic.topic_id));
                }
                Some(StateKey::ClusterId) => {
                    cluster_id = Some(from_json::<ClusterId>(&entry.value)?.id);
                }
                _ => {}
            }
        }
        self.lineage.check(listing.revision, cluster_id.as_deref())?;
        Ok(living)
    }

    /// Deletes the logs of topics that are gone. An image is only a hint: data goes when etcd
    /// itself, asked anew, does not have the topic. False when that has to be tried again.
    async fn delete(&self, orphans: Vec<Orphans>) -> bool {
        let living = match self.living().await {
            Ok(living) => living,
            Err(error) => {
                tracing::error!(%error, "cannot confirm that topics are deleted; keeping their data for now");
                return false;
            }
        };
        let gone: Vec<_> = orphans
            .into_iter()
            .filter(|orphan| !living.contains(&orphan.topic_id.to_kafka_string()))
            .collect();
        let logs: Vec<_> = gone.iter().flat_map(|orphan| orphan.logs.iter().copied()).collect();
        if logs.is_empty() {
            // etcd has them after all: the next image will, too.
            return true;
        }
        let (store, count) = (self.store.clone(), logs.len());
        match tokio::task::spawn_blocking(move || store.delete(&logs)).await {
            Ok(Ok(())) => {
                gone.iter().for_each(|orphan| self.partitions.forget(orphan.topic_id));
                tracing::info!(partitions = count, "deleted the logs of deleted topics");
                true
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot delete the logs of deleted topics; trying again");
                false
            }
            Err(error) => {
                tracing::error!(%error, "deleting the logs of deleted topics panicked; trying again");
                false
            }
        }
    }
}

/// Keeps the roles of the partitions level with this broker's registration: without one it leads
/// nothing, and a new one is another life, whose leaderships the controller has yet to give out.
async fn follow_registration(
    partitions: Arc<PartitionTable>,
    mut registration: watch::Receiver<Option<Registration>>,
) {
    loop {
        let epoch = registration.borrow_and_update().map(|registration| registration.epoch);
        partitions.set_registration(epoch);
        if epoch.is_none() {
            tracing::warn!(
                "the registration of this broker is lost; it leads no partition until it has a new one"
            );
        }
        if registration.changed().await.is_err() {
            // The broker shuts down; until then the last registration holds.
            return std::future::pending().await;
        }
    }
}

/// How long to wait after so many failures in a row.
fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses: Vec<_> = (1..10).map(|failures| pause(failures).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
        assert_eq!(pause(u32::MAX), LONGEST_PAUSE);
    }
}
