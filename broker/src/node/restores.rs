//! Whether an image may be believed: not if it shows less than this broker has acted on. Then etcd
//! was restored from a backup, and nobody may lead before that is counted in etcd.

use std::sync::Arc;

use barnabas_coordinator_client::{Client, Marks, ModRevision, RevisionJump};
use tokio_util::sync::CancellationToken;

use super::local_logs::LocalLogs;
use crate::failure::Failing;
use crate::log::{RestoreCount, StoreFault};
use crate::metadata::Image;

/// Compares images with what the logs remember.
#[derive(Clone, Debug)]
pub(crate) struct Restores {
    pub(crate) logs: LocalLogs,
}

impl Restores {
    /// Whether the broker may act on the image. If not, all of its roles are gone.
    pub(crate) async fn believe(&self, image: &Arc<Image>) -> bool {
        let (this, shown) = (self.clone(), Arc::clone(image));
        let judged = tokio::task::spawn_blocking(move || this.judge(&shown)).await;
        match judged {
            Ok(Ok(None)) => true,
            Ok(Ok(Some(proof))) => {
                self.count(image, proof).await;
                false
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "cannot note how often etcd was restored; trying again");
                false
            }
            Err(error) => {
                tracing::error!(%error, "comparing the state of the cluster with the logs died; trying again");
                false
            }
        }
    }

    /// Looks for proof; without any, notes the restore count. Blocks.
    fn judge(&self, image: &Image) -> Result<Option<String>, StoreFault> {
        if let Some(proof) = self.logs.table.proof_of_restore(image) {
            self.logs.table.withdraw();
            return Ok(Some(proof));
        }
        let shown =
            RestoreCount { count: image.restored.count, revision: image.restored.revision.0 };
        if self.logs.store.restored() != shown {
            self.logs.store.set_restored(shown)?;
        }
        Ok(None)
    }

    /// Raises the restore count. If somebody else does so at the same time, the next image shows
    /// it.
    async fn count(&self, image: &Image, proof: String) {
        let at = image.restored.revision.0;
        let restored = (at != 0).then_some(ModRevision(at));
        let marks = Marks { count: image.restored.count, restored, ..Marks::default() };
        let known = self.logs.store.restored().count;
        tracing::error!(
            proof,
            "etcd shows an older state than before: was a backup restored? Nobody leads before the logs are asked"
        );
        let cause = (self.logs.member.broker, proof);
        match self
            .logs
            .member
            .client
            .raise_restored(&self.logs.member.keys, &marks, known, cause)
            .await
        {
            Ok(Some(count)) => tracing::warn!(count, "the restore of etcd is counted"),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "cannot count the restore of etcd; trying again"),
        }
    }
}

/// Ends the broker when etcd's revision jumps: what this process knows is from before a restore.
pub(crate) async fn watch_for_jumps(client: Client, failing: Failing, stop: CancellationToken) {
    let mut jumps = client.revision_jump();
    let jumped = async {
        let jump = jumps.wait_for(Option::is_some).await.ok().and_then(|jump| *jump);
        match jump {
            Some(jump) => jump,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        jump = jumped => failing.report(Restored(jump)),
    }
}

/// etcd was restored while this broker ran.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}. This broker has deleted nothing, and ends, because what it knows is from before; start it again"
)]
struct Restored(RevisionJump);
