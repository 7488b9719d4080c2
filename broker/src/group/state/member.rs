//! One member of a group.

use barnabas_protocol::kafka::Str;
use bytes::Bytes;

use super::types::{Join, Protocol, ReplyId};

/// The join of a static member that came back under a new id, without a rebalance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) reply: ReplyId,
    /// The member's id before.
    pub(super) old_id: Str,
    /// As [`Join::can_skip_assignment`].
    pub(super) can_skip: bool,
}

/// A member and what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) id: Str,
    pub(super) instance: Option<Str>,
    pub(super) client_id: Str,
    pub(super) client_host: Str,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) protocols: Vec<Protocol>,
    pub(super) assignment: Bytes,
    /// The parked join of the rebalance in progress.
    pub(super) awaiting_join: Option<ReplyId>,
    /// The parked sync of the generation.
    pub(super) awaiting_sync: Option<ReplyId>,
    /// The join of a static member that came back, until its new id is in etcd.
    pub(super) awaiting_place: Option<Place>,
    /// Has asked for the assignment of this generation.
    pub(super) synced: bool,
    /// Has not been in any generation yet: its client does not know its member id and cannot send
    /// heartbeats.
    pub(super) is_new: bool,
    /// When the member is removed, unless it sends something before.
    pub(super) expires_at: u64,
}

impl Member {
    /// A member that has not been in any generation.
    pub(super) fn new(id: Str, join: Join, expires_at: u64) -> Self {
        Self {
            id,
            instance: join.instance,
            client_id: join.client_id,
            client_host: join.client_host,
            session_timeout_ms: join.session_timeout_ms,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            protocols: join.protocols,
            assignment: Bytes::new(),
            awaiting_join: None,
            awaiting_sync: None,
            awaiting_place: None,
            synced: false,
            is_new: true,
            expires_at,
        }
    }

    /// Takes over the values of a repeated join.
    pub(super) fn update(&mut self, join: Join) {
        self.client_id = join.client_id;
        self.client_host = join.client_host;
        self.session_timeout_ms = join.session_timeout_ms;
        self.rebalance_timeout_ms = join.rebalance_timeout_ms;
        self.protocols = join.protocols;
    }

    /// The member's subscription for this protocol.
    pub(super) fn metadata(&self, protocol: Option<&Str>) -> Bytes {
        let found = self.protocols.iter().find(|p| Some(&p.name) == protocol);
        found.map(|p| p.metadata.clone()).unwrap_or_default()
    }

    /// When the member is to be removed. A member with a parked request does not expire, unless it
    /// is new: its client may have given up and joined again as another member.
    pub(super) fn deadline(&self) -> Option<u64> {
        let waits = self.awaiting_join.is_some()
            || self.awaiting_sync.is_some()
            || self.awaiting_place.is_some();
        (self.is_new || !waits).then_some(self.expires_at)
    }

    /// Takes the parked join of the member.
    pub(super) fn take_join(&mut self) -> Option<ReplyId> {
        let place = self.awaiting_place.take().map(|place| place.reply);
        self.awaiting_join.take().or(place)
    }
}
