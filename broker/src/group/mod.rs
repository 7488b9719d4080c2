//! Consumer groups: their members, what is assigned to them, and how far they have read.
//!
//! ```text
//!  api/group ─▶ GroupManager ─▶ coordinator (task) ─▶ GroupShard ─▶ state (pure) ─▶ replies
//!                                                        └─▶ etcd: /consumers/<group>/...
//! ```
//! Each group lives in one shard, whose task alone touches it. Rebalances happen in memory. Their
//! result is written to etcd before members learn of it, so a restart of the broker does not
//! disturb a stable group. A commit is answered when its offsets are in etcd.

mod error;
mod memory;
mod offsets;
mod request;
mod shard;
mod state;

use std::sync::Arc;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::BrokerId;
use tokio::sync::oneshot;

use crate::coordinator::{Coordinator, CoordinatorParts, WriteBudget};
use request::{Action, Answer, GroupRequest, Request};
use shard::{GroupShard, ShardParts};

pub(crate) use error::GroupError;
pub(crate) use memory::{MemberMemory, check_member};
pub(crate) use offsets::{Committed, TopicPartition};
pub(crate) use request::{Listed, Results};
pub(crate) use state::{
    Caller, DEAD, DescribedMember, Description, Join, Joined, JoinedMember, Leaver, Protocol,
    Refused, SyncGroup, Synced,
};

/// The bytes of commits that may wait for etcd, of all groups together.
const WAITING_COMMIT_BYTES: usize = 64 << 20;

/// A handle to the consumer groups that this broker coordinates; cheap to clone.
#[derive(Clone, Debug)]
pub struct GroupManager {
    coordinator: Coordinator<GroupShard>,
    /// What members may fill.
    pub(crate) memory: MemberMemory,
}

impl GroupManager {
    /// Starts the coordinator.
    #[must_use]
    pub fn start(parts: CoordinatorParts) -> Self {
        let shard = ShardParts {
            keys: parts.member.keys.clone(),
            image: parts.member.image.clone(),
            config: Arc::clone(&parts.config),
            budget: WriteBudget::new(WAITING_COMMIT_BYTES),
        };
        let coordinator = Coordinator::start(parts, || GroupShard::new(shard.clone()));
        Self { coordinator, memory: MemberMemory::default() }
    }

    /// The broker that coordinates a group. `None` while no broker can.
    #[must_use]
    pub fn coordinator_of(&self, group: &str) -> Option<BrokerId> {
        self.coordinator.owner_of(group)
    }

    /// Sends a request to the shard of its group. `None` where the broker is stopping.
    async fn ask<T>(
        &self,
        group: Str,
        action: impl FnOnce(oneshot::Sender<T>) -> Action,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        let request = GroupRequest { group: group.detach(), action: action(sender) };
        self.coordinator.send(&group, Request::Group(request)).await;
        receiver.await.ok()
    }

    async fn ask_or_error<T>(
        &self,
        group: Str,
        action: impl FnOnce(Answer<T>) -> Action,
    ) -> Result<T, GroupError> {
        self.ask(group, action).await.unwrap_or(Err(GroupError::NotCoordinator))
    }

    /// JoinGroup: answered with the next generation.
    pub(crate) async fn join(&self, group: Str, join: Join) -> Result<Joined, Refused> {
        let member_id = join.member_id.clone();
        let answer = self.ask(group, |answer| Action::Join(Box::new(join), answer)).await;
        answer.unwrap_or(Err(Refused { error: GroupError::NotCoordinator, member_id }))
    }

    /// SyncGroup: answered when the leader has assigned.
    pub(crate) async fn sync(&self, group: Str, sync: SyncGroup) -> Result<Synced, GroupError> {
        self.ask_or_error(group, |answer| Action::SyncGroup(sync, answer)).await
    }

    /// Heartbeat.
    pub(crate) async fn heartbeat(&self, group: Str, caller: Caller) -> Result<(), GroupError> {
        self.ask_or_error(group, |answer| Action::Heartbeat(caller, answer)).await
    }

    /// LeaveGroup: one result for each member.
    pub(crate) async fn leave(
        &self,
        group: Str,
        leavers: Vec<Leaver>,
    ) -> Result<Results, GroupError> {
        self.ask_or_error(group, |answer| Action::Leave(leavers, answer)).await
    }

    /// OffsetCommit: one result for each offset, when it is in etcd. Each partition at most once.
    pub(crate) async fn commit(
        &self,
        group: Str,
        caller: Caller,
        offsets: Vec<(TopicPartition, Committed)>,
    ) -> Result<Results, GroupError> {
        self.ask_or_error(group, |answer| Action::Commit(caller, offsets, answer)).await
    }

    /// OffsetFetch: the committed offsets of these partitions, or of all.
    pub(crate) async fn fetch(
        &self,
        group: Str,
        partitions: Option<Vec<TopicPartition>>,
    ) -> Result<Vec<(TopicPartition, Committed)>, GroupError> {
        self.ask_or_error(group, |answer| Action::Fetch(partitions, answer)).await
    }

    /// DescribeGroups.
    pub(crate) async fn describe(&self, group: Str) -> Result<Description, GroupError> {
        self.ask_or_error(group, Action::Describe).await
    }

    /// DeleteGroups: the group and its offsets.
    pub(crate) async fn delete(&self, group: Str) -> Result<(), GroupError> {
        self.ask_or_error(group, Action::Delete).await
    }

    /// OffsetDelete: one result for each partition.
    pub(crate) async fn delete_offsets(
        &self,
        group: Str,
        partitions: Vec<TopicPartition>,
    ) -> Result<Results, GroupError> {
        self.ask_or_error(group, |answer| Action::DeleteOffsets(partitions, answer)).await
    }

    /// ListGroups: the groups that this broker coordinates.
    pub(crate) async fn list(&self) -> Result<Vec<Listed>, GroupError> {
        let mut groups = Vec::new();
        for shard in 0..self.coordinator.shards() {
            let (sender, receiver) = oneshot::channel();
            self.coordinator.send_to(shard, Request::List(sender)).await;
            groups.extend(receiver.await.map_err(|_| GroupError::NotCoordinator)??);
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests;
