//! Acts on each new image of the cluster, and only then lets requests see it: whoever reads that a
//! partition is led here finds it open.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::{Client, Error};
use barnabas_protocol::state::values::{ClusterId, Topic};
use barnabas_protocol::state::{Keys, StateError, StateKey, from_json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::BrokerConfig;
use crate::failure::Failing;
use crate::log::Store;
use crate::membership::{BrokenLineage, Lineage};
use crate::metadata::{Image, ImagePublisher, Revision};
use crate::partition::table::{Orphans, PartitionTable};

/// Pause before an image that could not be acted on is tried again.
const RETRY: Duration = Duration::from_secs(1);

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
    pub(crate) registry: Arc<PartitionTable>,
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
    /// Follows `images` until `stop`.
    pub(crate) async fn run(
        mut self,
        mut images: watch::Receiver<Arc<Image>>,
        stop: CancellationToken,
    ) {
        // Before etcd has answered there is an empty image, which says nothing about what exists.
        let known = |image: &Arc<Image>| image.revision > Revision(0);
        tokio::select! {
            () = stop.cancelled() => return,
            first = images.wait_for(known) => if first.is_err() { return },
        }
        let mut previous = Arc::new(Image::default());
        loop {
            let image = Arc::clone(&images.borrow_and_update());
            if let Err(broken) = self.lineage.follow(&image) {
                return self.failing.report(broken);
            }
            let orphans = self.apply(&previous, &image).await;
            let mut settled = false;
            if let Some(orphans) = orphans {
                self.served.publish((*image).clone());
                previous = image;
                settled = orphans.is_empty() || self.delete(orphans).await;
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = images.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RETRY), if !settled => {}
            }
        }
    }

    /// Acts on an image; `None` when that failed.
    async fn apply(&self, before: &Image, image: &Arc<Image>) -> Option<Vec<Orphans>> {
        let recompute = before.broker_configs != image.broker_configs;
        if recompute {
            self.effective.store(Arc::new(
                self.started_with.effective(image.overrides(self.started_with.broker_id)),
            ));
        }
        let (registry, image) = (Arc::clone(&self.registry), Arc::clone(image));
        let config = Arc::clone(&self.started_with);
        let work = move || registry.apply(&image, &config, recompute);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(orphans)) => Some(orphans),
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot take over the state of the cluster; trying again");
                None
            }
            Err(error) => {
                tracing::error!(%error, "taking over the state of the cluster died; trying again");
                None
            }
        }
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

    /// Deletes the logs of topics that are gone. An image is only a hint: data goes when etcd itself, asked
    /// anew, does not have the topic. False when that has to be tried again.
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
                gone.iter().for_each(|orphan| self.registry.forget(orphan.topic_id));
                tracing::info!(partitions = count, "deleted the logs of deleted topics");
                true
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot delete the logs of deleted topics; trying again");
                false
            }
            Err(error) => {
                tracing::error!(%error, "deleting the logs of deleted topics died; trying again");
                false
            }
        }
    }
}
