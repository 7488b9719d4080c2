//! Which changes of keys go to etcd in which transaction. Pure: it builds transactions and reads their outcomes.
//!
//! ```text
//!  push ▶ waiting ▶ one batch in flight (≤ 118 keys, the last value of each) ▶ outcome for each change
//! ```
//! One batch at a time keeps the order of changes per key; what comes meanwhile is coalesced into the next one. A batch
//! compares this broker's registration, its claim on the shard and the revision of each of its keys. While the claim holds
//! nobody else writes these keys. So a key that is not as it was known has been written by a transaction of this queue
//! whose reply was lost, and the next batch builds on it.

use std::collections::{HashMap, VecDeque};

use barnabas_coordinator_client::{CreateRevision, Expect, KeyValue, ModRevision, Txn, TxnOutcome};
use bytes::Bytes;

use crate::group::WriteError;

/// Keys in a batch; the fence has compares of its own.
const MAX_KEYS: usize = Txn::MAX_OPS - Fence::COMPARES;

/// Bytes in a batch after which no more changes are added.
const ENOUGH_BYTES: usize = 256 * 1024;

/// How often a batch starts over because its keys were not as they were known.
const ATTEMPTS: u32 = 5;

/// Names a change: the request that wants it, and which of the request's changes it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChangeId {
    /// The request.
    pub(crate) ticket: u64,
    /// The change's index in the request.
    pub(crate) index: usize,
}

/// One key to write, or to delete where there is no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// The key in etcd.
    pub(crate) key: Bytes,
    /// Its new value.
    pub(crate) value: Option<Bytes>,
}

/// What must still hold for anything to be written: the broker lives under its registration, and nobody has claimed the
/// shard after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    /// The registration's key, and the broker epoch.
    pub(crate) registration: (Bytes, CreateRevision),
    /// The shard's key, and this broker's claim.
    pub(crate) shard: (Bytes, ModRevision),
}

impl Fence {
    const COMPARES: usize = 2;

    fn guard(&self, txn: Txn) -> Txn {
        let ((broker, epoch), (shard, claim)) = (self.registration.clone(), self.shard.clone());
        txn.expect(broker, Expect::CreateRevision(epoch)).expect(shard, Expect::ModRevision(claim))
    }

    /// Whether the keys, as they were found, are no longer as expected.
    fn is_broken(&self, current: &[Option<KeyValue>]) -> bool {
        let found = |at: usize| current.get(at).and_then(Option::as_ref);
        found(0).map(|kv| kv.create_revision) != Some(self.registration.1)
            || found(1).map(|kv| kv.mod_revision) != Some(self.shard.1)
    }
}

/// What became of a change.
pub(crate) type Outcome = (ChangeId, Result<(), WriteError>);

/// Changes on their way to etcd.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    revisions: HashMap<Bytes, ModRevision>,
    waiting: VecDeque<(ChangeId, Change)>,
    in_flight: Option<Batch>,
}

#[derive(Debug)]
struct Batch {
    /// The last change of each key, in the order of the transaction.
    keys: Vec<Change>,
    changes: Vec<ChangeId>,
    fence: Fence,
    attempts: u32,
    /// Whoever wanted it has given up: its outcome counts, but it is not tried again.
    abandoned: bool,
}

impl WriteQueue {
    /// Learns the revision of a key that was read.
    pub(crate) fn learn(&mut self, key: Bytes, revision: ModRevision) {
        self.revisions.insert(key, revision);
    }

    /// The revision of a key, as far as it is known.
    pub(crate) fn revision(&self, key: &[u8]) -> Option<ModRevision> {
        self.revisions.get(key).copied()
    }

    /// Adds a change after all others.
    pub(crate) fn push(&mut self, id: ChangeId, change: Change) {
        self.waiting.push_back((id, change));
    }

    /// The next transaction, if there is something to write and none is in flight.
    pub(crate) fn next(&mut self, fence: &Fence) -> Option<Txn> {
        if self.in_flight.is_some() || self.waiting.is_empty() {
            return None;
        }
        let mut batch = Batch {
            keys: Vec::new(),
            changes: Vec::new(),
            fence: fence.clone(),
            attempts: 0,
            abandoned: false,
        };
        let mut places: HashMap<Bytes, usize> = HashMap::new();
        let mut bytes = 0;
        while let Some((_, change)) = self.waiting.front() {
            let size = change.key.len() + change.value.as_ref().map_or(0, Bytes::len);
            let place = places.get(&change.key).copied();
            let full = place.is_none() && batch.keys.len() == MAX_KEYS;
            if full || (bytes > 0 && bytes + size > ENOUGH_BYTES) {
                break;
            }
            let Some((id, change)) = self.waiting.pop_front() else { break };
            bytes += size;
            batch.changes.push(id);
            match place {
                Some(place) => batch.keys[place] = change,
                None => {
                    places.insert(change.key.clone(), batch.keys.len());
                    batch.keys.push(change);
                }
            }
        }
        let txn = self.txn(&batch);
        self.in_flight = Some(batch);
        Some(txn)
    }

    fn txn(&self, batch: &Batch) -> Txn {
        let mut txn = batch.fence.guard(Txn::new());
        for Change { key, value } in &batch.keys {
            let known = self.revisions.get(key).copied();
            txn = txn.expect(key.clone(), known.map_or(Expect::Absent, Expect::ModRevision));
            txn = match value {
                Some(value) => txn.put(key.clone(), value.clone()),
                None => txn.delete(key.clone()),
            };
        }
        txn
    }

    /// Reads the outcome of the transaction in flight: either another one is to be sent in its place, or its changes are
    /// done with.
    pub(crate) fn done(
        &mut self,
        result: Result<TxnOutcome, WriteError>,
    ) -> Result<Vec<Outcome>, Txn> {
        let Some(mut batch) = self.in_flight.take() else { return Ok(Vec::new()) };
        let result = match result {
            Ok(TxnOutcome::Committed { .. }) if batch.abandoned => Ok(()),
            Ok(TxnOutcome::Conflict { .. }) if batch.abandoned => Err(WriteError::Fenced),
            Ok(TxnOutcome::Committed { revision }) => {
                self.committed(&batch, ModRevision(revision.0));
                Ok(())
            }
            Ok(TxnOutcome::Conflict { current, .. }) => {
                let fenced = batch.fence.is_broken(&current);
                self.refresh(&batch, current);
                batch.attempts += 1;
                if fenced {
                    Err(WriteError::Fenced)
                } else if batch.attempts == ATTEMPTS {
                    Err(WriteError::Contended)
                } else {
                    let txn = self.txn(&batch);
                    self.in_flight = Some(batch);
                    return Err(txn);
                }
            }
            Err(error) => Err(error),
        };
        Ok(batch.changes.into_iter().map(|id| (id, result.clone())).collect())
    }

    fn committed(&mut self, batch: &Batch, revision: ModRevision) {
        for Change { key, value } in &batch.keys {
            if value.is_some() {
                self.revisions.insert(key.clone(), revision);
            } else {
                self.revisions.remove(key);
            }
        }
    }

    fn refresh(&mut self, batch: &Batch, current: Vec<Option<KeyValue>>) {
        for (Change { key, .. }, found) in
            batch.keys.iter().zip(current.into_iter().skip(Fence::COMPARES))
        {
            match found {
                Some(found) => self.revisions.insert(key.clone(), found.mod_revision),
                None => self.revisions.remove(key),
            };
        }
    }

    /// Gives up on all changes that are not in flight, and on repeating those that are; forgets what is known of all keys.
    pub(crate) fn abandon(&mut self) -> Vec<Outcome> {
        self.revisions.clear();
        if let Some(batch) = &mut self.in_flight {
            batch.abandoned = true;
        }
        let changes = self.waiting.drain(..).map(|(id, _)| id);
        changes.map(|id| (id, Err(WriteError::Fenced))).collect()
    }
}

#[cfg(test)]
mod tests {
    use barnabas_coordinator_client::{LeaseId, Revision, TxnError};

    use super::*;

    fn fence() -> Fence {
        Fence {
            registration: (Bytes::from("broker"), CreateRevision(9)),
            shard: (Bytes::from("shard"), ModRevision(12)),
        }
    }

    fn id(ticket: u64) -> ChangeId {
        ChangeId { ticket, index: 0 }
    }

    fn put(key: impl Into<String>, value: &'static str) -> Change {
        Change { key: Bytes::from(key.into()), value: Some(Bytes::from(value)) }
    }

    fn found(key: &'static str, created: i64, modified: i64) -> Option<KeyValue> {
        Some(KeyValue {
            key: Bytes::from(key),
            value: Bytes::new(),
            create_revision: CreateRevision(created),
            mod_revision: ModRevision(modified),
            version: 1,
            lease: LeaseId::NONE,
        })
    }

    fn guarded() -> Txn {
        let registered = Expect::CreateRevision(CreateRevision(9));
        let claimed = Expect::ModRevision(ModRevision(12));
        Txn::new().expect("broker", registered).expect("shard", claimed)
    }

    fn committed(revision: i64) -> Result<TxnOutcome, WriteError> {
        Ok(TxnOutcome::Committed { revision: Revision(revision) })
    }

    /// What is found of the registration and of the shard's key, while they hold.
    fn held() -> [Option<KeyValue>; 2] {
        [found("broker", 9, 9), found("shard", 3, 12)]
    }

    fn conflict(
        fence: [Option<KeyValue>; 2],
        key: Option<KeyValue>,
    ) -> Result<TxnOutcome, WriteError> {
        let current = fence.into_iter().chain([key]).collect();
        Ok(TxnOutcome::Conflict { revision: Revision(50), current })
    }

    #[test]
    fn what_waits_is_coalesced_and_follows_what_is_in_flight() {
        let mut queue = WriteQueue::default();
        queue.push(id(1), put("a", "1"));
        let first = guarded().expect("a", Expect::Absent).put("a", "1");
        assert_eq!(queue.next(&fence()), Some(first));
        queue.push(id(2), put("a", "2"));
        queue.push(id(3), put("b", "3"));
        queue.push(id(4), put("a", "4"));
        assert_eq!(queue.next(&fence()), None);
        assert_eq!(queue.done(committed(20)), Ok(vec![(id(1), Ok(()))]));
        let second = guarded()
            .expect("a", Expect::ModRevision(ModRevision(20)))
            .put("a", "4")
            .expect("b", Expect::Absent)
            .put("b", "3");
        assert_eq!(queue.next(&fence()), Some(second));
        let all = [2, 3, 4].map(|ticket| (id(ticket), Ok(())));
        assert_eq!(queue.done(committed(21)), Ok(all.into()));
        queue.push(id(5), Change { key: Bytes::from("a"), value: None });
        let third = guarded().expect("a", Expect::ModRevision(ModRevision(21))).delete("a");
        assert_eq!(queue.next(&fence()), Some(third));
    }

    #[test]
    fn a_batch_has_as_many_keys_as_a_transaction_may() {
        let mut queue = WriteQueue::default();
        for ticket in 0..200 {
            queue.push(id(ticket), put(format!("{ticket:03}"), "v"));
        }
        let first = queue.next(&fence()).expect("a batch");
        assert_eq!((first.ops(), first.expects()), (118, 120));
        assert_eq!(queue.done(committed(1)).expect("done").len(), 118);
        assert_eq!(queue.next(&fence()).expect("a batch").ops(), 82);
    }

    #[test]
    fn a_conflict_is_tried_again_with_the_revisions_found() {
        let mut queue = WriteQueue::default();
        queue.push(id(1), put("a", "1"));
        queue.next(&fence());
        let again = queue.done(conflict(held(), found("a", 3, 7)));
        let expected = guarded().expect("a", Expect::ModRevision(ModRevision(7))).put("a", "1");
        assert_eq!(again, Err(expected));
        for _ in 0..3 {
            assert!(queue.done(conflict(held(), None)).is_err());
        }
        let last = queue.done(conflict(held(), None));
        assert_eq!(last, Ok(vec![(id(1), Err(WriteError::Contended))]));
    }

    #[test]
    fn another_life_of_the_broker_fences_and_so_does_another_claim() {
        let mut queue = WriteQueue::default();
        let [broker, shard] = held();
        for fenced in [
            [None, shard.clone()],
            [found("broker", 30, 30), shard],
            [broker.clone(), None],
            [broker, found("shard", 3, 31)],
        ] {
            queue.push(id(1), put("a", "1"));
            queue.next(&fence());
            let done = queue.done(conflict(fenced, found("a", 3, 7)));
            assert_eq!(done, Ok(vec![(id(1), Err(WriteError::Fenced))]));
        }
    }

    #[test]
    fn what_is_abandoned_does_not_overwrite_the_next_coordinators_writes() {
        let mut queue = WriteQueue::default();
        queue.push(id(1), put("a", "1"));
        queue.next(&fence());
        assert_eq!(queue.abandon(), []);
        let done = queue.done(conflict(held(), found("a", 3, 7)));
        assert_eq!(done, Ok(vec![(id(1), Err(WriteError::Fenced))]));
        queue.push(id(2), put("a", "2"));
        queue.next(&fence());
        queue.abandon();
        assert_eq!(queue.done(committed(20)), Ok(vec![(id(2), Ok(()))]));
        queue.push(id(3), put("a", "3"));
        let unknown = guarded().expect("a", Expect::Absent).put("a", "3");
        assert_eq!(queue.next(&fence()), Some(unknown));
    }

    #[test]
    fn a_failure_ends_the_batch_but_not_the_queue() {
        let mut queue = WriteQueue::default();
        queue.push(id(1), put("a", "1"));
        queue.next(&fence());
        queue.push(id(2), put("a", "2"));
        let error = WriteError::Txn(TxnError::Indeterminate("lost".into()));
        assert_eq!(queue.done(Err(error.clone())), Ok(vec![(id(1), Err(error))]));
        assert!(queue.next(&fence()).is_some());
        queue.push(id(3), put("b", "3"));
        assert_eq!(queue.abandon(), [(id(3), Err(WriteError::Fenced))]);
    }
}
