//! What is asked of a shard, with where the answer goes.

use barnabas_coordinator_client::ModRevision;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::BrokerEpoch;
use barnabas_protocol::state::values::GroupState;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::error::GroupError;
use super::offsets::{Committed, TopicPartition};
use super::state::{Caller, Description, Join, Joined, Leaver, Refused, SyncGroup, Synced};

/// Where the answer to a request goes. Who asked may be gone.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, GroupError>>;

/// Answers a request. Who asked may be gone, which is nobody's loss.
pub(crate) fn tell<T>(who: oneshot::Sender<T>, answer: T) {
    let _unheard = who.send(answer);
}

/// One result for each thing asked about, in the order of the request.
pub(crate) type Results = Vec<Result<(), GroupError>>;

/// A request about one group.
#[derive(Debug)]
pub(crate) struct GroupRequest {
    pub(crate) group: Str,
    pub(crate) action: Action,
}

/// What is asked about a group.
#[derive(Debug)]
pub(crate) enum Action {
    Join(Box<Join>, oneshot::Sender<Result<Joined, Refused>>),
    SyncGroup(SyncGroup, Answer<Synced>),
    Heartbeat(Caller, Answer<()>),
    Leave(Vec<Leaver>, Answer<Results>),
    Commit(Caller, Vec<(TopicPartition, Committed)>, Answer<Results>),
    /// Of these partitions, or all; those without an offset are left out.
    Fetch(Option<Vec<TopicPartition>>, Answer<Vec<(TopicPartition, Committed)>>),
    Describe(Answer<Description>),
    Delete(Answer<()>),
    DeleteOffsets(Vec<TopicPartition>, Answer<Results>),
}

/// A group in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The group's id.
    pub(crate) group: Str,
    /// `consumer`, `connect`, ..., or empty.
    pub(crate) protocol_type: Str,
    /// Name of the state.
    pub(crate) state: &'static str,
}

/// A key of a group as it was read from etcd.
#[derive(Debug)]
pub(crate) struct LoadedKey {
    pub(crate) group: Str,
    pub(crate) key: Bytes,
    pub(crate) revision: ModRevision,
    pub(crate) value: LoadedValue,
}

/// What was under the key.
#[derive(Debug)]
pub(crate) enum LoadedValue {
    State(Box<GroupState>),
    Offset(TopicPartition, Committed),
}

/// The right to serve a shard, until another broker claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// The registration of the broker.
    pub(crate) epoch: BrokerEpoch,
    /// When the shard's key was written for it.
    pub(crate) revision: ModRevision,
}

/// What a shard is told.
#[derive(Debug)]
pub(crate) enum Message {
    /// A request about one of its groups.
    Group(GroupRequest),
    /// All of its groups.
    List(Answer<Vec<Listed>>),
    /// The shard is this broker's, to be loaded under this registration.
    Acquire(BrokerEpoch),
    /// What etcd holds of the shard since it was claimed under that registration.
    Load(Claim, Vec<LoadedKey>),
    /// The shard is another broker's.
    Release,
    /// These topics are deleted, and with them what was committed up to that revision: later commits are for another topic
    /// of the same name.
    TopicsDeleted(std::sync::Arc<[(Str, ModRevision)]>),
}
