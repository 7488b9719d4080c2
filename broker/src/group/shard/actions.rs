//! Requests about one group.

use barnabas_protocol::kafka::Str;

use super::{Entry, GroupShard, Now, Parked};
use crate::coordinator::Standing;
use crate::group::error::GroupError;
use crate::group::offsets::{Committed, TopicPartition};
use crate::group::request::{Action, Answer, GroupRequest, Results, reply};
use crate::group::state::{Caller, Join, Joined, Refused, SyncGroup, Synced};
use tokio::sync::oneshot;

impl GroupShard {
    pub(super) fn on_request(
        &mut self,
        now: Now,
        standing: Standing,
        GroupRequest { group, action }: GroupRequest,
    ) {
        match (standing, action) {
            (Standing::NotOwner, action) => refuse(action, GroupError::NotCoordinator),
            (Standing::Loading, action) => while_loading(action),
            // The next generation could not be written: rather keep the present one.
            (Standing::ReadOnly, action @ Action::Join(..)) => {
                refuse(action, GroupError::NotAvailable);
            }
            (Standing::ReadOnly | Standing::Serving, action) => self.act(now, &group, action),
        }
    }

    fn act(&mut self, now: Now, id: &Str, action: Action) {
        match action {
            Action::Join(join, answer) => self.join(now, id, *join, answer),
            Action::SyncGroup(sync, answer) => self.sync(now, id, sync, answer),
            Action::Heartbeat(caller, answer) => {
                let result = self.on_group(now, id, |group, cx| group.heartbeat(cx, &caller));
                reply(answer, result.unwrap_or(Err(GroupError::UnknownMember)));
            }
            Action::Leave(leavers, answer) => {
                let left = self.on_group(now, id, |group, cx| group.leave(cx, &leavers));
                let unknown = || Ok(vec![Err(GroupError::UnknownMember); leavers.len()]);
                reply(answer, left.unwrap_or_else(unknown));
            }
            Action::Commit(caller, offsets, answer) => match self.check_commit(now, id, &caller) {
                Ok(()) => self.write_offsets(id, offsets, answer),
                Err(error) => reply(answer, Err(error)),
            },
            Action::Fetch(partitions, answer) => reply(answer, Ok(self.fetch(id, partitions))),
            Action::Describe(answer) => {
                let found = self.groups.get(id).map(|entry| entry.group.describe());
                reply(answer, found.ok_or(GroupError::NotFound));
            }
            Action::Delete(answer) => self.delete(now, id, answer),
            Action::DeleteOffsets(partitions, answer) => {
                self.delete_offsets(id, partitions, answer);
            }
        }
    }

    /// A commit outside of any generation (-1) makes a group that does not exist.
    fn check_commit(&mut self, now: Now, id: &Str, caller: &Caller) -> Result<(), GroupError> {
        if caller.generation < 0 {
            self.groups.entry(id.clone()).or_default();
        }
        let checked = self.on_group(now, id, |group, cx| group.check_commit(cx, caller));
        checked.unwrap_or(Err(GroupError::IllegalGeneration))
    }

    fn join(
        &mut self,
        now: Now,
        id: &Str,
        join: Join,
        answer: oneshot::Sender<Result<Joined, Refused>>,
    ) {
        if join.member_id.is_empty() {
            self.groups.entry(id.clone()).or_default();
        } else if !self.groups.contains_key(id) {
            let error = GroupError::UnknownMember;
            reply(answer, Err(Refused { error, member_id: join.member_id }));
            return;
        }
        let reply = self.park(Parked::Join(answer));
        self.on_group(now, id, |group, cx| group.join(cx, join, reply));
    }

    fn sync(&mut self, now: Now, id: &Str, sync: SyncGroup, answer: Answer<Synced>) {
        if !self.groups.contains_key(id) {
            reply(answer, Err(GroupError::UnknownMember));
            return;
        }
        let reply = self.park(Parked::SyncGroup(answer));
        self.on_group(now, id, |group, cx| group.sync(cx, sync, reply));
    }

    /// The committed offsets of these partitions, or of all, as far as their topics still exist.
    fn fetch(
        &self,
        id: &Str,
        partitions: Option<Vec<TopicPartition>>,
    ) -> Vec<(TopicPartition, Committed)> {
        let Some(Entry { offsets, .. }) = self.groups.get(id) else { return Vec::new() };
        let image = self.parts.image.load();
        let exists = |committed: &Committed| image.topic_by_id(committed.topic_id).is_some();
        match partitions {
            None => offsets
                .iter()
                .filter(|(_, committed)| exists(committed))
                .map(|(at, committed)| (at, committed.clone()))
                .collect(),
            Some(partitions) => partitions
                .into_iter()
                .filter_map(|at| {
                    let committed = offsets.get(&at.0, at.1).filter(|found| exists(found))?;
                    Some((at, committed.clone()))
                })
                .collect(),
        }
    }

    fn delete(&mut self, now: Now, id: &Str, answer: Answer<()>) {
        let begun = self.groups.get_mut(id).ok_or(GroupError::NotFound);
        match begun.and_then(|entry| entry.group.begin_delete()) {
            Ok(()) => self.write_group_delete(now, id, Vec::new(), Some(answer)),
            Err(error) => reply(answer, Err(error)),
        }
    }

    fn delete_offsets(
        &mut self,
        id: &Str,
        partitions: Vec<TopicPartition>,
        answer: Answer<Results>,
    ) {
        let subscribed = match self.groups.get(id).map(|entry| entry.group.check_offset_delete()) {
            None => return reply(answer, Err(GroupError::NotFound)),
            Some(Err(error)) => return reply(answer, Err(error)),
            Some(Ok(subscribed)) => subscribed,
        };
        self.write_client_deletes(id, partitions, &subscribed, answer);
    }
}

/// Kafka's answers while the groups are loaded: heartbeats succeed, so members do not give up. A
/// rebalance starts over.
fn while_loading(action: Action) {
    match action {
        Action::Heartbeat(_, answer) => reply(answer, Ok(())),
        Action::SyncGroup(_, answer) => reply(answer, Err(GroupError::RebalanceInProgress)),
        other => refuse(other, GroupError::Loading),
    }
}

fn refuse(action: Action, error: GroupError) {
    match action {
        Action::Join(join, answer) => {
            reply(answer, Err(Refused { error, member_id: join.member_id }));
        }
        Action::SyncGroup(_, answer) => reply(answer, Err(error)),
        Action::Heartbeat(_, answer) => reply(answer, Err(error)),
        Action::Leave(_, answer) => reply(answer, Err(error)),
        Action::Commit(_, _, answer) => reply(answer, Err(error)),
        Action::Fetch(_, answer) => reply(answer, Err(error)),
        Action::Describe(answer) => reply(answer, Err(error)),
        Action::Delete(answer) => reply(answer, Err(error)),
        Action::DeleteOffsets(_, answer) => reply(answer, Err(error)),
    }
}
