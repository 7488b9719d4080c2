//! What a shard writes to etcd, and what follows when it is written.

use std::collections::BTreeSet;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::to_json;
use barnabas_protocol::state::values::GroupState;
use bytes::Bytes;

use super::{GroupShard, Now};
use crate::coordinator::{Change, Condition, Finished, Permit, WriteError};
use crate::group::error::GroupError;
use crate::group::offsets::{Committed, TopicPartition};
use crate::group::request::{Answer, Results, reply};
use crate::group::state::Kept;

/// What a waiting change takes besides its key and its value, in bytes.
const CHANGE_OVERHEAD_BYTES: usize = 256;

/// What becomes true in memory once a change is in etcd.
#[derive(Debug)]
pub(in crate::group) enum Effect {
    /// The state key of the group was put or deleted.
    State { group: Str, stored: bool },
    /// The group has this offset, or none any more.
    Offset { group: Str, at: TopicPartition, committed: Option<Committed> },
}

/// Who waits for the changes of a request.
#[derive(Debug)]
pub(in crate::group) struct Waiter {
    group: Str,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    /// The state of the group.
    State(Kept),
    /// Committed offsets. The permit is for the bytes that wait.
    Commit { answer: Answer<Results>, _permit: Permit },
    /// Deleted offsets.
    DeleteOffsets(Option<OffsetDeletes>),
    /// The whole group.
    DeleteGroup(Option<Answer<()>>),
}

/// A client that deletes offsets.
#[derive(Debug)]
pub(super) struct OffsetDeletes {
    answer: Answer<Results>,
    /// The reply so far: success, except for offsets that may not be deleted.
    results: Results,
    /// Which result each change belongs to.
    places: Vec<usize>,
}

/// An offset to delete, and what must hold for it.
#[derive(Debug)]
pub(super) struct Deletion {
    pub(super) at: TopicPartition,
    pub(super) condition: Option<Condition>,
}

impl GroupShard {
    fn write(&mut self, group: &Str, purpose: Purpose, changes: Vec<Change<Effect>>) {
        // The group may be deleted and its offsets known from now on, also while it has nothing but
        // this write.
        self.groups.entry(group.clone()).or_default().writing += 1;
        self.writes.push(Waiter { group: group.clone(), purpose }, changes);
    }

    fn offset_change(
        &self,
        group: &Str,
        at: TopicPartition,
        committed: Option<Committed>,
        condition: Option<Condition>,
    ) -> Change<Effect> {
        Change {
            key: self.parts.keys.group_offset(group, &at.0, at.1).into(),
            value: committed.as_ref().map(|committed| to_json(&committed.to_value()).into()),
            condition,
            effect: Effect::Offset { group: group.clone(), at, committed },
        }
    }

    fn state_change(&self, group: &Str, value: Option<Bytes>) -> Change<Effect> {
        Change {
            key: self.parts.keys.group_state(group).into(),
            effect: Effect::State { group: group.clone(), stored: value.is_some() },
            value,
            condition: None,
        }
    }

    /// Everything that the group has an offset of, or is about to have.
    fn offsets_of(&self, group: &str) -> BTreeSet<TopicPartition> {
        let being_committed = self.writes.effects().filter_map(|effect| match effect {
            Effect::Offset { group: of, at, committed: Some(_) } if &**of == group => Some(at),
            Effect::Offset { .. } | Effect::State { .. } => None,
        });
        let mut partitions: BTreeSet<_> = being_committed.cloned().collect();
        if let Some(entry) = self.groups.get(group) {
            partitions.extend(entry.offsets.iter().map(|(at, _)| at));
        }
        partitions
    }

    pub(super) fn write_state(&mut self, group: &Str, value: &GroupState, kept: Kept) {
        if let Some(entry) = self.groups.get_mut(group) {
            // Also if the reply of etcd is lost.
            entry.stored = true;
        }
        let change = self.state_change(group, Some(to_json(value).into()));
        self.write(group, Purpose::State(kept), vec![change]);
    }

    pub(super) fn write_offsets(
        &mut self,
        group: &Str,
        offsets: Vec<(TopicPartition, Committed)>,
        answer: Answer<Results>,
    ) {
        let change = |(at, committed)| self.offset_change(group, at, Some(committed), None);
        let changes: Vec<_> = offsets.into_iter().map(change).collect();
        let value = |change: &Change<Effect>| change.value.as_ref().map_or(0, Bytes::len);
        // The value is there twice, as text and in the effect.
        let bytes = |change| 2 * value(change) + change.key.len() + CHANGE_OVERHEAD_BYTES;
        match self.parts.budget.take(changes.iter().map(bytes).sum()) {
            Ok(permit) => self.write(group, Purpose::Commit { answer, _permit: permit }, changes),
            Err(error) => reply(answer, Err(error.into())),
        }
    }

    /// Deletes offsets. Where none are left to delete, the client has its reply at once.
    pub(super) fn write_offset_deletes(
        &mut self,
        group: &Str,
        deletions: Vec<Deletion>,
        client: Option<OffsetDeletes>,
    ) {
        if deletions.is_empty() {
            if let Some(OffsetDeletes { answer, results, .. }) = client {
                reply(answer, Ok(results));
            }
            return;
        }
        let changes = self.offset_deletes(group, deletions);
        self.write(group, Purpose::DeleteOffsets(client), changes);
    }

    /// Deletes all keys of a group that was marked for it. `conditional` are the offsets that may
    /// only be deleted under a condition.
    pub(super) fn write_group_delete(
        &mut self,
        now: Now,
        group: &Str,
        conditional: Vec<Deletion>,
        client: Option<Answer<()>>,
    ) {
        let mut offsets = self.offsets_of(group);
        offsets.retain(|at| conditional.iter().all(|deletion| deletion.at != *at));
        let unconditional = offsets.into_iter().map(|at| Deletion { at, condition: None });
        let deletions = conditional.into_iter().chain(unconditional).collect();
        let mut changes = self.offset_deletes(group, deletions);
        if self.groups.get(group).is_some_and(|entry| entry.stored) {
            // Last, so that a deletion that does not get through leaves a group.
            changes.push(self.state_change(group, None));
        }
        if changes.is_empty() {
            self.group_deleted(now, group, true);
            return client.into_iter().for_each(|answer| reply(answer, Ok(())));
        }
        self.write(group, Purpose::DeleteGroup(client), changes);
    }

    fn offset_deletes(&self, group: &Str, deletions: Vec<Deletion>) -> Vec<Change<Effect>> {
        let change = |Deletion { at, condition }| self.offset_change(group, at, None, condition);
        deletions.into_iter().map(change).collect()
    }

    /// Deletes offsets for a client, except those of subscribed topics.
    pub(super) fn write_client_deletes(
        &mut self,
        group: &Str,
        partitions: Vec<TopicPartition>,
        subscribed: &BTreeSet<Str>,
        answer: Answer<Results>,
    ) {
        let mut results = vec![Ok(()); partitions.len()];
        let (mut deletions, mut places) = (Vec::new(), Vec::new());
        let known = self.offsets_of(group);
        for (place, at) in partitions.into_iter().enumerate() {
            if subscribed.contains(&at.0) {
                results[place] = Err(GroupError::SubscribedToTopic);
            } else if known.contains(&at) {
                places.push(place);
                deletions.push(Deletion { at, condition: None });
            }
        }
        let client = OffsetDeletes { answer, results, places };
        self.write_offset_deletes(group, deletions, Some(client));
    }

    /// Takes over what is in etcd now.
    pub(super) fn apply_effect(&mut self, effect: Effect) {
        match effect {
            Effect::State { group, stored } => {
                self.groups.entry(group).or_default().stored = stored;
            }
            Effect::Offset { group, at, committed } => {
                let entry = self.groups.entry(group).or_default();
                match committed {
                    Some(committed) => {
                        entry.committed = true;
                        entry.offsets.put(at, committed);
                    }
                    None => entry.offsets.remove(&at),
                }
            }
        }
    }

    /// Replies to a request whose changes are done, and lets the group go on.
    pub(super) fn finish_write(&mut self, now: Now, finished: Finished<Waiter>) {
        let Finished { reply: Waiter { group, purpose }, results, released } = finished;
        if !released && let Some(entry) = self.groups.get_mut(&group) {
            entry.writing -= 1;
        }
        let failure = results.iter().find_map(|result| result.as_ref().err());
        let all = failure.map_or(Ok(()), |error| Err(error.into()));
        match purpose {
            Purpose::State(kept) if !released => {
                // Without its state in etcd the group works, but its members join anew after a
                // restart.
                let too_large = failure.is_some_and(WriteError::is_too_large);
                let result = if too_large { Ok(()) } else { all };
                self.on_group(now, &group, |group, cx| group.persisted(cx, &kept, result));
            }
            Purpose::State(_) => {}
            Purpose::Commit { answer, .. } => {
                reply(answer, Ok(results.iter().map(to_reply).collect()));
            }
            Purpose::DeleteOffsets(None) => {}
            Purpose::DeleteOffsets(Some(client)) => client.reply(&results),
            Purpose::DeleteGroup(client) => {
                if !released {
                    self.group_deleted(now, &group, all.is_ok());
                }
                client.into_iter().for_each(|answer| reply(answer, all));
            }
        }
        self.settle(now, &group);
    }

    /// The deletion of a group is over: its keys are gone, or some are left.
    fn group_deleted(&mut self, now: Now, group: &Str, all: bool) {
        let Some(entry) = self.groups.get_mut(group) else { return };
        entry.group.undo_delete();
        if all {
            entry.group = Default::default();
            entry.committed = false;
        }
        self.settle(now, group);
    }
}

impl OffsetDeletes {
    fn reply(mut self, written: &[Result<(), WriteError>]) {
        for (place, result) in self.places.into_iter().zip(written) {
            self.results[place] = to_reply(result);
        }
        reply(self.answer, Ok(self.results));
    }
}

fn to_reply(result: &Result<(), WriteError>) -> Result<(), GroupError> {
    result.as_ref().copied().map_err(GroupError::from)
}
