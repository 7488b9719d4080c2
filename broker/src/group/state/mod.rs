//! The classic consumer group protocol as a state machine: events and the time in, commands out.
//! Pure.
//!
//! ```text
//!            join                all joined, or time is up        leader's sync, persisted
//!  Empty ───────────▶ Preparing ──────────────────────────▶ Completing ─────────────▶ Stable
//!    ▲                 ▲  │  ▲                                   │                      │
//!    └──── nobody left ───┘  └────── join, leave, silence ───────┴──────────────────────┘
//!  Dead: the group is being deleted.
//! ```
//! It knows neither sockets nor etcd nor offsets. Kafka's names: PreparingRebalance,
//! CompletingRebalance.

mod heartbeat;
mod join;
mod leave;
mod member;
mod persist;
mod protocols;
mod rebalance;
mod static_member;
mod sync;
mod timers;
pub(super) mod types;
mod view;

use std::collections::BTreeMap;

use barnabas_protocol::kafka::Str;

use member::Member;
pub(crate) use types::*;
pub(crate) use view::DEAD;

/// The state of the rebalance protocol, with the data that exists in that state only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// No members. There may be offsets.
    Empty {
        /// When the group became empty, in milliseconds since 1970. `None` if it never had members.
        since_ms: Option<i64>,
    },
    /// Members are joining.
    Preparing {
        /// When the rebalance goes on without members that have not joined.
        deadline: u64,
        /// The group was empty before, so the rebalance waits for more members (KIP-134).
        initial: Option<Initial>,
    },
    /// The members know the generation, the leader is assigning.
    Completing {
        /// When members that did not sync are removed.
        deadline: u64,
        /// The leader has sent the assignment, and it is being written to etcd.
        storing: bool,
    },
    /// The members have their assignments.
    Stable {
        /// When members that did not sync are removed.
        sync_deadline: Option<u64>,
    },
    /// The group is being deleted.
    Dead {
        /// As in Empty, for the case that the deletion fails.
        since_ms: Option<i64>,
    },
}

/// The first rebalance of a group that was empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Initial {
    /// How much longer the rebalance may be delayed.
    remaining_ms: u64,
    /// A member joined during the present delay.
    member_added: bool,
}

/// One consumer group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    phase: Phase,
    generation: i32,
    protocol_type: Option<Str>,
    protocol: Option<Str>,
    leader: Option<Str>,
    members: BTreeMap<Str, Member>,
    /// Static members: instance id to member id.
    statics: BTreeMap<Str, Str>,
    /// Ids of clients that were told to join again with them (KIP-394), with the time at which they
    /// expire.
    pending: BTreeMap<Str, u64>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            phase: Phase::Empty { since_ms: None },
            generation: 0,
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            statics: BTreeMap::new(),
            pending: BTreeMap::new(),
        }
    }
}

impl Group {
    fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// The longest time that any member may take to rejoin.
    fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|m| m.rebalance_timeout_ms).max().unwrap_or(0)
    }

    /// Restarts the session timeout of a member.
    fn heard_of(&mut self, cx: &Context<'_>, member_id: &str) {
        if let Some(member) = self.members.get_mut(member_id) {
            member.expires_at = cx.after(member.session_timeout_ms);
        }
    }
}

#[cfg(test)]
mod tests;
