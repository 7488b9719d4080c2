//! Offsets that are no longer needed: they have expired (KIP-211), or their topic is deleted.
//!
//! Offsets of a deleted topic are not served from the moment the image shows the deletion. They are
//! deleted later, at the next check or when a shard is loaded, and only if etcd itself shows that
//! there is no such topic: the transaction compares the topic's key.

use std::collections::BTreeSet;

use barnabas_coordinator_client::{Expect, ModRevision};
use barnabas_protocol::kafka::Str;

use super::GroupShard;
use super::writes::Deletion;
use crate::coordinator::{Condition, Now};
use crate::env;
use crate::group::offsets::TopicPartition;
use crate::metadata::Image;

impl GroupShard {
    /// Whether the retention is to be checked now. Schedules the next check if so.
    pub(super) fn is_retention_due(&mut self, now: Now) -> bool {
        let due = self.next_retention_check.is_some_and(|at| at <= now.ms);
        if due || self.next_retention_check.is_none() {
            let interval = self.parts.config.load().offsets_retention_check_interval;
            self.next_retention_check = Some(now.ms.saturating_add(interval.as_millis() as u64));
        }
        due
    }

    /// Deletes offsets that are no longer needed, and empty groups that have none left.
    pub(super) fn expire_offsets(&mut self, now: Now) {
        let image = self.parts.image.load();
        for id in self.idle_groups() {
            let mut deletions = self.missing_topics(&id, &image);
            let known: BTreeSet<_> = deletions.iter().map(|deletion| deletion.at.clone()).collect();
            let expired = self.expired(&id).into_iter().filter(|at| !known.contains(at));
            deletions.extend(expired.map(|at| Deletion { at, condition: None }));
            let Some(entry) = self.groups.get_mut(&id) else { continue };
            let all = deletions.len() == entry.offsets.iter().count();
            if all && entry.group.is_vacant() && entry.group.begin_delete().is_ok() {
                self.write_group_delete(now, &id, deletions, None);
            } else {
                self.write_offset_deletes(&id, deletions, None);
            }
        }
    }

    /// Deletes the offsets of topics that do not exist any more.
    pub(super) fn delete_offsets_of_missing_topics(&mut self) {
        let image = self.parts.image.load();
        for id in self.idle_groups() {
            let deletions = self.missing_topics(&id, &image);
            self.write_offset_deletes(&id, deletions, None);
        }
    }

    /// The groups without a write under way: a commit on its way to etcd would be deleted with the
    /// offset it replaces.
    fn idle_groups(&self) -> Vec<Str> {
        let idle = self.groups.iter().filter(|(_, entry)| entry.writing == 0);
        idle.map(|(id, _)| id.clone()).collect()
    }

    fn missing_topics(&self, id: &Str, image: &Image) -> Vec<Deletion> {
        let Some(entry) = self.groups.get(id) else { return Vec::new() };
        let missing = entry.offsets.of_missing_topics(|topic| image.topic_by_id(topic).is_some());
        let deletion = |at: TopicPartition| {
            let expect = match image.topic(&at.0) {
                None => Expect::Absent,
                // Another topic has the name.
                Some(other) => Expect::ModRevision(ModRevision(other.revision.0)),
            };
            let key = self.parts.keys.topic(&at.0).into();
            Deletion { at, condition: Some(Condition { key, expect }) }
        };
        missing.into_iter().map(deletion).collect()
    }

    fn expired(&self, id: &Str) -> Vec<TopicPartition> {
        let Some(entry) = self.groups.get(id) else { return Vec::new() };
        let Some(subscribed) = entry.group.kept_from_expiry() else { return Vec::new() };
        let retention_ms = self.parts.config.load().offsets_retention.as_millis() as i64;
        let since = entry.group.empty_since_ms();
        entry.offsets.expired(since, &subscribed, env::expiry_clock_ms(), retention_ms)
    }
}
