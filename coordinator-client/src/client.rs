//! The handle to etcd: one pinned endpoint, the next one when it fails.

use crate::{
    clock,
    config::ClientConfig,
    endpoint::{Endpoint, Lane},
    error::Error,
    failure::Failure,
    history::{History, RevisionJump},
    kv::{KeyValue, Revision},
    retry::Backoff,
};
use etcd_client::GetOptions;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// A cheap handle to the etcd cluster; clones share connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    config: ClientConfig,
    endpoints: Vec<Endpoint>,
    pinned: AtomicUsize,
    history: Arc<History>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoints", &self.inner.endpoints).finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a client. It connects when it is used: etcd need not be there yet.
    ///
    /// # Errors
    /// [`Error::Config`] where the configuration cannot work.
    pub fn connect(config: ClientConfig) -> Result<Self, Error> {
        let history = Arc::<History>::default();
        let endpoint = |url| Endpoint::new(url, Arc::clone(&history));
        let endpoints: Vec<_> = config.checked_endpoints()?.into_iter().map(endpoint).collect();
        // Clients start at different endpoints, so that one member does not serve them all.
        let pinned = AtomicUsize::new(rand::random_range(0..endpoints.len()));
        Ok(Self { inner: Arc::new(Inner { config, endpoints, pinned, history }) })
    }

    /// The configuration it was made with.
    #[must_use]
    pub fn config(&self) -> &ClientConfig {
        &self.inner.config
    }

    /// Shows that etcd was restored from a backup while this process ran. Every call fails from
    /// then on: what this process knows is from another history, so that it has to end.
    #[must_use]
    pub fn revision_jump(&self) -> watch::Receiver<Option<RevisionJump>> {
        self.inner.history.jump()
    }

    pub(crate) fn history(&self) -> &History {
        &self.inner.history
    }

    /// Reads one key as of now.
    ///
    /// # Errors
    /// [`Error::Unavailable`] after [`ClientConfig::request_timeout`] without an answer.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<KeyValue>, Error> {
        let (_, mut entries) = self.range(key.as_ref(), GetOptions::new()).await?;
        Ok(entries.pop())
    }

    /// Reads one key as of now at another endpoint than the one that is used at present, if there
    /// is another, and goes on using that one. Also returns the revision of the answer. For an
    /// answer that cannot be true: etcd 3.4 gives stale ones at times.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_elsewhere(
        &self,
        key: impl AsRef<[u8]>,
    ) -> Result<(Revision, Option<KeyValue>), Error> {
        self.rotate(self.pinned());
        let (revision, mut entries) = self.range(key.as_ref(), GetOptions::new()).await?;
        Ok((revision, entries.pop()))
    }

    /// Waits until etcd answers a read, for at most `request_timeout`; for a start that wants to
    /// say early that etcd is not there.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn ready(&self) -> Result<(), Error> {
        self.range(b"\0", GetOptions::new().with_count_only()).await.map(drop)
    }

    /// Repeats an idempotent call, going round the endpoints, until it has an answer or
    /// `request_timeout` is over.
    pub(crate) async fn idempotent<T, F, Fut>(&self, lane: Lane, call: F) -> Result<T, Error>
    where
        F: Fn(etcd_client::Client) -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let deadline = self.deadline();
        let mut backoff = self.backoff();
        loop {
            let pinned = self.pinned();
            let limit = self.inner.config.attempt_timeout;
            let failure = match self.attempt(lane, pinned, limit, deadline, &call).await {
                Ok(value) => return Ok(value),
                Err(Failure::Rejected(rejection)) => return Err(rejection.into()),
                Err(failure) => failure,
            };
            self.rotate(pinned);
            if !backoff.pause_before(deadline).await {
                return Err(Error::Unavailable(failure.reason()));
            }
        }
    }

    /// One attempt at one endpoint, for at most `limit` and not past `deadline`.
    pub(crate) async fn attempt<T, F, Fut>(
        &self,
        lane: Lane,
        endpoint: usize,
        limit: Duration,
        deadline: Instant,
        call: F,
    ) -> Result<T, Failure>
    where
        F: FnOnce(etcd_client::Client) -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let limit = limit.min(deadline.saturating_duration_since(clock::now()));
        self.endpoint(endpoint).call(&self.inner.config, lane, limit, call).await
    }

    pub(crate) fn endpoint(&self, index: usize) -> &Endpoint {
        &self.inner.endpoints[index % self.inner.endpoints.len()]
    }

    pub(crate) fn endpoints(&self) -> usize {
        self.inner.endpoints.len()
    }

    /// The endpoint that calls go to until it fails.
    pub(crate) fn pinned(&self) -> usize {
        self.inner.pinned.load(Ordering::Relaxed)
    }

    /// Pins the endpoint after `failed`, unless somebody else already left that.
    pub(crate) fn rotate(&self, failed: usize) {
        let next = (failed + 1) % self.endpoints();
        let pinned = &self.inner.pinned;
        let moved = pinned.compare_exchange(failed, next, Ordering::Relaxed, Ordering::Relaxed);
        if moved.is_ok() && next != failed {
            let (from, to) = (self.endpoint(failed).url(), self.endpoint(next).url());
            tracing::info!(from, to, "trying another etcd endpoint");
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        clock::now() + self.inner.config.request_timeout
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(self.endpoints())
    }
}
