//! Consumer groups.

use std::sync::Arc;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::Client;
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::BrokerId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::BrokerConfig;
use crate::controller::Registration;
use crate::metadata::ImageHandle;

/// What the group coordinator works with.
#[derive(Debug)]
pub struct GroupParts {
    /// Reaches etcd.
    pub client: Client,
    /// The cluster's keys.
    pub keys: Keys,
    /// This broker.
    pub broker: BrokerId,
    /// Its registration.
    pub registration: watch::Receiver<Option<Registration>>,
    /// The cluster as this broker serves it.
    pub image: ImageHandle,
    /// The configuration in effect.
    pub config: Arc<ArcSwap<BrokerConfig>>,
    /// Where background tasks run.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

/// The consumer groups that this broker coordinates.
#[derive(Debug)]
pub struct GroupManager {
    broker: BrokerId,
}

impl GroupManager {
    /// Starts the coordinator.
    #[must_use]
    pub fn start(parts: GroupParts) -> Self {
        Self { broker: parts.broker }
    }

    /// The broker that coordinates a group.
    #[must_use]
    pub fn coordinator_of(&self, _group: &str) -> Option<BrokerId> {
        Some(self.broker)
    }
}
