//! The requests to a shard, each with the channel for its reply.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::values::GroupState;
use tokio::sync::oneshot;

use super::error::GroupError;
use super::offsets::{Committed, TopicPartition};
use super::state::{Caller, Description, Join, Joined, Leaver, Refused, SyncGroup, Synced};

/// The channel for the reply to a request.
pub(super) type Answer<T> = oneshot::Sender<Result<T, GroupError>>;

/// Replies to a request. The client may have disconnected meanwhile, then the reply is dropped.
pub(super) fn reply<T>(to: oneshot::Sender<T>, answer: T) {
    drop(to.send(answer));
}

/// One result for each item of the request, in its order.
pub(crate) type Results = Vec<Result<(), GroupError>>;

/// A request to a shard.
#[derive(Debug)]
pub(super) enum Request {
    /// About one of its groups.
    Group(GroupRequest),
    /// All of its groups.
    List(Answer<Vec<Listed>>),
}

/// A request about one group.
#[derive(Debug)]
pub(super) struct GroupRequest {
    pub(super) group: Str,
    pub(super) action: Action,
}

/// What is to be done with a group.
#[derive(Debug)]
pub(super) enum Action {
    Join(Box<Join>, oneshot::Sender<Result<Joined, Refused>>),
    SyncGroup(SyncGroup, Answer<Synced>),
    Heartbeat(Caller, Answer<()>),
    Leave(Vec<Leaver>, Answer<Results>),
    Commit(Caller, Vec<(TopicPartition, Committed)>, Answer<Results>),
    /// The committed offsets of these partitions, or of all. Partitions without an offset are left
    /// out.
    Fetch(Option<Vec<TopicPartition>>, Answer<Vec<(TopicPartition, Committed)>>),
    Describe(Answer<Description>),
    Delete(Answer<()>),
    DeleteOffsets(Vec<TopicPartition>, Answer<Results>),
}

/// A group in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) group: Str,
    /// `consumer`, `connect`, ..., or empty.
    pub(crate) protocol_type: Str,
    /// Kafka's name of the state.
    pub(crate) state: &'static str,
}

/// A value of a group as it was read from etcd.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) group: Str,
    pub(super) value: LoadedValue,
}

/// The content of a loaded value.
#[derive(Debug)]
pub(super) enum LoadedValue {
    State(Box<GroupState>),
    Offset(TopicPartition, Committed),
}
