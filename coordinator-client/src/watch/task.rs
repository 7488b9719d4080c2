//! The loop behind a watch: list, follow, resume, and check from time to time.

use super::{
    Change, WatchEvent,
    stream::{Stream, StreamEnd},
    view::View,
};
use crate::{
    client::Client,
    clock,
    endpoint::Lane,
    error::Error,
    kv::{KeyRange, Listing},
    retry::Backoff,
};
use std::time::Duration;
use tokio::{sync::mpsc, time::Instant};

/// How often etcd is asked for a sign of life.
const PROBE: Duration = Duration::from_secs(5);

/// How long a stream may be silent before another endpoint is tried.
const SILENCE: Duration = Duration::from_secs(15);

/// How long a stream may lag behind a read that shows more than it has told.
const LAG: Duration = Duration::from_secs(2);

/// What to do after a stream.
#[derive(Debug)]
enum Next {
    /// Open another one after what was told.
    Resume,
    /// Read everything first.
    Relist,
    /// Nobody listens any more.
    Stop,
}

/// A read that shows something else than what was told, until the stream caught up with it.
struct Pending {
    listing: Listing,
    until: Instant,
}

/// The state of one watch.
pub(super) struct Task {
    client: Client,
    range: KeyRange,
    publish: mpsc::Sender<WatchEvent>,
    view: View,
    endpoint: usize,
    backoff: Backoff,
    pending: Option<Pending>,
}

impl Task {
    pub(super) fn new(client: Client, range: KeyRange, publish: mpsc::Sender<WatchEvent>) -> Self {
        let (endpoint, backoff) = (client.pinned(), client.backoff());
        Self { client, range, publish, view: View::default(), endpoint, backoff, pending: None }
    }

    pub(super) async fn run(mut self) {
        let mut next = Next::Relist;
        loop {
            next = match next {
                Next::Relist => self.relist().await,
                Next::Resume => self.follow().await,
                Next::Stop => return,
            };
        }
    }

    async fn relist(&mut self) -> Next {
        loop {
            match self.list().await {
                Ok(listing) => return self.tell_snapshot(listing).await,
                Err(error) => {
                    tracing::warn!(range = %self.range, %error, "cannot read what is to be watched");
                    self.backoff.pause().await;
                }
            }
        }
    }

    /// Reads everything. An answer that is older than what was told already is not believed at
    /// once, since etcd 3.4 gives stale ones at times: another endpoint is asked, if there is one.
    async fn list(&self) -> Result<Listing, Error> {
        let listing = self.client.list_range(&self.range).await?;
        let (found, seen) = (listing.revision, self.view.revision());
        if found >= seen {
            return Ok(listing);
        }
        tracing::warn!(range = ?self.range, %found, %seen, "etcd shows an older state; asking it again");
        self.client.rotate(self.client.pinned());
        self.client.list_range(&self.range).await
    }

    /// Opens a stream and tells what it says until it ends.
    async fn follow(&mut self) -> Next {
        let after = self.view.revision();
        let reason = match Stream::open(&self.client, self.endpoint, &self.range, after).await {
            Ok(stream) => match self.read(stream).await {
                Ok(next) => return next,
                Err(StreamEnd::Compacted) => return Next::Relist,
                Err(StreamEnd::Failed(reason)) => {
                    // Whatever is wrong with this connection (its token, for one) may stay wrong.
                    self.client.endpoint(self.endpoint).reset(Lane::Watches);
                    reason
                }
            },
            Err(failure) => failure.reason(),
        };
        tracing::info!(range = %self.range, revision = %self.view.revision(), reason, "watch interrupted");
        self.endpoint = (self.endpoint + 1) % self.client.endpoints();
        self.backoff.pause().await;
        Next::Resume
    }

    async fn read(&mut self, mut stream: Stream) -> Result<Next, StreamEnd> {
        self.pending = None;
        let mut heard = clock::now();
        let mut probe = heard + PROBE;
        let mut reconcile = heard + self.reconcile_pause();
        loop {
            let settle = self.pending.as_ref().map(|pending| pending.until);
            let next = tokio::select! {
                changes = stream.next() => {
                    heard = clock::now();
                    let changes = changes?;
                    self.backoff.reset();
                    self.changed(changes).await
                }
                () = tokio::time::sleep_until(settle.unwrap_or(probe)), if settle.is_some() => {
                    self.settle().await
                }
                () = tokio::time::sleep_until(probe) => {
                    if clock::now() >= heard + SILENCE {
                        return Err(StreamEnd::Failed("no sign of life".into()));
                    }
                    probe = clock::now() + PROBE;
                    stream.request_progress().await?;
                    None
                }
                () = tokio::time::sleep_until(reconcile), if settle.is_none() => {
                    let next = self.reconcile().await;
                    reconcile = clock::now() + self.reconcile_pause();
                    heard = clock::now();
                    next
                }
            };
            if let Some(next) = next {
                return Ok(next);
            }
        }
    }

    /// Tells changes. Where a read waits for the stream to catch up, they are first told up to that
    /// read.
    async fn changed(&mut self, mut changes: Vec<Change>) -> Option<Next> {
        if let Some(pending) = &self.pending {
            let read = pending.listing.revision.0;
            let until = changes.partition_point(|change| change.mod_revision().0 <= read);
            if until < changes.len() {
                let later = changes.split_off(until);
                if let Some(next) = self.tell(changes).await {
                    return Some(next);
                }
                if let Some(next) = self.settle().await {
                    return Some(next);
                }
                changes = later;
            }
        }
        self.tell(changes).await
    }

    /// Reads everything and, where that is not what was told, waits for the stream to tell it.
    async fn reconcile(&mut self) -> Option<Next> {
        let listing = match self.list().await {
            Ok(listing) => listing,
            Err(error) => {
                tracing::debug!(range = %self.range, %error, "cannot check the watch");
                return None;
            }
        };
        // A store that went back in time (a restored backup) does not catch up.
        let restored = listing.revision < self.view.revision();
        if self.view.matches(&listing) && !restored {
            self.view.advance(listing.revision);
            return None;
        }
        let until = if restored { clock::now() } else { clock::now() + LAG };
        self.pending = Some(Pending { listing, until });
        None
    }

    /// Compares what was told with the read that it should have reached by now.
    async fn settle(&mut self) -> Option<Next> {
        let Pending { listing, .. } = self.pending.take()?;
        let restored = listing.revision < self.view.revision();
        if self.view.matches(&listing) && !restored {
            self.view.advance(listing.revision);
            return None;
        }
        tracing::warn!(range = %self.range, revision = %listing.revision, "the watch missed changes");
        Some(self.tell_snapshot(listing).await)
    }

    async fn tell(&mut self, changes: Vec<Change>) -> Option<Next> {
        let changes = self.view.apply(changes);
        if changes.is_empty() {
            return None;
        }
        let event = WatchEvent::Changes { revision: self.view.revision(), changes };
        self.publish.send(event).await.is_err().then_some(Next::Stop)
    }

    async fn tell_snapshot(&mut self, listing: Listing) -> Next {
        self.view.reset(&listing);
        match self.publish.send(WatchEvent::Snapshot(listing)).await {
            Ok(()) => Next::Resume,
            Err(_) => Next::Stop,
        }
    }

    /// The configured interval, give or take a quarter, so that brokers do not all read at once.
    fn reconcile_pause(&self) -> Duration {
        self.client.config().reconcile_interval.mul_f64(0.75 + rand::random::<f64>() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::config::ClientConfig;
    use crate::embedded::{EmbeddedConfig, Server};
    use crate::kv::Revision;
    use crate::txn::Txn;

    async fn server(dir: &std::path::Path, writes: usize) -> Server {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = EmbeddedConfig { data_dir: dir.to_owned(), listen };
        let server = Server::start(config).await.expect("starts");
        let client = Client::connect(ClientConfig::new(vec![server.endpoint()])).expect("connects");
        for _ in 0..writes {
            client.txn(Txn::new().put("a/b", "c")).await.expect("written");
        }
        server
    }

    #[tokio::test]
    async fn an_older_answer_than_was_told_already_is_asked_for_again_elsewhere() {
        let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        let servers = [server(dirs[0].path(), 1).await, server(dirs[1].path(), 20).await];
        let list = |endpoints: Vec<String>| async {
            let client = Client::connect(ClientConfig::new(endpoints)).expect("connects");
            // The stale one is used at present.
            while client.pinned() != 0 {
                client.rotate(client.pinned());
            }
            let (publish, _events) = mpsc::channel(1);
            let mut task = Task::new(client, KeyRange::prefix(b"a/"), publish);
            task.view.advance(Revision(10));
            task.list().await.expect("an answer").revision
        };
        let [stale, current] = [0, 1].map(|at| servers[at].endpoint());
        assert!(list(vec![stale.clone(), current]).await >= Revision(20));
        // Nobody says otherwise.
        assert!(list(vec![stale]).await < Revision(10));
        for server in servers {
            server.shutdown().await;
        }
    }
}
