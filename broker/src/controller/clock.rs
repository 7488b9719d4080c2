//! The controller's clock in etcd (`/cluster/clock`), by which a restore of etcd shows.

use barnabas_coordinator_client::{CLOCK_INTERVAL, Leadership};

use crate::membership::ClusterMember;

/// Writes the clock of one term.
pub(super) struct ClockWriter {
    pub(super) member: ClusterMember,
    pub(super) leadership: Leadership,
}

impl ClockWriter {
    /// Writes until the term is over: another controller is elected, or etcd does not have the
    /// clock as this term wrote it. (The election wrote it first.)
    pub(super) async fn run(mut self) {
        loop {
            tokio::time::sleep(CLOCK_INTERVAL).await;
            let now_ms = crate::env::wall_clock_ms();
            let ClusterMember { client, keys, broker, .. } = &self.member;
            match client.write_clock(&mut self.leadership, keys, *broker, now_ms).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::info!(
                        "this broker is not the controller any more: another clock is in etcd"
                    );
                    return;
                }
                Err(error) => tracing::warn!(%error, "cannot write the controller's clock"),
            }
        }
    }
}
