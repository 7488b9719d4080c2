//! What requests find at hand: the parts of a running broker.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::BrokerId;

use crate::config::BrokerConfig;
use crate::controller::{
    ControllerHandle, CreateTopicError, CreatedTopic, NewTopic, ProducerIdAllocator,
};
use crate::env;
use crate::group::GroupManager;
use crate::log::Store;
use crate::metadata::{Image, ImageHandle, Revision};
use crate::partition::table::PartitionTable;

/// How long a handler waits until this broker has taken in a change that the controller has made.
const VISIBILITY: Duration = Duration::from_secs(5);
/// How long the controller may take for a topic that a client's metadata request creates.
const AUTO_CREATE: Duration = Duration::from_secs(10);

/// What requests find at hand.
#[derive(Debug)]
pub struct Broker {
    /// `broker.id`.
    pub id: BrokerId,
    /// The cluster's id.
    pub cluster_id: Str,
    /// The configuration in effect, dynamic keys included.
    pub(crate) effective: Arc<ArcSwap<BrokerConfig>>,
    /// The cluster as far as this broker has acted on it: what it leads here is open for requests.
    pub served: ImageHandle,
    /// The controller, if it is this broker.
    pub controller: ControllerHandle,
    /// Ids for idempotent producers.
    pub producer_ids: ProducerIdAllocator,
    /// Local partitions.
    pub partitions: Arc<PartitionTable>,
    /// Their logs.
    pub store: Store,
    /// Consumer groups.
    pub groups: GroupManager,
}

impl Broker {
    /// The cluster as this broker serves it.
    #[must_use]
    pub fn image(&self) -> Arc<Image> {
        self.served.load()
    }

    /// The configuration in effect.
    #[must_use]
    pub fn config(&self) -> Arc<BrokerConfig> {
        self.effective.load_full()
    }

    /// Waits until this broker serves the change with this revision, so that a client sees what it did.
    /// Gives up silently after a while: the change is made in any case.
    pub async fn wait_for(&self, revision: Revision) {
        let served = tokio::time::timeout(VISIBILITY, self.served.wait_for(revision)).await;
        if served.is_err() {
            tracing::warn!(revision = revision.0, "a change of the cluster is slow to arrive");
        }
    }

    /// Creates topics with the defaults and waits until they are served; one result each, in order.
    pub(crate) async fn create_default_topics(
        &self,
        topics: Vec<NewTopic>,
    ) -> Vec<Result<CreatedTopic, CreateTopicError>> {
        let deadline = env::now() + AUTO_CREATE;
        let created = self.controller.create_topics(topics, false, deadline).await;
        if let Some(last) = created.iter().flatten().map(|topic| topic.revision).max() {
            self.wait_for(last).await;
        }
        created
    }
}
