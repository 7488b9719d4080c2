//! Claims that turned out to be over, on their way from the shards to the placement.

use std::collections::BTreeMap;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::claim::Claim;

/// The last lost claim of each shard.
#[derive(Debug, Default)]
pub(super) struct Losses {
    lost: Mutex<BTreeMap<usize, Claim>>,
    reported: Notify,
}

impl Losses {
    pub(super) fn report(&self, shard: usize, claim: Claim) {
        self.lost.lock().insert(shard, claim);
        self.reported.notify_one();
    }

    /// Waits until a loss is reported.
    pub(super) async fn reported(&self) {
        self.reported.notified().await;
    }

    /// Takes the losses that were reported since the last call.
    pub(super) fn take(&self) -> BTreeMap<usize, Claim> {
        std::mem::take(&mut *self.lost.lock())
    }
}
