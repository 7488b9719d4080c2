//! A broker that serves requests, until it is shut down.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::Client;
use barnabas_coordinator_client::embedded::Server;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::join::Membership;
use crate::broker::Broker;
use crate::failure::{Failure, Failures};
use crate::membership::LifeFile;
use crate::membership::seen::SeenFile;
use crate::partition::maintenance;

/// How long connections may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// How long etcd may take to note that this broker shuts down.
const ANNOUNCEMENT: Duration = Duration::from_secs(1);

/// A broker that serves requests.
#[derive(Debug)]
pub struct Running {
    /// What requests find at hand.
    pub broker: Arc<Broker>,
    /// The listeners' names and addresses, with the ports that were given out.
    pub addresses: Vec<(Arc<str>, SocketAddr)>,
    pub(super) client: Client,
    pub(super) embedded: Option<Server>,
    pub(super) membership: Membership,
    pub(super) files: Files,
    pub(super) failures: Failures,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// What the broker notes in its data directory.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) seen: Arc<SeenFile>,
    pub(super) life: Arc<LifeFile>,
}

impl Running {
    /// Where the coordinator can be reached.
    #[must_use]
    pub fn coordinator(&self) -> &[String] {
        &self.client.config().endpoints
    }

    /// Waits for what this broker cannot go on after; it is to be shut down then.
    pub async fn failed(&mut self) -> Failure {
        match self.failures.recv().await {
            Some(failure) => failure,
            None => std::future::pending().await,
        }
    }

    /// Lets the controller give this broker's leaderships to others.
    async fn announce_shutdown(&self) {
        let announcing = self.membership.member.announce_shutdown();
        match tokio::time::timeout(ANNOUNCEMENT, announcing).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot say that this broker shuts down"),
            Err(_) => {
                tracing::warn!("cannot say that this broker shuts down: etcd does not answer")
            }
        }
    }

    /// Stops in order: no new requests, producers' state and log to disk, then out of the cluster.
    pub async fn shutdown(self) {
        self.announce_shutdown().await;
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        let (store, partitions) = (self.broker.store.clone(), Arc::clone(&self.broker.partitions));
        let closing = move || {
            let logs: Vec<_> = partitions.all().iter().map(|partition| partition.log).collect();
            maintenance::snapshot(&partitions, &store, &logs);
            store.close()
        };
        let closed = match tokio::task::spawn_blocking(closing).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::error!(%error, "the log could not be closed in order");
                false
            }
            Err(_) => false,
        };
        let Files { seen, life } = &self.files;
        let noted = seen.note(self.broker.image().revision);
        let noted = noted.and_then(|()| if closed { life.closed() } else { Ok(()) });
        if let Err(error) = noted {
            tracing::error!(%error, "cannot note the orderly shutdown");
        }
        let Membership { registrar, watcher, controller, .. } = self.membership;
        registrar.shutdown().await;
        // They must not notice that the coordinator in this process goes away.
        drop((watcher, controller, self.broker));
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}
