//! The task that claims the shards of this broker, loads them, and gives them up.
//!
//! A shard is claimed by writing its key before what it keeps is read, and every write compares
//! that claim. So of two brokers that take a shard for their own, the one that claimed it last can
//! write.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::{
    Error, KeyValue, ModRevision, Revision, Txn, TxnError, TxnOutcome,
};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::BrokerEpoch;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::assignment::{Holdings, Order, shard_of};
use super::claim::{Claim, claim_txn, shard_key};
use super::health::EtcdHealth;
use super::service::{LoadedKey, Service};
use super::shard::{Message, Shared};
use crate::membership::Registration;
use crate::metadata::{Image, ImageHandle};

/// Pause before shards are claimed again after a failure.
const RETRY: Duration = Duration::from_millis(500);

/// How long a load waits for the image to show topics that etcd has already.
const IMAGE_WAIT: Duration = Duration::from_secs(5);

/// Why shards could not be claimed and loaded.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Read(#[from] Error),
    #[error(transparent)]
    Write(#[from] TxnError),
    /// Another broker claimed a shard at the same time, or this broker's registration is over.
    #[error("another broker claims the same shards")]
    Contended,
    #[error("the topics of committed offsets do not appear in the image of the cluster")]
    ImageBehind,
}

/// Claims, loads and releases the shards of one kind of coordinator.
pub(super) struct Placement<S: Service> {
    pub(super) shared: Arc<Shared>,
    pub(super) image: ImageHandle,
    pub(super) registration: watch::Receiver<Option<Registration>>,
    pub(super) shards: Arc<[mpsc::Sender<Message<S>>]>,
}

impl<S: Service> Placement<S> {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
            () = log_health::<S>(shared.health.clone()) => {}
        }
    }

    async fn follow(&mut self) {
        let mut updates = self.image.updates();
        let mut holdings = Holdings::new(self.shards.len());
        let mut failing = false;
        loop {
            let image = updates.borrow_and_update().clone();
            let epoch = self.epoch(&image);
            for order in holdings.follow(&image, self.shared.broker, epoch) {
                match order {
                    Order::Acquire(shard, epoch) => {
                        self.tell(shard, Message::Acquire(epoch)).await;
                    }
                    Order::Release(shard) => self.tell(shard, Message::Release).await,
                }
            }
            match self.load(&mut holdings).await {
                Ok(()) => failing = false,
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, "{}: cannot load, trying again", S::NAME);
                    }
                    failing = true;
                }
            }
            tokio::select! {
                changed = updates.changed() => if changed.is_err() { return },
                changed = self.registration.changed() => if changed.is_err() { return },
                () = self.shared.losses.reported() => self.renew(&mut holdings).await,
                () = tokio::time::sleep(RETRY), if failing => {}
            }
        }
    }

    /// Claims are over. After a pause, in which one of two brokers that both take a shard for their
    /// own may learn better, those that still are this broker's are claimed again, together.
    async fn renew(&self, holdings: &mut Holdings) {
        tokio::time::sleep(RETRY).await;
        for (shard, claim) in self.shared.losses.take() {
            if holdings.lose(shard, claim) {
                tracing::warn!(shard, "{}: lost the claim on a shard, claiming it again", S::NAME);
            }
        }
    }

    /// The registration under which this broker may coordinate, once the image shows it.
    fn epoch(&mut self, image: &Image) -> Option<BrokerEpoch> {
        let registered = (*self.registration.borrow_and_update())?.epoch;
        (image.broker_epoch(self.shared.broker) == Some(registered)).then_some(registered)
    }

    async fn tell(&self, shard: usize, message: Message<S>) {
        // A shard's task ends only with the broker.
        drop(self.shards[shard].send(message).await);
    }

    /// Claims the shards that are to be loaded, reads what all shards keep with one listing, and
    /// hands it over.
    async fn load(&self, holdings: &mut Holdings) -> Result<(), LoadError> {
        let Some((epoch, wanted)) = holdings.wanted() else { return Ok(()) };
        let claimed = self.claim(epoch, &wanted).await?;
        let mut loaded = self.read().await?;
        self.wait_for_topics(&claimed, &loaded).await?;
        for (shard, claim) in claimed {
            holdings.hold(shard, claim);
            let loaded = loaded.remove(&shard).unwrap_or_default();
            self.tell(shard, Message::Load(claim, loaded)).await;
        }
        Ok(())
    }

    /// Writes this broker's claim on shards. From then on what other brokers write for them fails.
    async fn claim(
        &self,
        epoch: BrokerEpoch,
        shards: &[usize],
    ) -> Result<Vec<(usize, Claim)>, LoadError> {
        let Shared { client, keys, broker, .. } = &*self.shared;
        let listing = client.list(keys.coordinators(S::KIND)).await?;
        let found: HashMap<_, _> = listing.entries.iter().map(|kv| (&kv.key[..], kv)).collect();
        let mut claimed = Vec::with_capacity(shards.len());
        // One compare is for the registration.
        for shards in shards.chunks(Txn::MAX_OPS - 1) {
            let with_key = shards.iter().map(|shard| {
                let key = shard_key(keys, S::KIND, *shard);
                let before = found.get(key.as_bytes()).copied();
                (key, before)
            });
            let txn = claim_txn(keys, *broker, epoch, with_key);
            let TxnOutcome::Committed { revision } = client.txn(txn).await? else {
                return Err(LoadError::Contended);
            };
            let claim = Claim { epoch, revision: ModRevision(revision.0) };
            claimed.extend(shards.iter().map(|shard| (*shard, claim)));
        }
        Ok(claimed)
    }

    /// Reads what all shards keep, by shard.
    async fn read(&self) -> Result<HashMap<usize, Vec<LoadedKey<S::Loaded>>>, Error> {
        let Shared { client, keys, .. } = &*self.shared;
        let listing = client.list(S::prefix(keys)).await?;
        let mut loaded: HashMap<usize, Vec<_>> = HashMap::new();
        for entry in &listing.entries {
            match S::parse(keys, entry) {
                Ok(Some((id, value))) => {
                    let (key, revision) = (entry.key.clone(), entry.mod_revision);
                    let shard = loaded.entry(shard_of(&id, self.shards.len())).or_default();
                    shard.push(LoadedKey { key, revision, value });
                }
                Ok(None) => {}
                Err(error) => {
                    let key = String::from_utf8_lossy(&entry.key);
                    tracing::error!(%key, %error, "{}: ignored a value in etcd", S::NAME);
                }
            }
        }
        Ok(loaded)
    }

    /// Waits until the image shows every topic that existed when the values were written. A topic
    /// that the image then does not show is deleted, or its value in etcd cannot be understood.
    async fn wait_for_topics(
        &self,
        claimed: &[(usize, Claim)],
        loaded: &HashMap<usize, Vec<LoadedKey<S::Loaded>>>,
    ) -> Result<(), LoadError> {
        let image = self.image.load();
        let values = claimed.iter().filter_map(|(shard, _)| loaded.get(shard)).flatten();
        // What was written before the image's revision is about a topic that the image would show.
        let later = values.filter(|loaded| loaded.revision.0 > image.revision.0);
        let unknown: BTreeSet<&Str> =
            later.filter_map(|loaded| S::unknown_topic(&loaded.value, &image)).collect();
        let mut needed = Revision(0);
        for topic in unknown {
            let found: Option<KeyValue> =
                self.shared.client.get(self.shared.keys.topic(topic)).await?;
            needed = needed.max(found.map_or(Revision(0), |kv| Revision(kv.mod_revision.0)));
        }
        let waited = tokio::time::timeout(IMAGE_WAIT, self.image.wait_for(needed)).await;
        waited.map_err(|_| LoadError::ImageBehind)?.map_err(|_| LoadError::ImageBehind)?;
        Ok(())
    }
}

/// Logs once when etcd stops answering and once when it answers again.
async fn log_health<S: Service>(mut health: EtcdHealth) {
    let mut was_away = false;
    loop {
        let away = health.is_away();
        match (was_away, away) {
            (false, true) => tracing::warn!(
                "{}: etcd does not answer; requests that write are refused until it does",
                S::NAME
            ),
            (true, false) => tracing::info!("{}: etcd answers again", S::NAME),
            (true, true) | (false, false) => {}
        }
        was_away = away;
        health.changed().await;
    }
}
