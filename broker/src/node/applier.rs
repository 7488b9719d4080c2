//! Acts on each new image of the cluster, and only then lets requests see it: whoever reads that a
//! partition is led here finds it open.
//!
//! Beside it goes the loss of this broker's registration, which ends every leadership at once, also
//! while an image is being acted on.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::Client;
use barnabas_protocol::state::values::Cluster;
use barnabas_protocol::state::{Keys, from_json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::deletions::Deletions;
use super::join::Membership;
use super::restores::Restores;
use crate::config::BrokerConfig;
use crate::failure::Failing;
use crate::membership::{Lineage, Registration};
use crate::metadata::{Image, ImagePublisher, Revision};
use crate::partition::table::{PartitionTable, Strays, Unclaimed};

/// Pauses before what failed is tried again: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What the applier works with.
#[derive(Debug)]
pub(crate) struct Applier {
    pub(crate) client: Client,
    pub(crate) keys: Keys,
    pub(crate) partitions: Arc<PartitionTable>,
    /// The configuration that the broker was started with.
    pub(crate) started_with: Arc<BrokerConfig>,
    /// That configuration under the dynamic keys of the image.
    pub(crate) effective: Arc<ArcSwap<BrokerConfig>>,
    pub(crate) served: ImagePublisher,
    /// What etcd has to continue.
    pub(crate) lineage: Lineage,
    pub(crate) restores: Restores,
    pub(crate) deletions: Deletions,
    /// The logs here that the cluster does not know.
    pub(crate) strays: watch::Sender<Strays>,
    /// Told when etcd does not continue what it has to.
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
        if !self.restores.believe(image).await {
            return false;
        }
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
            partitions.unclaimed(&next)
        };
        let unclaimed = match tokio::task::spawn_blocking(work).await {
            Ok(unclaimed) => unclaimed,
            Err(error) => {
                tracing::error!(%error, "taking over the state of the cluster panicked; trying again");
                return false;
            }
        };
        if !again {
            self.served.publish((**image).clone());
            *before = Arc::clone(image);
        }
        let settled = self.settle(image, unclaimed).await;
        settled && !self.partitions.has_unopened()
    }

    /// Whether etcd has really gone back or is another one: it is asked again, at another endpoint
    /// if there is one, since its version 3.4 may answer with data of a moment ago. `None` if it
    /// does not answer.
    async fn is_certain(&self) -> Option<bool> {
        let read = self.client.get_elsewhere(self.keys.cluster_id()).await;
        let (revision, found) = read
            .inspect_err(|error| tracing::warn!(%error, "cannot ask etcd again for its revision"))
            .ok()?;
        let cluster = found.and_then(|kv| from_json::<Cluster>(&kv.value).ok());
        let cluster = cluster.map(|cluster| cluster.id);
        Some(self.lineage.check(revision, cluster.as_deref()).is_err())
    }

    /// Sees to the logs that belong to no partition. False when that has to be tried again.
    async fn settle(&self, image: &Image, unclaimed: Unclaimed) -> bool {
        let Unclaimed { deleted, strays } = unclaimed;
        self.strays.send_if_modified(|known| {
            let changed = *known != strays;
            *known = strays;
            changed
        });
        self.deletions.carry_out(image, deleted).await
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
