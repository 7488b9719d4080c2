//! Everything the server knows, as one state machine: requests and time in, responses and
//! [`Effects`] out. The owner writes the effects to disk before it lets the responses go.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use etcd_client::proto::{
    PbCompactionRequest, PbCompactionResponse, PbDeleteRequest, PbDeleteResponse,
    PbLeaseGrantRequest, PbLeaseGrantResponse, PbLeaseKeepAliveResponse, PbLeaseLeasesResponse,
    PbLeaseRevokeResponse, PbLeaseStatus, PbLeaseTimeToLiveRequest, PbLeaseTimeToLiveResponse,
    PbPutRequest, PbPutResponse, PbRangeRequest, PbRangeResponse, PbTxnRequest, PbTxnResponse,
};

use super::{
    check,
    error::OpError,
    history::{Commit, Retention},
    key_range::KeyRange,
    lease::Leases,
    mvcc::{EntryId, Store},
    range::{self, header, key_value},
    txn::Plan,
};

/// A lease to be remembered or forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseChange {
    Granted { id: i64, ttl: i64 },
    Removed { id: i64 },
}

/// What must be on disk before the responses so far may be sent.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) commits: Vec<Arc<Commit>>,
    pub(crate) leases: Vec<LeaseChange>,
    pub(crate) compacted: Option<i64>,
    pub(crate) dropped: Vec<EntryId>,
    bytes: usize,
}

impl Effects {
    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.leases.is_empty() && self.compacted.is_none()
    }

    /// About how much there is to write.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// Keys, leases, and what was not yet written.
#[derive(Debug)]
pub(crate) struct Machine {
    store: Store,
    leases: Leases,
    effects: Effects,
    /// The next lease id to try: unique to this start of the server.
    next_lease: i64,
}

impl Machine {
    /// Takes up `store` and the leases `(id, ttl)` as they were left, each with its full time from
    /// `now` on. Lease ids are chosen from `first_lease` on.
    pub(crate) fn new(
        store: Store,
        leases: &[(i64, i64)],
        first_lease: i64,
        now: Duration,
    ) -> Self {
        let mut held = Leases::default();
        for (id, ttl) in leases {
            held.grant(*id, *ttl, now).expect("ids on disk are distinct, TTLs checked");
        }
        let everything = KeyRange::Span { start: Bytes::new(), end: None };
        for (key, version) in store.range(&everything, None) {
            held.reattach(key, 0, version.lease);
        }
        Self { store, leases: held, effects: Effects::default(), next_lease: first_lease }
    }

    /// The keys.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// When [`expire_leases`](Self::expire_leases) has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.leases.next_deadline()
    }

    /// What must be written, since the last call.
    pub(crate) fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// What must be written.
    pub(crate) fn effects(&self) -> &Effects {
        &self.effects
    }

    /// See etcd's `KV.Range`.
    pub(crate) fn range(&self, request: PbRangeRequest) -> Result<PbRangeResponse, OpError> {
        check::range(&request)?;
        range::range(&self.store, request)
    }

    /// See etcd's `KV.Put`.
    pub(crate) fn put(
        &mut self,
        request: PbPutRequest,
        now: Duration,
    ) -> Result<PbPutResponse, OpError> {
        check::size(&request)?;
        check::put(&request)?;
        self.check_put(&request)?;
        let response = self.stage_put(request);
        self.commit(now);
        Ok(response)
    }

    /// See etcd's `KV.DeleteRange`.
    pub(crate) fn delete(
        &mut self,
        request: PbDeleteRequest,
        now: Duration,
    ) -> Result<PbDeleteResponse, OpError> {
        check::delete(&request)?;
        let response = self.stage_delete(request);
        self.commit(now);
        Ok(response)
    }

    /// See etcd's `KV.Txn`.
    pub(crate) fn txn(
        &mut self,
        request: PbTxnRequest,
        now: Duration,
    ) -> Result<PbTxnResponse, OpError> {
        check::size(&request)?;
        check::txn(&request)?;
        let plan = Plan::of(&self.store, request);
        plan.check(self)?;
        let mut response = plan.apply(self)?;
        self.commit(now);
        response.header = header(self.store.revision());
        Ok(response)
    }

    /// See etcd's `KV.Compact`; always physical.
    pub(crate) fn compact(
        &mut self,
        request: &PbCompactionRequest,
    ) -> Result<PbCompactionResponse, OpError> {
        let dropped = self.store.compact(request.revision)?;
        self.effects.dropped.extend(dropped);
        self.effects.compacted = Some(request.revision);
        Ok(PbCompactionResponse { header: header(self.store.revision()) })
    }

    /// Compacts what exceeds `retention`.
    pub(crate) fn retain(&mut self, retention: &Retention, now: Duration) {
        if let Some(revision) = self.store.history().excess(retention, now) {
            let request = PbCompactionRequest { revision, physical: true };
            self.compact(&request).expect("a revision of the history can be compacted to");
        }
    }

    /// See etcd's `Lease.LeaseGrant`; id 0 lets the server choose.
    pub(crate) fn grant(
        &mut self,
        request: &PbLeaseGrantRequest,
        now: Duration,
    ) -> Result<PbLeaseGrantResponse, OpError> {
        let id = if request.id == 0 { self.free_lease_id() } else { request.id };
        let ttl = self.leases.grant(id, request.ttl, now)?;
        self.effects.leases.push(LeaseChange::Granted { id, ttl });
        let header = header(self.store.revision());
        Ok(PbLeaseGrantResponse { header, id, ttl, error: String::new() })
    }

    fn free_lease_id(&mut self) -> i64 {
        loop {
            let id = self.next_lease;
            self.next_lease += 1;
            if !self.leases.exists(id) {
                return id;
            }
        }
    }

    /// See etcd's `Lease.LeaseRevoke`: all its keys go in one revision.
    pub(crate) fn revoke(
        &mut self,
        id: i64,
        now: Duration,
    ) -> Result<PbLeaseRevokeResponse, OpError> {
        for key in self.leases.remove(id)? {
            self.store.delete(&key);
        }
        self.effects.leases.push(LeaseChange::Removed { id });
        self.commit(now);
        Ok(PbLeaseRevokeResponse { header: header(self.store.revision()) })
    }

    /// See etcd's `Lease.LeaseKeepAlive`: a lease that does not exist is answered with TTL 0.
    pub(crate) fn keep_alive(&mut self, id: i64, now: Duration) -> PbLeaseKeepAliveResponse {
        let ttl = self.leases.renew(id, now).unwrap_or(0);
        PbLeaseKeepAliveResponse { header: header(self.store.revision()), id, ttl }
    }

    /// See etcd's `Lease.LeaseTimeToLive`: a lease that does not exist is answered with TTL -1.
    pub(crate) fn time_to_live(
        &self,
        request: &PbLeaseTimeToLiveRequest,
        now: Duration,
    ) -> PbLeaseTimeToLiveResponse {
        let mut response = PbLeaseTimeToLiveResponse {
            header: header(self.store.revision()),
            id: request.id,
            ttl: -1,
            granted_ttl: 0,
            keys: Vec::new(),
        };
        if let Some(lease) = self.leases.view(request.id, now) {
            response.ttl = i64::try_from(lease.remaining.as_secs()).unwrap_or(i64::MAX);
            response.granted_ttl = lease.ttl;
            if request.keys {
                response.keys = lease.keys.iter().map(|key| key.to_vec()).collect();
            }
        }
        response
    }

    /// See etcd's `Lease.LeaseLeases`.
    pub(crate) fn leases(&self) -> PbLeaseLeasesResponse {
        let leases = self.leases.ids().map(|id| PbLeaseStatus { id }).collect();
        PbLeaseLeasesResponse { header: header(self.store.revision()), leases }
    }

    /// Revokes the leases that have run out, each in one revision.
    pub(crate) fn expire_leases(&mut self, now: Duration) {
        for id in self.leases.expired(now) {
            self.revoke(id, now).expect("it is among the leases");
        }
    }

    /// Gives all leases `by` more time.
    pub(crate) fn delay_leases(&mut self, by: Duration) {
        self.leases.delay(by);
    }

    /// Whether the key that a put wants to keep parts of, and its lease, exist.
    ///
    /// # Errors
    /// [`OpError::KeyNotFound`], [`OpError::LeaseNotFound`].
    pub(crate) fn check_put(&self, request: &PbPutRequest) -> Result<(), OpError> {
        let keeps = request.ignore_value || request.ignore_lease;
        if keeps && self.store.get(&request.key).is_none() {
            return Err(OpError::KeyNotFound);
        }
        if request.lease != 0 && !self.leases.exists(request.lease) {
            return Err(OpError::LeaseNotFound);
        }
        Ok(())
    }

    /// Puts without committing; [`check_put`](Self::check_put) comes first.
    pub(crate) fn stage_put(&mut self, request: PbPutRequest) -> PbPutResponse {
        let key = Bytes::from(request.key);
        let current = self.store.get(&key);
        let value = match current {
            Some(current) if request.ignore_value => current.value.clone(),
            _ => Bytes::from(request.value),
        };
        let lease = match current {
            Some(current) if request.ignore_lease => current.lease,
            _ => request.lease,
        };
        let previous = self.store.put(key.clone(), value, lease);
        let old_lease = previous.as_ref().map_or(0, |previous| previous.lease);
        self.leases.reattach(&key, old_lease, lease);
        let prev_kv = previous.filter(|_| request.prev_kv).map(|it| key_value(&key, &it));
        PbPutResponse { header: header(self.store.read_revision()), prev_kv }
    }

    /// Deletes without committing.
    pub(crate) fn stage_delete(&mut self, request: PbDeleteRequest) -> PbDeleteResponse {
        let range = KeyRange::new(request.key, request.range_end);
        let keys: Vec<Bytes> = self.store.range(&range, None).map(|(key, _)| key.clone()).collect();
        let mut prev_kvs = Vec::new();
        for key in &keys {
            if let Some(previous) = self.store.delete(key) {
                self.leases.reattach(key, previous.lease, 0);
                if request.prev_kv {
                    prev_kvs.push(key_value(key, &previous));
                }
            }
        }
        let deleted = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        PbDeleteResponse { header: header(self.store.read_revision()), deleted, prev_kvs }
    }

    fn commit(&mut self, now: Duration) {
        if let Some(commit) = self.store.commit(now) {
            self.effects.bytes += commit.bytes();
            self.effects.commits.push(commit);
        }
    }
}
