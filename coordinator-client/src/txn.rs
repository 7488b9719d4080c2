//! Guarded transactions: "if all these keys are as I believe, write those".

use crate::{
    client::Client,
    endpoint::Lane,
    error::{Rejection, TxnError},
    failure::Failure,
    kv::{CreateRevision, KeyValue, LeaseId, ModRevision, Revision},
    list::MAX_REPLY_BYTES,
};
use bytes::Bytes;
use etcd_client::{Compare, CompareOp, PutOptions, TxnOp, proto::PbTxnOpResponse};
use tokio::time::Instant;

/// What a key must be for the transaction to be applied. A key without an expectation may be
/// anything: "absent" and "any" cannot be mistaken for each other (KAFKA-7255).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The key does not exist.
    Absent,
    /// The key was last written at this revision.
    ModRevision(ModRevision),
    /// The key was created at this revision and lives since, whatever was written to it.
    CreateRevision(CreateRevision),
}

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    Put { key: Bytes, value: Bytes, lease: LeaseId },
    Delete { key: Bytes },
}

/// A transaction: expectations and the changes that are made, all or none, where every expectation
/// holds.
///
/// Without any expectation the changes are made unconditionally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Txn {
    expects: Vec<(Bytes, Expect)>,
    ops: Vec<Op>,
}

/// The answer to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TxnOutcome {
    /// All expectations held and all changes are made.
    Committed {
        /// The revision of the changes: the `mod_revision` of every key put.
        revision: Revision,
    },
    /// An expectation did not hold; nothing was changed.
    Conflict {
        /// The revision at which that was so.
        revision: Revision,
        /// The expected keys as they were at that revision, in the order of the calls to
        /// [`Txn::expect`].
        current: Vec<Option<KeyValue>>,
    },
}

impl TxnOutcome {
    /// The revision that the answer is about.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        match self {
            Self::Committed { revision } | Self::Conflict { revision, .. } => *revision,
        }
    }
}

impl Txn {
    /// The most expectations, and the most changes, in one transaction (etcd's default limit is 128
    /// of each).
    pub const MAX_OPS: usize = 120;

    /// The most bytes of keys and values in one transaction (etcd's default limit is 1.5 MiB a
    /// request).
    pub const MAX_BYTES: usize = 1_400_000;

    /// An empty transaction.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the condition that `key` is as expected.
    #[must_use]
    pub fn expect(mut self, key: impl Into<Bytes>, expected: Expect) -> Self {
        self.expects.push((key.into(), expected));
        self
    }

    /// Writes a key that stays until it is deleted.
    #[must_use]
    pub fn put(self, key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        self.put_leased(key, value, LeaseId::NONE)
    }

    /// Writes a key that goes when the lease does.
    #[must_use]
    pub fn put_leased(
        mut self,
        key: impl Into<Bytes>,
        value: impl Into<Bytes>,
        lease: LeaseId,
    ) -> Self {
        self.ops.push(Op::Put { key: key.into(), value: value.into(), lease });
        self
    }

    /// Deletes a key, if it is there.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Bytes>) -> Self {
        self.ops.push(Op::Delete { key: key.into() });
        self
    }

    /// Changes so far; a batch is full at [`Txn::MAX_OPS`].
    #[must_use]
    pub fn ops(&self) -> usize {
        self.ops.len()
    }

    /// Expectations so far; a batch is full at [`Txn::MAX_OPS`].
    #[must_use]
    pub fn expects(&self) -> usize {
        self.expects.len()
    }

    /// Bytes of keys and values so far; a batch is full at [`Txn::MAX_BYTES`].
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        // A compared key is sent twice: in the compare, and in the read of the other branch.
        let expects: usize = self.expects.iter().map(|(key, _)| 2 * key.len() + FRAMING).sum();
        let ops: usize = self.ops.iter().map(Op::size_bytes).sum();
        expects + ops
    }

    /// Whether sending this transaction twice changes nothing the second time: some key that it
    /// writes must be as expected, and is not so any more once it was written.
    #[must_use]
    pub fn is_self_guarding(&self) -> bool {
        self.expects.iter().any(|(key, expected)| {
            self.ops.iter().any(|op| match (op, expected) {
                (Op::Put { key: put, .. }, Expect::Absent | Expect::ModRevision(_)) => put == key,
                (Op::Delete { key: gone }, Expect::ModRevision(_) | Expect::CreateRevision(_)) => {
                    gone == key
                }
                (Op::Put { .. }, Expect::CreateRevision(_))
                | (Op::Delete { .. }, Expect::Absent) => false,
            })
        })
    }

    /// The value that this transaction puts under `key`.
    fn put_value(&self, key: &[u8]) -> Option<&Bytes> {
        self.ops.iter().find_map(|op| match op {
            Op::Put { key: put, value, .. } if put == key => Some(value),
            _ => None,
        })
    }

    fn check(&self) -> Result<(), Rejection> {
        if self.ops.len().max(self.expects.len()) > Self::MAX_OPS {
            let (ops, expects) = (self.ops.len(), self.expects.len());
            return Err(Rejection::TooLarge(format!(
                "{ops} changes under {expects} conditions, and {} of each is the most",
                Self::MAX_OPS
            )));
        }
        let bytes = self.size_bytes();
        if bytes > Self::MAX_BYTES {
            let most = Self::MAX_BYTES;
            return Err(Rejection::TooLarge(format!("{bytes} bytes, and {most} is the most")));
        }
        Ok(())
    }

    fn to_etcd(&self) -> etcd_client::Txn {
        let reads: Vec<_> =
            self.expects.iter().map(|(key, _)| TxnOp::get(key.to_vec(), None)).collect();
        let compares: Vec<_> =
            self.expects.iter().map(|(key, expected)| expected.to_etcd(key)).collect();
        let ops: Vec<_> = self.ops.iter().map(Op::to_etcd).collect();
        etcd_client::Txn::new().when(compares).and_then(ops).or_else(reads)
    }
}

/// An upper bound of what Protobuf adds to one key and value.
const FRAMING: usize = 32;

impl Op {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Put { key, value, .. } => key.len() + value.len() + FRAMING,
            Self::Delete { key } => key.len() + FRAMING,
        }
    }

    fn to_etcd(&self) -> TxnOp {
        match self {
            Self::Put { key, value, lease } => {
                let options = PutOptions::new().with_lease(lease.0);
                TxnOp::put(key.to_vec(), value.to_vec(), Some(options))
            }
            Self::Delete { key } => TxnOp::delete(key.to_vec(), None),
        }
    }
}

impl Expect {
    fn to_etcd(self, key: &Bytes) -> Compare {
        let key = key.to_vec();
        match self {
            Self::Absent => Compare::create_revision(key, CompareOp::Equal, 0),
            Self::ModRevision(revision) => Compare::mod_revision(key, CompareOp::Equal, revision.0),
            Self::CreateRevision(revision) => {
                Compare::create_revision(key, CompareOp::Equal, revision.0)
            }
        }
    }
}

impl Client {
    /// Sends a transaction until it was certainly looked at once, and never twice.
    ///
    /// # Errors
    /// [`TxnError::Indeterminate`] where it may have been applied; see there for what may be done
    /// about it.
    pub async fn txn(&self, txn: Txn) -> Result<TxnOutcome, TxnError> {
        txn.check()?;
        self.send_txn(&txn, self.deadline()).await
    }

    async fn send_txn(&self, txn: &Txn, deadline: Instant) -> Result<TxnOutcome, TxnError> {
        let limit = self.config().txn_timeout;
        let mut backoff = self.backoff();
        loop {
            let pinned = self.pinned();
            let attempt = self.attempt(Lane::Calls, pinned, limit, deadline, |etcd| {
                let request = txn.to_etcd();
                async move {
                    let mut kv = etcd.kv_client().max_decoding_message_size(MAX_REPLY_BYTES);
                    kv.txn(request).await
                }
            });
            let reason = match attempt.await {
                Ok(reply) => {
                    let outcome = outcome(reply)?;
                    // It was applied, or not, to another history.
                    let observed = self.history().observe(outcome.revision());
                    return observed
                        .map(|()| outcome)
                        .map_err(|jump| TxnError::Indeterminate(jump.to_string()));
                }
                Err(Failure::Rejected(rejection)) => return Err(rejection.into()),
                Err(Failure::NoReply(reason)) => {
                    self.rotate(pinned);
                    return Err(TxnError::Indeterminate(reason));
                }
                Err(Failure::NotSent(reason)) => reason,
            };
            self.rotate(pinned);
            if !backoff.pause_before(deadline).await {
                return Err(TxnError::Unavailable(reason));
            }
        }
    }

    /// As [`Client::txn`], but repeats the transaction where its fate is unknown, until it is known
    /// or `request_timeout` is over, and recognises its own earlier attempt: a conflict in which
    /// each expected key that the transaction puts holds exactly the value it puts is reported as
    /// committed.
    ///
    /// For that the transaction must be [self-guarding](Txn::is_self_guarding), and **the values it
    /// puts must be unlike any that others write** (hold a writer's stamp). A transaction that only
    /// deletes is never recognised: its own success looks like a conflict. A conflict after a doubt
    /// says that the transaction is not in force, not that it never was: somebody may have
    /// overwritten it since.
    ///
    /// # Errors
    /// [`TxnError::Indeterminate`] where etcd stayed silent for the whole time.
    pub async fn txn_recognised(&self, txn: Txn) -> Result<TxnOutcome, TxnError> {
        if !txn.is_self_guarding() {
            let reason = "only a transaction that guards a key it writes may be repeated";
            return Err(Rejection::Invalid(reason.into()).into());
        }
        txn.check()?;
        let deadline = self.deadline();
        let mut backoff = self.backoff();
        let mut in_doubt = false;
        loop {
            let reason = match self.send_txn(&txn, deadline).await {
                Ok(TxnOutcome::Conflict { current, revision }) if in_doubt => {
                    return Ok(txn.recognise(current, revision));
                }
                Err(TxnError::Indeterminate(reason)) => reason,
                // Says nothing about the attempt before.
                Err(error) if in_doubt => error.to_string(),
                result => return result,
            };
            in_doubt = true;
            if self.history().has_jumped() {
                return Err(TxnError::Indeterminate(reason));
            }
            if !backoff.pause_before(deadline).await {
                return Err(TxnError::Indeterminate(reason));
            }
        }
    }
}

impl Txn {
    /// Reads a conflict that follows an attempt of unknown fate.
    fn recognise(&self, current: Vec<Option<KeyValue>>, revision: Revision) -> TxnOutcome {
        let mut written = None;
        for ((key, _), found) in self.expects.iter().zip(&current) {
            let Some(value) = self.put_value(key) else { continue };
            match found {
                Some(found) if found.value == *value => written = Some(found.mod_revision),
                _ => return TxnOutcome::Conflict { revision, current },
            }
        }
        match written {
            Some(revision) => TxnOutcome::Committed { revision: Revision(revision.0) },
            None => TxnOutcome::Conflict { revision, current },
        }
    }
}

fn outcome(reply: etcd_client::TxnResponse) -> Result<TxnOutcome, TxnError> {
    let Some(header) = reply.header() else {
        return Err(TxnError::Indeterminate("the reply has no header".into()));
    };
    let revision = Revision(header.revision());
    if reply.succeeded() {
        return Ok(TxnOutcome::Committed { revision });
    }
    let current = reply.0.responses.into_iter().map(|response| match response.response {
        Some(PbTxnOpResponse::ResponseRange(range)) => {
            range.kvs.into_iter().next().map(|kv| KeyValue::from(etcd_client::KeyValue(kv)))
        }
        _ => None,
    });
    Ok(TxnOutcome::Conflict { revision, current: current.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(key: &str, value: &str, modified: i64) -> Option<KeyValue> {
        Some(KeyValue {
            key: Bytes::copy_from_slice(key.as_bytes()),
            value: Bytes::copy_from_slice(value.as_bytes()),
            create_revision: CreateRevision(1),
            mod_revision: ModRevision(modified),
            version: 2,
            lease: LeaseId::NONE,
        })
    }

    #[test]
    fn a_txn_guards_itself_by_a_key_it_changes() {
        let at = Expect::ModRevision(ModRevision(7));
        assert!(Txn::new().expect("a", at).put("a", "x").is_self_guarding());
        assert!(Txn::new().expect("a", Expect::Absent).put("a", "x").is_self_guarding());
        assert!(Txn::new().expect("a", at).delete("a").is_self_guarding());
        assert!(!Txn::new().expect("a", at).put("b", "x").is_self_guarding());
        let lives = Expect::CreateRevision(CreateRevision(7));
        assert!(!Txn::new().expect("a", lives).put("a", "x").is_self_guarding());
        assert!(Txn::new().expect("a", lives).delete("a").is_self_guarding());
        assert!(!Txn::new().put("a", "x").is_self_guarding());
    }

    #[test]
    fn too_many_or_too_large_is_refused_before_it_is_sent() {
        let full = (0..Txn::MAX_OPS).fold(Txn::new(), |txn, i| txn.put(i.to_string(), "v"));
        assert_eq!(full.check(), Ok(()));
        assert!(matches!(full.put("one more", "v").check(), Err(Rejection::TooLarge(_))));
        let large = Txn::new().put("a", vec![0; Txn::MAX_BYTES]);
        assert!(matches!(large.check(), Err(Rejection::TooLarge(_))));
    }

    #[test]
    fn an_own_write_is_recognised_by_all_its_values() {
        let at = Expect::ModRevision(ModRevision(7));
        let txn = Txn::new()
            .expect("fence", Expect::CreateRevision(CreateRevision(1)))
            .expect("a", at)
            .expect("b", at)
            .put("a", "mine a")
            .put("b", "mine b");
        let now = Revision(12);
        let mine = vec![None, found("a", "mine a", 9), found("b", "mine b", 9)];
        assert_eq!(txn.recognise(mine, now), TxnOutcome::Committed { revision: Revision(9) });
        let other = vec![None, found("a", "mine a", 9), found("b", "other", 9)];
        assert_eq!(
            txn.recognise(other.clone(), now),
            TxnOutcome::Conflict { revision: now, current: other }
        );
        let gone = vec![None, None, None];
        assert_eq!(
            txn.recognise(gone.clone(), now),
            TxnOutcome::Conflict { revision: now, current: gone }
        );
    }
}
