//! Which broker coordinates which groups.
//!
//! A group belongs to a shard by its id, as it belonged to a partition of `__consumer_offsets`; a shard belongs to one of
//! the live brokers, by what the image says. Every broker computes the same from the same image. Two brokers that see
//! different images may both take a shard for theirs for a while: so the owner claims it by writing its key before it
//! reads what is in it, and every write compares that claim. Who claimed last is the one that writes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::{
    CreateRevision, Error, Expect, KeyValue, ModRevision, Txn, TxnError, TxnOutcome,
};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use barnabas_protocol::state::keys::CoordinatorKind;
use barnabas_protocol::state::values::{CommittedOffset, Coordinator, GroupState};
use barnabas_protocol::state::{Keys, StateError, StateKey, StateValue, from_json, to_json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::group::request::{Claim, LoadedKey, LoadedValue, Message};
use crate::group::shard::Shared;
use crate::membership::Registration;
use crate::metadata::{Image, ImageHandle, Revision};

/// Pause before groups that could not be read are tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The shard of a group: Java's hash of the id, as Kafka has it.
pub(crate) fn shard_of(group: &str, shards: usize) -> usize {
    let hash = group
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka's `Utils.abs`: the least integer counts as 0.
    usize::try_from(hash.checked_abs().unwrap_or(0)).unwrap_or(0) % shards
}

/// The broker of a shard.
pub(crate) fn owner(image: &Image, shard: usize) -> Option<BrokerId> {
    let mut eligible: Vec<_> =
        image.brokers.keys().copied().filter(|id| image.eligible(*id)).collect();
    eligible.sort_unstable();
    let place = shard.checked_rem(eligible.len())?;
    eligible.get(place).copied()
}

/// The key that says which broker coordinates a shard.
pub(crate) fn shard_key(keys: &Keys, shard: usize) -> String {
    keys.coordinator(CoordinatorKind::Group, i32::try_from(shard).unwrap_or(i32::MAX))
}

/// Why shards could not be claimed.
#[derive(Debug, thiserror::Error)]
enum ClaimError {
    #[error(transparent)]
    Read(#[from] Error),
    #[error(transparent)]
    Write(#[from] TxnError),
    /// Another broker has done so at the same time, or this one's registration is over.
    #[error("they change hands just now")]
    Contended,
}

/// The task that gives shards to their owner tasks and takes them away.
pub(crate) struct Placement {
    pub(crate) shared: Arc<Shared>,
    pub(crate) image: ImageHandle,
    pub(crate) registration: watch::Receiver<Option<Registration>>,
    pub(crate) shards: Vec<mpsc::Sender<Message>>,
    /// Claims that turned out to be over.
    pub(crate) losses: mpsc::UnboundedReceiver<(usize, Claim)>,
}

/// What this broker serves, or is about to.
struct Holdings {
    /// The registration under which each shard is this broker's.
    owned: Vec<Option<BrokerEpoch>>,
    /// Shards to claim and to read.
    to_load: Vec<usize>,
    /// The last claim on each shard.
    claims: Vec<Option<Claim>>,
}

impl Holdings {
    /// A claim is over: another broker has claimed the shard, or this one's registration has ended. Where this one still
    /// takes the shard for its own, it claims it anew, after a pause in which one of the two may see that it is wrong.
    fn lose(&mut self, (shard, claim): (usize, Claim)) {
        if self.claims[shard] == Some(claim) && self.owned[shard] == Some(claim.epoch) {
            tracing::warn!(shard, "the claim on groups that this broker takes for its own is over");
            self.claims[shard] = None;
            self.to_load.push(shard);
        }
    }
}

impl Placement {
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut updates = self.image.updates();
        let count = self.shards.len();
        let mut held =
            Holdings { owned: vec![None; count], to_load: Vec::new(), claims: vec![None; count] };
        let mut last = updates.borrow_and_update().clone();
        loop {
            let image = updates.borrow_and_update().clone();
            self.tell_deleted_topics(&last, &image).await;
            self.tell_changes(&image, &mut held).await;
            last = image;
            let retry = !held.to_load.is_empty() && !self.load(&mut held).await;
            tokio::select! {
                changed = updates.changed() => if changed.is_err() { return },
                changed = self.registration.changed() => if changed.is_err() { return },
                lost = self.losses.recv() => {
                    let Some(lost) = lost else { return };
                    held.lose(lost);
                    // Those that are lost with it need no pause of their own.
                    while let Ok(lost) = self.losses.try_recv() {
                        held.lose(lost);
                    }
                    tokio::time::sleep(RETRY).await;
                }
                () = tokio::time::sleep(RETRY), if retry => {}
            }
        }
    }

    /// The registration under which this broker may serve, once the image knows it.
    fn epoch(&mut self, image: &Image) -> Option<BrokerEpoch> {
        let registered = (*self.registration.borrow_and_update())?.epoch;
        (image.broker_epoch(self.shared.broker) == Some(registered)).then_some(registered)
    }

    async fn tell_changes(&mut self, image: &Image, held: &mut Holdings) {
        let epoch = self.epoch(image);
        for (shard, had) in held.owned.iter_mut().enumerate() {
            let mine = owner(image, shard) == Some(self.shared.broker);
            let now = epoch.filter(|_| mine);
            if *had == now {
                continue;
            }
            *had = now;
            held.to_load.retain(|waiting| *waiting != shard);
            match now {
                Some(epoch) => {
                    held.to_load.push(shard);
                    self.tell(shard, Message::Acquire(epoch)).await;
                }
                None => self.tell(shard, Message::Release).await,
            }
        }
    }

    /// A shard's task ends only with the broker.
    async fn tell(&self, shard: usize, message: Message) {
        drop(self.shards[shard].send(message).await);
    }

    /// Claims the shards that wait for it, reads all groups and hands them over. False when that has to be tried again.
    async fn load(&self, held: &mut Holdings) -> bool {
        let claimed = match self.claim(&held.owned, &held.to_load).await {
            Ok(claimed) => claimed,
            Err(error) => {
                tracing::warn!(%error, "consumer groups cannot be claimed, trying again");
                return false;
            }
        };
        let mut loaded = match self.read().await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::warn!(%error, "consumer groups cannot be read, trying again");
                return false;
            }
        };
        held.to_load.clear();
        for (shard, claim) in claimed {
            held.claims[shard] = Some(claim);
            let keys = std::mem::take(&mut loaded[shard]);
            self.tell(shard, Message::Load(claim, keys)).await;
        }
        true
    }

    /// Writes this broker's claim on shards: from then on what others write for them fails.
    async fn claim(
        &self,
        owned: &[Option<BrokerEpoch>],
        shards: &[usize],
    ) -> Result<Vec<(usize, Claim)>, ClaimError> {
        let keys = &self.shared.keys;
        let listing = self.shared.client.list(keys.coordinators(CoordinatorKind::Group)).await?;
        let found: HashMap<_, _> = listing.entries.iter().map(|kv| (&kv.key[..], kv)).collect();
        let mut claimed = Vec::with_capacity(shards.len());
        // One expectation is for the registration.
        for shards in shards.chunks(Txn::MAX_OPS - 1) {
            let Some(epoch) = shards.iter().find_map(|shard| owned[*shard]) else { continue };
            let registered = Expect::CreateRevision(CreateRevision(epoch.0));
            let mut txn = Txn::new().expect(keys.broker(self.shared.broker), registered);
            for shard in shards {
                let key = shard_key(keys, *shard);
                let before = found.get(key.as_bytes()).copied();
                let unchanged =
                    before.map_or(Expect::Absent, |kv| Expect::ModRevision(kv.mod_revision));
                let value = to_json(&self.claim_value(epoch, before));
                txn = txn.expect(key.clone(), unchanged).put(key, value);
            }
            let TxnOutcome::Committed { revision } = self.shared.client.txn(txn).await? else {
                return Err(ClaimError::Contended);
            };
            let claim = Claim { epoch, revision: ModRevision(revision.0) };
            claimed.extend(shards.iter().map(|shard| (*shard, claim)));
        }
        Ok(claimed)
    }

    fn claim_value(&self, epoch: BrokerEpoch, before: Option<&KeyValue>) -> Coordinator {
        let before = before.and_then(|kv| from_json::<Coordinator>(&kv.value).ok());
        Coordinator {
            version: Coordinator::VERSION,
            broker_id: self.shared.broker.0,
            broker_epoch: epoch.0,
            coordinator_epoch: before.map_or(0, |before| before.coordinator_epoch.wrapping_add(1)),
        }
    }

    async fn read(&self) -> Result<Vec<Vec<LoadedKey>>, Error> {
        let listing = self.shared.client.list(self.shared.keys.groups()).await?;
        let mut loaded: Vec<Vec<LoadedKey>> = self.shards.iter().map(|_| Vec::new()).collect();
        for entry in &listing.entries {
            match read_key(&self.shared.keys, entry) {
                Ok(Some(key)) => loaded[shard_of(&key.group, self.shards.len())].push(key),
                Ok(None) => {}
                Err(error) => {
                    let key = String::from_utf8_lossy(&entry.key);
                    tracing::error!(%key, %error, "ignored what is kept of a group");
                }
            }
        }
        Ok(loaded)
    }

    async fn tell_deleted_topics(&self, before: &Arc<Image>, now: &Arc<Image>) {
        if Arc::ptr_eq(before, now) {
            return;
        }
        let gone = before.topics_by_id.iter().filter(|(id, _)| !now.topics_by_id.contains_key(*id));
        // A commit that was on its way when the topic went is of no use either.
        let until = |name: &Str| now.topic(name).map_or(Revision(i64::MAX), |again| again.revision);
        let gone: Arc<[_]> =
            gone.map(|(_, name)| (name.clone(), ModRevision(until(name).0))).collect();
        if gone.is_empty() {
            return;
        }
        for shard in 0..self.shards.len() {
            self.tell(shard, Message::TopicsDeleted(Arc::clone(&gone))).await;
        }
    }
}

/// What a key says about a group; nothing if it is about what is not served here.
fn read_key(keys: &Keys, entry: &KeyValue) -> Result<Option<LoadedKey>, StateError> {
    let (group, value) = match keys.parse(&entry.key) {
        Some(StateKey::GroupState(group)) => {
            let state: GroupState = from_json(&entry.value)?;
            (group, LoadedValue::State(Box::new(state)))
        }
        Some(StateKey::GroupOffset { group, topic, partition }) => {
            let committed: CommittedOffset = from_json(&entry.value)?;
            (group, LoadedValue::Offset((topic.into(), partition), committed.into()))
        }
        _ => return Ok(None),
    };
    let (key, revision) = (entry.key.clone(), entry.mod_revision);
    Ok(Some(LoadedKey { group: group.into(), key, revision, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_in_kafkas_partitions() {
        // As `Utils.abs(group.hashCode) % 50` says.
        for (group, shard) in [("", 0), ("a", 47), ("group", 47), ("test", 48), ("grüße", 23)] {
            assert_eq!(shard_of(group, 50), shard, "{group}");
        }
        // The least integer.
        assert_eq!(shard_of("polygenelubricants", 50), 0);
    }

    #[test]
    fn shards_are_spread_over_the_live_brokers() {
        let image = Image::default().with_broker(3, 10).with_broker(1, 20);
        let owners: Vec<_> = (0..4).map(|shard| owner(&image, shard)).collect();
        let (one, three) = (Some(BrokerId(1)), Some(BrokerId(3)));
        assert_eq!(owners, [one, three, one, three]);
        assert_eq!(owner(&Image::default(), 0), None);
    }
}
