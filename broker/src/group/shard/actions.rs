//! Requests about one group.

use barnabas_protocol::kafka::Str;

use super::{Entry, Ownership, Parked, Shard};
use crate::group::error::GroupError;
use crate::group::offsets::{Committed, TopicPartition};
use crate::group::request::{Action, Answer, GroupRequest, Results, tell};
use crate::group::state::{Join, Joined, Refused, ReplyId, SyncGroup, Synced};
use tokio::sync::oneshot;

impl Shard {
    pub(super) fn on_request(&mut self, GroupRequest { group, action }: GroupRequest) {
        match self.ownership {
            Ownership::Foreign => refuse(action, GroupError::NotCoordinator),
            Ownership::Loading(_) => while_loading(action),
            Ownership::Serving(_) => self.act(&group, action),
        }
    }

    fn act(&mut self, id: &Str, action: Action) {
        match action {
            Action::Join(join, answer) => self.join(id, *join, answer),
            Action::SyncGroup(sync, answer) => self.sync(id, sync, answer),
            Action::Heartbeat(caller, answer) => {
                let beaten = self.on_group(id, |group, cx| group.heartbeat(cx, &caller));
                tell(answer, beaten.unwrap_or(Err(GroupError::UnknownMember)));
            }
            Action::Leave(leavers, answer) => {
                let left = self.on_group(id, |group, cx| group.leave(cx, &leavers));
                let unknown = || Ok(vec![Err(GroupError::UnknownMember); leavers.len()]);
                tell(answer, left.unwrap_or_else(unknown));
            }
            Action::Commit(caller, offsets, answer) => {
                if caller.generation < 0 {
                    self.groups.entry(id.clone()).or_default();
                }
                let checked = self.on_group(id, |group, cx| group.check_commit(cx, &caller));
                match checked.unwrap_or(Err(GroupError::IllegalGeneration)) {
                    Ok(()) => self.write_offsets(id, offsets, answer),
                    Err(error) => tell(answer, Err(error)),
                }
            }
            Action::Fetch(partitions, answer) => tell(answer, Ok(self.fetch(id, partitions))),
            Action::Describe(answer) => {
                let found = self.groups.get(id).map(|entry| entry.group.describe());
                tell(answer, found.ok_or(GroupError::NotFound));
            }
            Action::Delete(answer) => self.delete(id, answer),
            Action::DeleteOffsets(partitions, answer) => {
                self.delete_offsets(id, partitions, answer);
            }
        }
    }

    fn join(&mut self, id: &Str, join: Join, answer: oneshot::Sender<Result<Joined, Refused>>) {
        if join.member_id.is_empty() {
            self.groups.entry(id.clone()).or_default();
        } else if !self.groups.contains_key(id) {
            let error = GroupError::UnknownMember;
            tell(answer, Err(Refused { error, member_id: join.member_id }));
            return;
        }
        let reply = ReplyId(self.fresh_id());
        self.parked.insert(reply, Parked::Join(answer));
        self.on_group(id, |group, cx| group.join(cx, join, reply));
    }

    fn sync(&mut self, id: &Str, sync: SyncGroup, answer: Answer<Synced>) {
        if !self.groups.contains_key(id) {
            tell(answer, Err(GroupError::UnknownMember));
            return;
        }
        let reply = ReplyId(self.fresh_id());
        self.parked.insert(reply, Parked::SyncGroup(answer));
        self.on_group(id, |group, cx| group.sync(cx, sync, reply));
    }

    fn fetch(
        &self,
        id: &Str,
        partitions: Option<Vec<TopicPartition>>,
    ) -> Vec<(TopicPartition, Committed)> {
        let Some(Entry { offsets, .. }) = self.groups.get(id) else { return Vec::new() };
        match partitions {
            None => offsets.iter().map(|(at, committed)| (at, committed.clone())).collect(),
            Some(partitions) => partitions
                .into_iter()
                .filter_map(|at| Some((at.clone(), offsets.get(&at.0, at.1)?.clone())))
                .collect(),
        }
    }

    fn delete(&mut self, id: &Str, answer: Answer<()>) {
        let begun = self.groups.get_mut(id).ok_or(GroupError::NotFound);
        match begun.and_then(|entry| entry.group.begin_delete()) {
            Ok(()) => self.write_delete(id, Some(answer)),
            Err(error) => tell(answer, Err(error)),
        }
    }

    fn delete_offsets(
        &mut self,
        id: &Str,
        partitions: Vec<TopicPartition>,
        answer: Answer<Results>,
    ) {
        let subscribed = match self.groups.get(id).map(|entry| entry.group.check_offset_delete()) {
            None => return tell(answer, Err(GroupError::NotFound)),
            Some(Err(error)) => return tell(answer, Err(error)),
            Some(Ok(subscribed)) => subscribed,
        };
        self.write_offset_deletes(id, partitions, &subscribed, Some(answer));
    }
}

/// Kafka's answers before the groups are known: a member need not give up, a rebalance has to start over.
fn while_loading(action: Action) {
    match action {
        Action::Heartbeat(_, answer) => tell(answer, Ok(())),
        Action::SyncGroup(_, answer) => tell(answer, Err(GroupError::RebalanceInProgress)),
        other => refuse(other, GroupError::Loading),
    }
}

fn refuse(action: Action, error: GroupError) {
    match action {
        Action::Join(join, answer) => {
            tell(answer, Err(Refused { error, member_id: join.member_id }));
        }
        Action::SyncGroup(_, answer) => tell(answer, Err(error)),
        Action::Heartbeat(_, answer) => tell(answer, Err(error)),
        Action::Leave(_, answer) => tell(answer, Err(error)),
        Action::Commit(_, _, answer) => tell(answer, Err(error)),
        Action::Fetch(_, answer) => tell(answer, Err(error)),
        Action::Describe(answer) => tell(answer, Err(error)),
        Action::Delete(answer) => tell(answer, Err(error)),
        Action::DeleteOffsets(_, answer) => tell(answer, Err(error)),
    }
}
