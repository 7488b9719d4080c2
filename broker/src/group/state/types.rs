//! The inputs and outputs of a group's state machine.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::values::GroupState;
use bytes::Bytes;

pub(crate) use crate::coordinator::Now;
use crate::group::error::GroupError;

/// The configuration that a group's state depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `group.initial.rebalance.delay.ms`
    pub(crate) initial_rebalance_delay_ms: u64,
    /// `group.max.size`
    pub(crate) max_size: usize,
}

/// Identifies a parked request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ReplyId(pub(crate) u64);

/// What every event needs: the time, the configuration, and a place for commands.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The time of the event.
    pub(crate) now: Now,
    /// The configuration in effect.
    pub(crate) settings: Settings,
    /// The commands, in order.
    pub(crate) out: &'a mut Vec<Command>,
}

impl Context<'_> {
    /// The time in `ms` milliseconds. A negative duration counts as 0.
    pub(super) fn after(&self, ms: i32) -> u64 {
        self.now.ms.saturating_add(u64::try_from(ms).unwrap_or(0))
    }
}

/// What the shard has to do for a group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Replies to a join.
    Joined(ReplyId, Result<Joined, Refused>),
    /// Replies to a sync.
    Synced(ReplyId, Result<Synced, GroupError>),
    /// Writes the group's state, then calls [`super::Group::persisted`] with the same reason.
    Persist(Box<GroupState>, Kept),
}

/// Why the group's state is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The assignment of this generation.
    Generation(i32),
    /// The new id of a static member.
    Replacement(Str),
}

/// An assignor that a member supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    pub(crate) name: Str,
    /// The member's subscription, which the broker does not interpret.
    pub(crate) metadata: Bytes,
}

/// A JoinGroup request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Join {
    /// Empty if the member has no id yet.
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    /// The id that the member will get if it has none.
    pub(crate) new_member_id: Str,
    /// `client.id`
    pub(crate) client_id: Str,
    /// The address that the member connects from.
    pub(crate) client_host: Str,
    /// How long a member may be silent before it is removed.
    pub(crate) session_timeout_ms: i32,
    /// How long the member may take to rejoin.
    pub(crate) rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, ...
    pub(crate) protocol_type: Str,
    /// The protocols that the member supports, preferred first.
    pub(crate) protocols: Vec<Protocol>,
    /// A member without an id gets one and has to join again with it (JoinGroup v4+, KIP-394).
    pub(crate) needs_member_id: bool,
    /// The client understands that a leader that came back keeps the assignment (JoinGroup v9+,
    /// KIP-814).
    pub(crate) can_skip_assignment: bool,
}

/// A member in the reply to the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    /// The member's subscription for the chosen protocol.
    pub(crate) metadata: Bytes,
}

/// The reply to a join: a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) generation: i32,
    /// `consumer`, `connect`, ...
    pub(crate) protocol_type: Option<Str>,
    /// The chosen assignor.
    pub(crate) protocol: Option<Str>,
    /// Member id of the leader, which computes the assignment.
    pub(crate) leader: Str,
    /// The leader must not assign again.
    pub(crate) skip_assignment: bool,
    /// The member that gets this reply.
    pub(crate) member_id: Str,
    /// All members, for the leader only.
    pub(crate) members: Vec<JoinedMember>,
}

/// The reply to a join that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) error: GroupError,
    /// The member id for the response.
    pub(crate) member_id: Str,
}

/// The sender of a request: a member and the generation it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    pub(crate) generation: i32,
}

/// A SyncGroup request: asks for the assignment. The leader's one brings it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyncGroup {
    pub(crate) caller: Caller,
    /// Must be that of the group if it is set (v5+).
    pub(crate) protocol_type: Option<Str>,
    /// Must be that of the generation if it is set (v5+).
    pub(crate) protocol: Option<Str>,
    /// Set by the leader: the assignments by member id.
    pub(crate) assignments: Vec<(Str, Bytes)>,
}

/// The reply to a sync: the assignment of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    /// `consumer`, `connect`, ...
    pub(crate) protocol_type: Option<Str>,
    /// The chosen assignor.
    pub(crate) protocol: Option<Str>,
    /// The assignment, which the broker does not interpret.
    pub(crate) assignment: Bytes,
}

/// A member in a LeaveGroup request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaver {
    /// Empty if only the instance id is known.
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
}

/// A group in DescribeGroups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// Kafka's name of the state.
    pub(crate) state: &'static str,
    /// `consumer`, `connect`, ..., or empty.
    pub(crate) protocol_type: Str,
    /// The chosen assignor, or empty.
    pub(crate) protocol: Str,
    pub(crate) members: Vec<DescribedMember>,
}

/// A member in DescribeGroups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DescribedMember {
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    /// `client.id`
    pub(crate) client_id: Str,
    /// The address that the member connects from.
    pub(crate) client_host: Str,
    /// The member's subscription; empty unless the group is stable.
    pub(crate) metadata: Bytes,
    /// The member's assignment; during a rebalance the one before.
    pub(crate) assignment: Bytes,
}
