//! What the broker says about itself while it is registered: that it is ready, and that it is
//! shutting down.
//!
//! Registered is not ready: the broker may lead, and be given replicas, once it has acted on an
//! image that shows its registration.

use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::{Expect, ModRevision, Txn, TxnOutcome};
use barnabas_protocol::state::values::BrokerRegistration;
use barnabas_protocol::state::{from_json, to_json};
use tokio_util::sync::CancellationToken;

use super::{ClusterMember, RegistrationError};
use crate::metadata::Image;

/// Pause before a change that failed is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

impl ClusterMember {
    /// Says that the broker is ready, in each registration that its image shows, until `stop`.
    pub async fn announce_ready(self, stop: CancellationToken) {
        let mut served = self.image.updates();
        let announcing = async {
            loop {
                let unannounced = |image: &Arc<Image>| {
                    let shown = image.brokers.get(&self.broker).filter(|broker| !broker.ready);
                    let current = *self.registration.borrow();
                    shown.zip(current).is_some_and(|(shown, own)| shown.epoch == own.epoch)
                };
                if served.wait_for(unannounced).await.is_err() {
                    return;
                }
                match self.change(|value| value.ready = true).await {
                    // The next image shows it.
                    Ok(()) => {
                        if served.changed().await.is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot say that this broker is ready; trying again");
                        tokio::time::sleep(RETRY_PAUSE).await;
                    }
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = announcing => {}
        }
    }

    /// Says that the broker is shutting down.
    ///
    /// # Errors
    /// When etcd does not take it.
    pub async fn announce_shutdown(&self) -> Result<(), RegistrationError> {
        self.change(|value| value.shutting_down = true).await
    }

    /// Changes the registration, if it is there and still this broker's. Nobody else writes it.
    async fn change(
        &self,
        change: impl Fn(&mut BrokerRegistration),
    ) -> Result<(), RegistrationError> {
        let key = self.keys.broker(self.broker);
        let Some(registration) = *self.registration.borrow() else { return Ok(()) };
        loop {
            let Some(found) = self.client.get(&key).await? else { return Ok(()) };
            if found.create_revision.0 != registration.epoch.0 {
                return Ok(());
            }
            let before: BrokerRegistration = from_json(&found.value)?;
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(());
            }
            let unchanged = Expect::ModRevision(ModRevision(found.mod_revision.0));
            let txn = Txn::new().expect(key.clone(), unchanged).put_leased(
                key.clone(),
                to_json(&after),
                registration.lease,
            );
            if let TxnOutcome::Committed { .. } = self.client.txn_recognised(txn).await? {
                return Ok(());
            }
        }
    }
}
