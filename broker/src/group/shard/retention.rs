//! Offsets that are not needed any more: their time is over (KIP-211), or their topic is deleted.

use std::collections::{BTreeMap, BTreeSet};

use barnabas_coordinator_client::ModRevision;
use barnabas_protocol::kafka::Str;

use super::Shard;
use crate::env;
use crate::group::offsets::TopicPartition;

impl Shard {
    pub(super) fn schedule_retention(&mut self) {
        let interval = self.shared.config.load().offsets_retention_check_interval;
        self.next_retention_check = self.now().ms.saturating_add(interval.as_millis() as u64);
    }

    /// Deletes expired offsets, and empty groups that have none left.
    pub(super) fn expire_offsets(&mut self) {
        let retention_ms = self.shared.config.load().offsets_retention.as_millis() as i64;
        let now_ms = env::expiry_clock_ms();
        let ids: Vec<_> = self.groups.keys().cloned().collect();
        for id in ids {
            // A commit that is on its way would be deleted with what it replaces; there is another time.
            if self.is_being_written(&id) {
                continue;
            }
            let Some(entry) = self.groups.get_mut(&id) else { continue };
            let Some(subscribed) = entry.group.kept_from_expiry() else { continue };
            let since = entry.group.empty_since_ms();
            let expired = entry.offsets.expired(since, &subscribed, now_ms, retention_ms);
            if entry.group.is_vacant()
                && expired.len() == entry.offsets.iter().count()
                && entry.group.begin_delete().is_ok()
            {
                self.write_delete(&id, None);
            } else if !expired.is_empty() {
                self.write_offset_deletes(&id, expired, &subscribed, None);
            }
        }
    }

    /// A topic of the same name would be another topic; what is committed for that one has a later revision.
    pub(super) fn delete_offsets_of(&mut self, topics: &[(Str, ModRevision)]) {
        let gone: BTreeMap<&Str, ModRevision> =
            topics.iter().map(|(name, at)| (name, *at)).collect();
        let ids: Vec<_> = self.groups.keys().cloned().collect();
        for id in ids {
            let mut partitions: Vec<TopicPartition> = self.offsets_of(&id).into_iter().collect();
            partitions.retain(|at| {
                let written = self.queue.revision(&self.offset_key(&id, at));
                gone.get(&at.0).is_some_and(|gone| written.is_none_or(|written| written <= *gone))
            });
            if !partitions.is_empty() {
                self.write_offset_deletes(&id, partitions, &BTreeSet::new(), None);
            }
        }
    }
}
