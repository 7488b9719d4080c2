//! What a shard writes to etcd, and what follows when it is written.

use std::collections::BTreeSet;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::to_json;
use barnabas_protocol::state::values::GroupState;
use bytes::Bytes;

use super::Shard;
use crate::group::error::{GroupError, WriteError};
use crate::group::offsets::{Committed, TopicPartition};
use crate::group::request::{Answer, Results, tell};
use crate::group::state::Kept;
use crate::coordinator::write_queue::{Change, ChangeId, Outcome};

/// Changes that belong together, until the last one is done with.
#[derive(Debug)]
pub(super) struct PendingWrite {
    group: Str,
    purpose: Purpose,
    /// By the index of the change; nothing where it is not done yet.
    results: Vec<Option<Result<(), WriteError>>>,
    left: usize,
    /// The shard was another broker's meanwhile: the outcome is nothing for its groups as they are now.
    outlived: bool,
}

#[derive(Debug)]
enum Purpose {
    /// The group's state.
    State { kept: Kept },
    /// One change for each offset.
    Commit { offsets: Vec<(TopicPartition, Committed)>, answer: Answer<Results> },
    /// One change for each offset that goes; `refused` are those of the request that do not.
    DeleteOffsets {
        partitions: Vec<(usize, TopicPartition)>,
        results: Results,
        answer: Option<Answer<Results>>,
    },
    /// The state's key and those of all offsets.
    Delete { offsets: Vec<TopicPartition>, answer: Option<Answer<()>> },
}

impl Shard {
    fn write(&mut self, group: &Str, purpose: Purpose, changes: Vec<Change>) {
        let ticket = self.fresh_id();
        let left = changes.len();
        let pending = PendingWrite {
            group: group.clone(),
            purpose,
            results: vec![None; left],
            left,
            outlived: false,
        };
        if left == 0 {
            return self.complete(pending);
        }
        self.writes.insert(ticket, pending);
        for (index, change) in changes.into_iter().enumerate() {
            self.queue.push(ChangeId { ticket, index }, change);
        }
    }

    /// The partitions whose offsets are on their way to etcd.
    fn being_committed(&self, group: &str) -> BTreeSet<TopicPartition> {
        let of_group = self.writes.values().filter(|write| &*write.group == group);
        let commits = of_group.filter_map(|write| match &write.purpose {
            Purpose::Commit { offsets, .. } => Some(offsets),
            Purpose::State { .. } | Purpose::DeleteOffsets { .. } | Purpose::Delete { .. } => None,
        });
        commits.flatten().map(|(at, _)| at.clone()).collect()
    }

    /// Everything that the group has an offset of, or will have.
    pub(super) fn offsets_of(&self, group: &str) -> BTreeSet<TopicPartition> {
        let mut partitions = self.being_committed(group);
        if let Some(entry) = self.groups.get(group) {
            partitions.extend(entry.offsets.iter().map(|(at, _)| at));
        }
        partitions
    }

    /// Whether anything of the group is on its way to etcd.
    pub(super) fn is_being_written(&self, group: &str) -> bool {
        self.writes.values().any(|write| &*write.group == group)
    }

    pub(super) fn offset_key(&self, group: &str, (topic, partition): &TopicPartition) -> Bytes {
        self.shared.keys.group_offset(group, topic, *partition).into()
    }

    pub(super) fn persist(&mut self, group: &Str, value: GroupState, kept: Kept) {
        if let Some(entry) = self.groups.get_mut(group) {
            entry.stored = true;
        }
        let key = self.shared.keys.group_state(group).into();
        let change = Change { key, value: Some(to_json(&value).into()) };
        self.write(group, Purpose::State { kept }, vec![change]);
    }

    pub(super) fn write_offsets(
        &mut self,
        group: &Str,
        offsets: Vec<(TopicPartition, Committed)>,
        answer: Answer<Results>,
    ) {
        // A group that is only now coming to be can be deleted already, and its topics can.
        self.groups.entry(group.clone()).or_default();
        let change = |(at, committed): &(TopicPartition, Committed)| Change {
            key: self.offset_key(group, at),
            value: Some(to_json(&committed.to_value()).into()),
        };
        let changes = offsets.iter().map(change).collect();
        self.write(group, Purpose::Commit { offsets, answer }, changes);
    }

    /// Deletes offsets, except those of subscribed topics.
    pub(super) fn write_offset_deletes(
        &mut self,
        group: &Str,
        partitions: Vec<TopicPartition>,
        subscribed: &BTreeSet<Str>,
        answer: Option<Answer<Results>>,
    ) {
        let mut results = vec![Ok(()); partitions.len()];
        let mut deleted = Vec::new();
        let known = self.offsets_of(group);
        for (index, at) in partitions.into_iter().enumerate() {
            if subscribed.contains(&at.0) {
                results[index] = Err(GroupError::SubscribedToTopic);
            } else if known.contains(&at) {
                deleted.push((index, at));
            }
        }
        let change = |(_, at): &_| Change { key: self.offset_key(group, at), value: None };
        let changes = deleted.iter().map(change).collect();
        let purpose = Purpose::DeleteOffsets { partitions: deleted, results, answer };
        self.write(group, purpose, changes);
    }

    /// Deletes all keys of a group that was marked for it.
    pub(super) fn write_delete(&mut self, group: &Str, answer: Option<Answer<()>>) {
        let Some(entry) = self.groups.get(group) else { return };
        let offsets: Vec<_> = self.offsets_of(group).into_iter().collect();
        let mut changes: Vec<_> = offsets
            .iter()
            .map(|at| Change { key: self.offset_key(group, at), value: None })
            .collect();
        if entry.stored {
            // Last, so that a deletion that does not get through leaves a group.
            changes.push(Change { key: self.shared.keys.group_state(group).into(), value: None });
        }
        self.write(group, Purpose::Delete { offsets, answer }, changes);
    }

    /// Takes in what became of changes, in the order in which they were made.
    pub(super) fn finish(&mut self, outcomes: Vec<Outcome>) {
        for (ChangeId { ticket, index }, result) in outcomes {
            let Some(pending) = self.writes.get_mut(&ticket) else { continue };
            pending.results[index] = Some(result);
            pending.left -= 1;
            if pending.left == 0
                && let Some(pending) = self.writes.remove(&ticket)
            {
                self.complete(pending);
            }
        }
    }

    /// The groups are forgotten, and what was written for them is nothing for those that are read next.
    pub(super) fn outlive_writes(&mut self) {
        for write in self.writes.values_mut() {
            write.outlived = true;
        }
    }

    fn complete(&mut self, PendingWrite { group, purpose, results, outlived, .. }: PendingWrite) {
        let results: Vec<_> = results.into_iter().flatten().collect();
        if let Some(error) = results.iter().find_map(|result| result.as_ref().err()) {
            tracing::warn!(%group, %error, "a change of a group was not written");
        }
        if outlived {
            return answer_only(purpose, &results);
        }
        match purpose {
            Purpose::State { kept } => self.state_written(&group, &kept, &results),
            Purpose::Commit { offsets, answer } => {
                self.offsets_written(&group, offsets, &results);
                tell(answer, Ok(results.iter().map(told).collect()));
            }
            Purpose::DeleteOffsets { partitions, results: mut all, answer } => {
                for ((index, at), result) in partitions.into_iter().zip(&results) {
                    all[index] = told(result);
                    self.offset_deleted(&group, &at, result);
                }
                self.settle(&group, self.now());
                if let Some(answer) = answer {
                    tell(answer, Ok(all));
                }
            }
            Purpose::Delete { offsets, answer } => {
                self.group_deleted(&group, &offsets, &results);
                let failed = results.iter().find(|result| result.is_err());
                if let Some(answer) = answer {
                    tell(answer, failed.map_or(Ok(()), told));
                }
            }
        }
    }

    fn state_written(&mut self, group: &Str, kept: &Kept, results: &[Result<(), WriteError>]) {
        let result = match results.first() {
            // The group works without: after a restart its members join again.
            Some(Err(error)) if error.is_too_large() => Ok(()),
            Some(result) => told(result),
            None => Ok(()),
        };
        self.on_group(group, |group, cx| group.persisted(cx, kept, result));
    }

    fn offsets_written(
        &mut self,
        group: &Str,
        offsets: Vec<(TopicPartition, Committed)>,
        results: &[Result<(), WriteError>],
    ) {
        let written = offsets.into_iter().zip(results).filter(|(_, result)| result.is_ok());
        let mut written = written.map(|(offset, _)| offset).peekable();
        if written.peek().is_none() {
            return self.settle(group, self.now());
        }
        let entry = self.groups.entry(group.clone()).or_default();
        for (at, committed) in written {
            entry.offsets.put(at, committed);
        }
    }

    fn offset_deleted(
        &mut self,
        group: &Str,
        at: &TopicPartition,
        result: &Result<(), WriteError>,
    ) {
        if let (Some(entry), Ok(())) = (self.groups.get_mut(group), result) {
            entry.offsets.remove(at);
        }
    }

    fn group_deleted(
        &mut self,
        group: &Str,
        offsets: &[TopicPartition],
        results: &[Result<(), WriteError>],
    ) {
        for (at, result) in offsets.iter().zip(results) {
            self.offset_deleted(group, at, result);
        }
        let all = results.iter().all(Result::is_ok);
        if let Some(entry) = self.groups.get_mut(group) {
            entry.group.undo_delete();
            if all {
                entry.group = Default::default();
                entry.stored = false;
            }
        }
        self.settle(group, self.now());
    }
}

/// Tells who waits, and nobody else.
fn answer_only(purpose: Purpose, written: &[Result<(), WriteError>]) {
    match purpose {
        Purpose::State { .. } => {}
        Purpose::Commit { answer, .. } => tell(answer, Ok(written.iter().map(told).collect())),
        Purpose::DeleteOffsets { partitions, mut results, answer } => {
            for ((index, _), result) in partitions.into_iter().zip(written) {
                results[index] = told(result);
            }
            if let Some(answer) = answer {
                tell(answer, Ok(results));
            }
        }
        Purpose::Delete { answer, .. } => {
            let failed = written.iter().find(|result| result.is_err());
            if let Some(answer) = answer {
                tell(answer, failed.map_or(Ok(()), told));
            }
        }
    }
}

fn told(result: &Result<(), WriteError>) -> Result<(), GroupError> {
    result.as_ref().copied().map_err(WriteError::to_group_error)
}
