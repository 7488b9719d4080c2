//! Consumer groups: who is a member, what is assigned, how far they have read.
//!
//! ```text
//!  api/group ─▶ GroupManager ─▶ shard task ─▶ state (pure) ─▶ answers
//!                    placement ──▲   └─▶ write_queue ─▶ etcd: /consumers/<group>/{state,offsets/...}
//! ```
//! A group lives in one of `offsets.topic.num.partitions` shards, each a task that alone touches its groups. Rebalances
//! happen in memory; the outcome is persisted before members hear of it, so that a restart of the broker need not disturb
//! a stable group. Committed offsets are answered when they are in etcd.

mod error;
mod memory;
mod offsets;
pub(crate) mod request;
pub(crate) mod shard;
mod state;

use std::sync::Arc;

use arc_swap::ArcSwap;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::ids::BrokerId;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::BrokerConfig;
use crate::failure::Failing;
use crate::membership::ClusterMember;
use crate::metadata::ImageHandle;
use crate::coordinator::placement::{Placement, owner, shard_of};
use request::{Action, Answer, GroupRequest, Message};
use shard::{Shard, Shared};

pub(crate) use error::{GroupError, WriteError};
pub(crate) use memory::{MemberMemory, check_member};
pub(crate) use offsets::{Committed, TopicPartition};
pub(crate) use request::{Listed, Results};
pub(crate) use state::{
    Caller, DEAD, DescribedMember, Description, Join, Joined, JoinedMember, Leaver, Protocol,
    Refused, SyncGroup, Synced,
};

/// Requests that wait for a shard; whoever has one more waits with it.
const MAILBOX: usize = 256;

/// What the group coordinator works with.
#[derive(Debug)]
pub struct GroupParts {
    /// This broker; its image is the cluster as it serves it.
    pub member: ClusterMember,
    /// The configuration in effect.
    pub config: Arc<ArcSwap<BrokerConfig>>,
    /// Where background tasks run.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
    /// Told when one of them dies.
    pub failing: Failing,
}

/// The handle to the consumer groups that this broker coordinates; cheap to clone.
#[derive(Clone, Debug)]
pub struct GroupManager {
    image: ImageHandle,
    shards: Arc<[mpsc::Sender<Message>]>,
    /// What members may fill.
    pub(crate) memory: MemberMemory,
}

impl GroupManager {
    /// Starts the coordinator.
    #[must_use]
    pub fn start(parts: GroupParts) -> Self {
        let GroupParts { member, config, tasks, stop, failing } = parts;
        let ClusterMember { client, keys, broker, registration, image } = member;
        let count = config.load().offsets_topic_num_partitions;
        let (lost, losses) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared { client, keys, broker, config, lost });
        let start = |index| {
            let (sender, mailbox) = mpsc::channel(MAILBOX);
            let shard = Shard::new(index, Arc::clone(&shared)).run(mailbox, stop.clone());
            tasks.spawn(failing.clone().needs("a coordinator of groups", shard));
            sender
        };
        let shards: Vec<_> = (0..count).map(start).collect();
        let handle = Self {
            image: image.clone(),
            shards: shards.clone().into(),
            memory: MemberMemory::default(),
        };
        let placement = Placement { shared, image, registration, shards, losses };
        tasks.spawn(failing.needs("the placement of groups", placement.run(stop)));
        handle
    }

    /// The broker that coordinates a group; none while no broker can.
    #[must_use]
    pub fn coordinator_of(&self, group: &str) -> Option<BrokerId> {
        owner(&self.image.load(), shard_of(group, self.shards.len()))
    }

    /// Sends a request to the shard of its group.
    async fn ask<T>(
        &self,
        group: Str,
        action: impl FnOnce(oneshot::Sender<T>) -> Action,
    ) -> Option<T> {
        let (sender, receiver) = oneshot::channel();
        let shard = &self.shards[shard_of(&group, self.shards.len())];
        let request = GroupRequest { group: group.detach(), action: action(sender) };
        shard.send(Message::Group(request)).await.ok()?;
        receiver.await.ok()
    }

    async fn ask_or_error<T>(
        &self,
        group: Str,
        action: impl FnOnce(Answer<T>) -> Action,
    ) -> Result<T, GroupError> {
        // A shard's task ends only with the broker.
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

    /// OffsetCommit: one result for each offset, when it is in etcd.
    pub(crate) async fn commit(
        &self,
        group: Str,
        caller: Caller,
        offsets: Vec<(TopicPartition, Committed)>,
    ) -> Result<Results, GroupError> {
        self.ask_or_error(group, |answer| Action::Commit(caller, offsets, answer)).await
    }

    /// OffsetFetch: the offsets that there are of these partitions, or of all.
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
        for shard in &*self.shards {
            let (sender, receiver) = oneshot::channel();
            shard.send(Message::List(sender)).await.map_err(|_| GroupError::NotCoordinator)?;
            groups.extend(receiver.await.map_err(|_| GroupError::NotCoordinator)??);
        }
        Ok(groups)
    }
}

#[cfg(test)]
mod tests;
