//! What coordinators share: which broker coordinates which shard, one task for each shard, and
//! writes to etcd that only the shard's current broker can make.
//!
//! ```text
//!  Coordinator::send ─▶ shard (task) ─▶ Service decides ─▶ Writes ─▶ WriteQueue (pure) ─▶ etcd
//!        placement ─────────┘ acquire, load, release
//! ```
//! [`crate::group`] is the service for consumer groups. A service keeps the state of one shard in
//! memory and does no I/O of its own. The assignment of shards to brokers is a pure function of the
//! image (`assignment`). The right to write comes from a claim: a key in etcd that every write
//! compares (`claim`).

mod assignment;
mod budget;
mod claim;
mod error;
mod health;
mod losses;
mod placement;
mod service;
mod shard;
mod write_queue;
mod writes;

use std::sync::Arc;

use arc_swap::ArcSwap;
use barnabas_coordinator_client::SessionState;
use barnabas_protocol::state::ids::BrokerId;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::BrokerConfig;
use crate::failure::Failing;
use crate::membership::ClusterMember;
use crate::metadata::ImageHandle;
use assignment::{owner, shard_of};
use health::{EtcdHealth, FailureLog};
use losses::Losses;
use placement::Placement;
use shard::{Message, Shard, Shared};

pub(crate) use budget::{Permit, TooMuch, WriteBudget};
pub(crate) use error::WriteError;
pub(crate) use service::{Now, Service, Standing};
pub(crate) use write_queue::{Change, Condition};
pub(crate) use writes::{Finished, Writes};

/// Requests that may wait in the mailbox of one shard. The sender of the next one waits.
const MAILBOX: usize = 256;

/// What a coordinator needs from the broker.
#[derive(Debug)]
pub struct CoordinatorParts {
    /// This broker. Its image is the cluster as the broker serves it.
    pub member: ClusterMember,
    /// The number of shards, the same on all brokers of the cluster.
    pub shards: usize,
    /// The state of the session with etcd.
    pub session: watch::Receiver<SessionState>,
    /// The configuration in effect.
    pub config: Arc<ArcSwap<BrokerConfig>>,
    /// Runs the background tasks.
    pub tasks: TaskTracker,
    /// Ends the background tasks.
    pub stop: CancellationToken,
    /// Ends the broker if a background task panics.
    pub failing: Failing,
}

/// A handle to the shards of one kind of coordinator; cheap to clone.
#[derive(Debug)]
pub(crate) struct Coordinator<S: Service> {
    image: ImageHandle,
    shards: Arc<[mpsc::Sender<Message<S>>]>,
}

impl<S: Service> Clone for Coordinator<S> {
    fn clone(&self) -> Self {
        Self { image: self.image.clone(), shards: Arc::clone(&self.shards) }
    }
}

impl<S: Service> Coordinator<S> {
    /// Starts a task for each shard, and one that claims and releases shards.
    pub(crate) fn start(parts: CoordinatorParts, service: impl Fn() -> S) -> Self {
        let CoordinatorParts { member, config, .. } = parts;
        let ClusterMember { client, keys, broker, registration, image } = member;
        let health = EtcdHealth::new(parts.session);
        let failures = FailureLog::new(S::NAME);
        let losses = Losses::default();
        let shared = Arc::new(Shared { client, keys, broker, config, health, failures, losses });
        let start = |index| {
            let (sender, mailbox) = mpsc::channel(MAILBOX);
            let shard = Shard::new(index, Arc::clone(&shared), service());
            let run = shard.run(mailbox, parts.stop.clone());
            parts.tasks.spawn(parts.failing.clone().needs(S::NAME, run));
            sender
        };
        let shards: Arc<[_]> = (0..parts.shards.max(1)).map(start).collect();
        let placement = Placement {
            shared: Arc::clone(&shared),
            image: image.clone(),
            registration,
            shards: Arc::clone(&shards),
        };
        let run = placement.run(parts.stop);
        parts.tasks.spawn(parts.failing.needs("the placement of coordinators", run));
        Self { image, shards }
    }

    fn shard_of(&self, id: &str) -> usize {
        shard_of(id, self.shards.len())
    }

    /// The broker that coordinates the group or transaction with this id. `None` while no broker
    /// can.
    pub(crate) fn owner_of(&self, id: &str) -> Option<BrokerId> {
        owner(&self.image.load(), self.shard_of(id))
    }

    /// Sends a request to the shard of `id`. Where the broker is stopping, the request is dropped.
    pub(crate) async fn send(&self, id: &str, request: S::Request) {
        self.send_to(self.shard_of(id), request).await;
    }

    /// Sends a request to one shard.
    pub(crate) async fn send_to(&self, shard: usize, request: S::Request) {
        drop(self.shards[shard].send(Message::Request(request)).await);
    }

    /// The number of shards.
    pub(crate) fn shards(&self) -> usize {
        self.shards.len()
    }
}
