//! Which broker coordinates which groups.
//!
//! A group belongs to a shard by its id, as it belonged to a partition of `__consumer_offsets`; a shard belongs to one of
//! the live brokers, by what the image says. Every broker computes the same from the same image. Two brokers that see
//! different images may both take a shard for theirs for a moment; the compares of their transactions keep the one from
//! overwriting what the other wrote.

use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::{Error, KeyValue};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use barnabas_protocol::state::values::{CommittedOffset, GroupState};
use barnabas_protocol::state::{Keys, StateError, StateKey, from_json};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::request::{LoadedKey, LoadedValue, Message};
use super::shard::Shared;
use crate::controller::Registration;
use crate::metadata::{Image, ImageHandle};

/// Pause before groups that could not be read are tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The shard of a group: Java's hash of the id, as Kafka has it.
pub(super) fn shard_of(group: &str, shards: usize) -> usize {
    let hash = group
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka's `Utils.abs`: the least integer counts as 0.
    usize::try_from(hash.checked_abs().unwrap_or(0)).unwrap_or(0) % shards
}

/// The broker of a shard.
pub(super) fn owner(image: &Image, shard: usize) -> Option<BrokerId> {
    let mut eligible: Vec<_> =
        image.brokers.keys().copied().filter(|id| image.eligible(*id)).collect();
    eligible.sort_unstable();
    let place = shard.checked_rem(eligible.len())?;
    eligible.get(place).copied()
}

/// The task that gives shards to their owner tasks and takes them away.
pub(super) struct Placement {
    pub(super) shared: Arc<Shared>,
    pub(super) image: ImageHandle,
    pub(super) registration: watch::Receiver<Option<Registration>>,
    pub(super) shards: Vec<mpsc::Sender<Message>>,
}

impl Placement {
    pub(super) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.follow() => {}
        }
    }

    async fn follow(&mut self) {
        let mut updates = self.image.updates();
        let mut owned = vec![None; self.shards.len()];
        let mut to_load: Vec<usize> = Vec::new();
        let mut last = updates.borrow_and_update().clone();
        loop {
            let image = updates.borrow_and_update().clone();
            self.tell_deleted_topics(&last, &image).await;
            self.tell_changes(&image, &mut owned, &mut to_load).await;
            last = image;
            let retry = !to_load.is_empty() && !self.load(&owned, &mut to_load).await;
            tokio::select! {
                changed = updates.changed() => if changed.is_err() { return },
                changed = self.registration.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(RETRY), if retry => {}
            }
        }
    }

    /// The registration under which this broker may serve, once the image knows it.
    fn epoch(&mut self, image: &Image) -> Option<BrokerEpoch> {
        let registered = (*self.registration.borrow_and_update())?.epoch;
        (image.broker_epoch(self.shared.broker) == Some(registered)).then_some(registered)
    }

    async fn tell_changes(
        &mut self,
        image: &Image,
        owned: &mut [Option<BrokerEpoch>],
        to_load: &mut Vec<usize>,
    ) {
        let epoch = self.epoch(image);
        for (shard, had) in owned.iter_mut().enumerate() {
            let mine = owner(image, shard) == Some(self.shared.broker);
            let now = epoch.filter(|_| mine);
            if *had == now {
                continue;
            }
            *had = now;
            to_load.retain(|waiting| *waiting != shard);
            match now {
                Some(epoch) => {
                    to_load.push(shard);
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

    /// Reads all groups and hands them to the shards that wait for them.
    async fn load(&self, owned: &[Option<BrokerEpoch>], to_load: &mut Vec<usize>) -> bool {
        let mut loaded = match self.read().await {
            Ok(loaded) => loaded,
            Err(error) => {
                tracing::warn!(%error, "consumer groups cannot be read, trying again");
                return false;
            }
        };
        for shard in to_load.drain(..) {
            let Some(epoch) = owned[shard] else { continue };
            let keys = std::mem::take(&mut loaded[shard]);
            self.tell(shard, Message::Load(epoch, keys)).await;
        }
        true
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
        let gone: Arc<[Str]> = gone.map(|(_, name)| name.clone()).collect();
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
