//! What parts of the broker need to act in the cluster.

use barnabas_coordinator_client::Client;
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::BrokerId;
use tokio::sync::watch;

use super::Registration;
use crate::metadata::ImageHandle;

/// This broker as a member of the cluster.
#[derive(Clone, Debug)]
pub struct ClusterMember {
    /// Reaches etcd.
    pub client: Client,
    /// The cluster's keys.
    pub keys: Keys,
    /// `broker.id`
    pub broker: BrokerId,
    /// The broker's registration; `None` while it has none.
    pub registration: watch::Receiver<Option<Registration>>,
    /// The cluster as the part is to see it: as etcd has it, or as far as this broker has acted on
    /// it.
    pub image: ImageHandle,
}
