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
use crate::membership::seen::SeenFile;
use crate::partition::maintenance;

/// How long connections may take to end.
const DRAIN: Duration = Duration::from_secs(5);

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
    pub(super) seen_file: Arc<SeenFile>,
    pub(super) failures: Failures,
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
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

    /// Stops in order: no new requests, producers' state and log to disk, then out of the cluster.
    pub async fn shutdown(self) {
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
        let Membership { registrar, watcher, controller, registration, .. } = self.membership;
        // That of the last registration: etcd may have lost this broker meanwhile.
        let registered = *registrar.current().borrow();
        let epoch = registered.unwrap_or(registration).epoch;
        let revision = self.broker.image().revision;
        if let Err(error) = self.seen_file.end(revision, closed.then_some(epoch)) {
            tracing::error!(%error, "cannot note the orderly shutdown");
        }
        registrar.shutdown().await;
        // They must not notice that the coordinator in this process goes away.
        drop((watcher, controller, self.broker));
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}
