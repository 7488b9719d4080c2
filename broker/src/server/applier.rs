//! Acts on each new image of the cluster, and only then lets requests see it: whoever reads that a
//! partition is led here finds it open.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::Client;
use barnabas_protocol::state::values::Topic;
use barnabas_protocol::state::{Keys, StateKey, from_json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::BrokerConfig;
use crate::log::Store;
use crate::metadata::{Image, ImagePublisher};
use crate::partition::registry::{Orphans, Registry};

/// Pause before an image that could not be acted on is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the applier works with.
#[derive(Debug)]
pub(super) struct Applier {
    pub(super) client: Client,
    pub(super) keys: Keys,
    pub(super) registry: Arc<Registry>,
    pub(super) store: Store,
    /// The configuration that the broker was started with.
    pub(super) started_with: Arc<BrokerConfig>,
    /// That configuration under the dynamic keys of the image.
    pub(super) effective: Arc<ArcSwap<BrokerConfig>>,
    pub(super) served: ImagePublisher,
}

impl Applier {
    /// Follows `images` until `stop`.
    pub(super) async fn run(
        self,
        mut images: watch::Receiver<Arc<Image>>,
        stop: CancellationToken,
    ) {
        let mut previous = Arc::new(Image::default());
        let mut orphans = Vec::new();
        loop {
            let image = Arc::clone(&images.borrow_and_update());
            let applied = self.apply(&previous, &image, &mut orphans).await;
            if applied {
                self.served.publish((*image).clone());
                previous = image;
                self.delete_orphans(&mut orphans).await;
            }
            let settled = applied && orphans.is_empty();
            tokio::select! {
                () = stop.cancelled() => return,
                changed = images.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RETRY), if !settled => {}
            }
        }
    }

    async fn apply(&self, before: &Image, image: &Arc<Image>, orphans: &mut Vec<Orphans>) -> bool {
        let recompute = before.broker_configs != image.broker_configs;
        if recompute {
            self.effective.store(Arc::new(self.started_with.effective(image)));
        }
        let (registry, image) = (Arc::clone(&self.registry), Arc::clone(image));
        let config = Arc::clone(&self.started_with);
        let work = move || registry.apply(&image, &config, recompute);
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(found)) => {
                orphans.extend(found);
                true
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot take over the state of the cluster; trying again");
                false
            }
            Err(error) => {
                tracing::error!(%error, "taking over the state of the cluster died; trying again");
                false
            }
        }
    }

    /// Deletes the logs of topics that are gone. An image is only a hint: data goes when etcd itself, asked
    /// anew, does not have the topic.
    async fn delete_orphans(&self, orphans: &mut Vec<Orphans>) {
        if orphans.is_empty() {
            return;
        }
        let listing = match self.client.list(self.keys.topics()).await {
            Ok(listing) => listing,
            Err(error) => {
                tracing::warn!(%error, "cannot confirm that topics are deleted; keeping their data for now");
                return;
            }
        };
        let topic_key = |key: &[u8]| matches!(self.keys.parse(key), Some(StateKey::Topic { .. }));
        let topics = listing.entries.iter().filter(|entry| topic_key(&entry.key));
        let mut living = Vec::new();
        for entry in topics {
            match from_json::<Topic>(&entry.value) {
                Ok(topic) => living.push(topic.topic_id),
                Err(error) => {
                    tracing::error!(%error, "a topic in etcd cannot be read; deleting nothing");
                    return;
                }
            }
        }
        let gone = std::mem::take(orphans)
            .into_iter()
            .filter(|orphan| !living.iter().any(|id| *id == orphan.topic_id.to_kafka_string()));
        let logs: Vec<_> = gone.flat_map(|orphan| orphan.logs).collect();
        let (store, count) = (self.store.clone(), logs.len());
        match tokio::task::spawn_blocking(move || store.delete(&logs)).await {
            Ok(Ok(())) => tracing::info!(partitions = count, "deleted the logs of deleted topics"),
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot delete logs; left until the next start")
            }
            Err(error) => tracing::error!(%error, "deleting logs died; left until the next start"),
        }
    }
}
