//! The claim of a broker on a shard: a key in etcd, and the compares that make every write depend
//! on it. Pure.

use barnabas_coordinator_client::{CreateRevision, Expect, KeyValue, ModRevision, Txn};
use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};
use barnabas_protocol::state::keys::CoordinatorKind;
use barnabas_protocol::state::values::Coordinator;
use barnabas_protocol::state::{Keys, StateValue, from_json, to_json};
use bytes::Bytes;

/// The right to write what a shard keeps, until another broker claims the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    /// The registration of the broker.
    pub(super) epoch: BrokerEpoch,
    /// When the shard's key was written for it.
    pub(super) revision: ModRevision,
}

/// The key that names the broker of a shard.
pub(super) fn shard_key(keys: &Keys, kind: CoordinatorKind, shard: usize) -> String {
    keys.coordinator(kind, i32::try_from(shard).unwrap_or(i32::MAX))
}

/// The compares of every write: the broker still has its registration, and nobody has claimed the
/// shard after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    /// The registration's key, and the broker epoch.
    pub(super) registration: (Bytes, CreateRevision),
    /// The shard's key, and this broker's claim.
    pub(super) shard: (Bytes, ModRevision),
}

impl Fence {
    /// How many compares the fence adds to a transaction.
    pub(super) const COMPARES: usize = 2;

    pub(super) fn new(
        keys: &Keys,
        kind: CoordinatorKind,
        shard: usize,
        broker: BrokerId,
        claim: Claim,
    ) -> Self {
        Self {
            registration: (keys.broker(broker).into(), CreateRevision(claim.epoch.0)),
            shard: (shard_key(keys, kind, shard).into(), claim.revision),
        }
    }

    /// Adds the compares. They must be the first ones of the transaction.
    pub(super) fn guard(&self, txn: Txn) -> Txn {
        let ((broker, epoch), (shard, claim)) = (self.registration.clone(), self.shard.clone());
        txn.expect(broker, Expect::CreateRevision(epoch)).expect(shard, Expect::ModRevision(claim))
    }

    /// Whether the compared keys, as a conflict shows them, are no longer as expected.
    pub(super) fn is_broken(&self, current: &[Option<KeyValue>]) -> bool {
        let found = |at: usize| current.get(at).and_then(Option::as_ref);
        found(0).map(|kv| kv.create_revision) != Some(self.registration.1)
            || found(1).map(|kv| kv.mod_revision) != Some(self.shard.1)
    }
}

/// A transaction that claims shards, each given with its key as it was read.
pub(super) fn claim_txn<'a>(
    keys: &Keys,
    broker: BrokerId,
    epoch: BrokerEpoch,
    shards: impl Iterator<Item = (String, Option<&'a KeyValue>)>,
) -> Txn {
    let registered = Expect::CreateRevision(CreateRevision(epoch.0));
    let txn = Txn::new().expect(keys.broker(broker), registered);
    shards.fold(txn, |txn, (key, before)| {
        let unchanged = before.map_or(Expect::Absent, |kv| Expect::ModRevision(kv.mod_revision));
        let value = to_json(&claim_value(broker, epoch, before));
        txn.expect(key.clone(), unchanged).put(key, value)
    })
}

fn claim_value(broker: BrokerId, epoch: BrokerEpoch, before: Option<&KeyValue>) -> Coordinator {
    let before = before.and_then(|kv| from_json::<Coordinator>(&kv.value).ok());
    Coordinator {
        version: Coordinator::VERSION,
        broker_id: broker.0,
        broker_epoch: epoch.0,
        coordinator_epoch: before.map_or(0, |before| before.coordinator_epoch.wrapping_add(1)),
    }
}
