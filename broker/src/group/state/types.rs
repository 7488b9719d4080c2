//! What goes into a group's state and what comes out of it.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::values::GroupState;
use bytes::Bytes;

use crate::group::error::GroupError;

/// The time of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Now {
    /// Milliseconds of a clock that never jumps; timers count in it.
    pub(crate) ms: u64,
    /// Milliseconds since 1970, for what is kept.
    pub(crate) wall_ms: i64,
}

/// The configuration that a group's state depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// `group.initial.rebalance.delay.ms`
    pub(crate) initial_rebalance_delay_ms: u64,
    /// `group.max.size`
    pub(crate) max_size: usize,
}

/// Names a request whose reply is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ReplyId(pub(crate) u64);

/// What every event is given: the time, the configuration, and where commands go.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The time of the event.
    pub(crate) now: Now,
    /// The configuration in effect.
    pub(crate) settings: Settings,
    /// What is to be done, in order.
    pub(crate) out: &'a mut Vec<Command>,
}

impl Context<'_> {
    /// The time in so many milliseconds. Negative durations count as none.
    pub(super) fn after(&self, ms: i32) -> u64 {
        self.now.ms.saturating_add(u64::try_from(ms).unwrap_or(0))
    }
}

/// What a group wants done.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Answers a join.
    Joined(ReplyId, Result<Joined, Refused>),
    /// Answers a sync.
    Synced(ReplyId, Result<Synced, GroupError>),
    /// Writes the group's state, and tells [`super::Group::persisted`] for what.
    Persist(Box<GroupState>, Kept),
}

/// Why the group's state is written: what waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// The assignment of this generation.
    Generation(i32),
    /// A static member's new id.
    Replacement(Str),
}

/// An assignor that a member supports, with what it tells the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    /// Its name.
    pub(crate) name: Str,
    /// The member's subscription, opaque here.
    pub(crate) metadata: Bytes,
}

/// A request to enter the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Join {
    /// The member's id, empty if it has none yet.
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    /// The id that the member gets if it has none.
    pub(crate) new_member_id: Str,
    /// `client.id`
    pub(crate) client_id: Str,
    /// Where the member connects from.
    pub(crate) client_host: Str,
    /// After how long a silent member is removed.
    pub(crate) session_timeout_ms: i32,
    /// How long the member may take to rejoin.
    pub(crate) rebalance_timeout_ms: i32,
    /// `consumer`, `connect`, ...
    pub(crate) protocol_type: Str,
    /// The protocols that the member supports, preferred first.
    pub(crate) protocols: Vec<Protocol>,
    /// A member without an id is given one and joins again (JoinGroup v4+, KIP-394).
    pub(crate) needs_member_id: bool,
    /// A leader that came back can be told to keep the assignment (JoinGroup v9+, KIP-814).
    pub(crate) can_skip_assignment: bool,
}

/// A member, as the leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    /// The member's id.
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    /// The member's subscription for the chosen protocol.
    pub(crate) metadata: Bytes,
}

/// A generation, as told to one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// The generation.
    pub(crate) generation: i32,
    /// `consumer`, `connect`, ...
    pub(crate) protocol_type: Option<Str>,
    /// The chosen assignor.
    pub(crate) protocol: Option<Str>,
    /// Who assigns.
    pub(crate) leader: Str,
    /// The leader is not to assign again.
    pub(crate) skip_assignment: bool,
    /// The member that is told.
    pub(crate) member_id: Str,
    /// All members, for the leader only.
    pub(crate) members: Vec<JoinedMember>,
}

/// A join that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Why.
    pub(crate) error: GroupError,
    /// The member id for the response.
    pub(crate) member_id: Str,
}

/// Who asks: a member and the generation it believes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The member's id.
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    /// The generation.
    pub(crate) generation: i32,
}

/// A request to hand over, or to get, the assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyncGroup {
    /// Who asks.
    pub(crate) caller: Caller,
    /// What the member believes the protocol type to be (v5+).
    pub(crate) protocol_type: Option<Str>,
    /// What the member believes the protocol to be (v5+).
    pub(crate) protocol: Option<Str>,
    /// From the leader: the assignment by member id.
    pub(crate) assignments: Vec<(Str, Bytes)>,
}

/// An assignment, as told to the member it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Synced {
    /// `consumer`, `connect`, ...
    pub(crate) protocol_type: Option<Str>,
    /// The chosen assignor.
    pub(crate) protocol: Option<Str>,
    /// The assignment, opaque here.
    pub(crate) assignment: Bytes,
}

/// A member that is to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Leaver {
    /// The member's id; empty where only the instance id is known.
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
}

/// A group, as described to administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// Name of the state.
    pub(crate) state: &'static str,
    /// `consumer`, `connect`, ..., or empty.
    pub(crate) protocol_type: Str,
    /// The chosen assignor, or empty.
    pub(crate) protocol: Str,
    /// The members.
    pub(crate) members: Vec<DescribedMember>,
}

/// A member, as described to administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DescribedMember {
    /// The member's id.
    pub(crate) member_id: Str,
    /// `group.instance.id`
    pub(crate) instance: Option<Str>,
    /// `client.id`
    pub(crate) client_id: Str,
    /// Where the member connects from.
    pub(crate) client_host: Str,
    /// The member's subscription; empty unless the group is stable.
    pub(crate) metadata: Bytes,
    /// The member's assignment; during a rebalance the one before.
    pub(crate) assignment: Bytes,
}
