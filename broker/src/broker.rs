//! What requests find at hand: the parts of a running broker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use barnabas_coordinator_client::{Error, Member};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::from_json;
use barnabas_protocol::state::ids::BrokerId;
use barnabas_protocol::state::values::Controller;

use crate::config::BrokerConfig;
use crate::controller::{
    ControllerHandle, CreateTopicError, CreatedTopic, NewTopic, ProducerIdAllocator,
};
use crate::env;
use crate::group::GroupManager;
use crate::log::Store;
use crate::membership::ClusterMember;
use crate::metadata::{Image, ImageHandle, Revision};
use crate::partition::table::PartitionTable;
use crate::telemetry::LogLevels;

/// How long a handler waits until this broker has taken in a change that the controller has made.
const VISIBILITY: Duration = Duration::from_secs(5);
/// How long the controller may take for a topic that a client's metadata request creates.
const AUTO_CREATE: Duration = Duration::from_secs(10);

/// The controller and the members of etcd.
#[derive(Clone, Debug)]
pub(crate) struct Quorum {
    /// The elected controller, if there is one.
    pub(crate) controller: Option<BrokerId>,
    /// How often a controller was elected.
    pub(crate) term: i32,
    /// The members of etcd.
    pub(crate) members: Vec<Member>,
}

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
    /// The levels of the log.
    pub(crate) log_levels: Arc<LogLevels>,
    /// Reaches etcd, for what the image does not hold.
    pub(crate) member: ClusterMember,
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

    /// Waits until this broker serves the change with this revision, so that a client sees what it
    /// did. Gives up silently after a while: the change is made in any case.
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
        self.create_topics(topics, false, env::now() + AUTO_CREATE).await
    }

    /// Creates topics and waits until they are served, also those that existed already: whoever
    /// made them may have done so a moment ago. One result each, in order.
    pub(crate) async fn create_topics(
        &self,
        topics: Vec<NewTopic>,
        validate_only: bool,
        deadline: Instant,
    ) -> Vec<Result<CreatedTopic, CreateTopicError>> {
        let names: Vec<_> = topics.iter().map(|topic| topic.name.clone()).collect();
        let created = self.controller.create_topics(topics, validate_only, deadline).await;
        if let Some(last) = created.iter().flatten().map(|topic| topic.revision).max() {
            self.wait_for(last).await;
        }
        let exists =
            |result: &Result<_, _>| matches!(result, Err(CreateTopicError::AlreadyExists(_)));
        let existing = names.iter().zip(&created).filter(|(_, result)| exists(result));
        let existing: Vec<_> = existing.map(|(name, _)| name).collect();
        let served = |image: &Image| existing.iter().all(|name| image.topic(name).is_some());
        if !served(&self.image()) {
            // A topic that is deleted meanwhile is waited for in vain.
            let _ = tokio::time::timeout(VISIBILITY, self.served.wait_until(served)).await;
        }
        created
    }

    /// Asks etcd who the controller is and who its members are.
    ///
    /// # Errors
    /// If etcd does not answer.
    pub(crate) async fn quorum(&self) -> Result<Quorum, Error> {
        let ClusterMember { client, keys, .. } = &self.member;
        let (value, members) = tokio::try_join!(client.get(keys.controller()), client.members())?;
        let controller = value.and_then(|entry| from_json::<Controller>(&entry.value).ok());
        Ok(Quorum {
            term: controller.as_ref().map_or(0, |controller| controller.term),
            controller: controller.map(|controller| BrokerId(controller.broker_id)),
            members,
        })
    }
}
