//! Membership of a consumer group, in the protocol that all clients speak: join, sync, heartbeat,
//! leave.
//!
//! ```text
//! Member (handle) ──commands──▶ task: one loop ──▶ state::Membership (PURE): what to do next
//!        ◀──── View ────────────     │  executes: requests to the coordinator, metadata
//! ```
//! The partitions are shared out by one member, the leader ([`Assignor`]). A [`View`] says which
//! ones are held, not what changed: whoever reads partitions compares it with what it reads.

mod assign;
mod member;
mod state;
pub mod wire;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;

pub use self::assign::{Assignments, Assignor, Candidate};
pub use self::member::Member;
use crate::ByPartition;
use crate::offsets::Committer;

/// How to be a member; the names of Kafka's settings are in parentheses.
#[derive(Clone, Debug)]
pub struct MemberConfig {
    /// The group (`group.id`).
    pub group: Str,
    /// The name of a static member, which keeps its partitions over a restart
    /// (`group.instance.id`).
    pub instance_id: Option<Str>,
    /// The best first; the group uses one that all members have (`partition.assignment.strategy`).
    pub assignors: Vec<Assignor>,
    /// Without a heartbeat for this long, the group takes the member for dead
    /// (`session.timeout.ms`).
    pub session_timeout: Duration,
    /// The time between heartbeats (`heartbeat.interval.ms`).
    pub heartbeat_interval: Duration,
    /// How long a member may take to give up partitions, or be busy with records
    /// (`max.poll.interval.ms`).
    pub poll_interval: Duration,
    /// How often to look for new partitions and topics (`metadata.max.age.ms`).
    pub metadata_age: Duration,
}

impl MemberConfig {
    /// Kafka's defaults.
    #[must_use]
    pub fn new(group: Str) -> Self {
        Self {
            group,
            instance_id: None,
            assignors: vec![Assignor::Range, Assignor::CooperativeSticky],
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            poll_interval: Duration::from_secs(300),
            metadata_age: Duration::from_secs(300),
        }
    }
}

/// Which topics a member wants.
#[derive(Clone)]
pub enum Topics {
    /// These.
    Named(BTreeSet<Str>),
    /// All that are not internal and whose names match; also those that are created later.
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(names) => f.debug_tuple("Named").field(names).finish(),
            Self::Matching(_) => f.write_str("Matching"),
        }
    }
}

/// What a member holds at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The partitions, each with the generation in which the member got it. A partition with a
    /// generation other than before was held by somebody else meanwhile.
    pub held: ByPartition<i32>,
    /// The group waits until the member has let go of what it no longer holds, and has committed
    /// how far it came: see [`Member::released`]. Without this, partitions that are missing are
    /// lost: somebody else has them already.
    pub release: Option<u64>,
    /// As whom to commit; none while the member is not in the group.
    pub committer: Option<Committer>,
    /// Why the membership has ended.
    pub failure: Option<GroupError>,
}

/// Why a member cannot be in the group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Another member has taken over.
    #[error("another member with the group.instance.id {0} has joined the group")]
    Fenced(Str),
    /// The group uses no assignor that this member knows, or the assignment cannot be read.
    #[error("the members of the group do not agree on how to share out partitions: {0}")]
    Assignor(String),
    /// The coordinator refuses.
    #[error("the group's coordinator refuses: {}", .0.message())]
    Refused(ErrorCode),
    /// The coordinator does not speak the protocol.
    #[error("the group's coordinator cannot be understood: {0}")]
    Protocol(String),
}
