//! The leader-epoch history of one partition: which leader wrote from which offset on (KIP-101,
//! KIP-279).
//!
//! Invariant: epochs and start offsets both increase strictly from one entry to the next, except
//! that a start offset may repeat when a leader wrote nothing; such an empty epoch is dropped by
//! its successor.

use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

use crate::log::EpochEntry;

/// Epochs with their start offsets, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochHistory(Vec<EpochEntry>);

impl EpochHistory {
    /// Takes what the log has kept.
    #[must_use]
    pub fn new(entries: Vec<EpochEntry>) -> Self {
        Self(entries)
    }

    /// The entry to store when a batch of `epoch` is about to be written at `start`, or `None` when
    /// the log has records of that epoch, or of a later one.
    #[must_use]
    pub fn entry_for(&self, epoch: LeaderEpoch, start: Offset) -> Option<EpochEntry> {
        let written = self
            .0
            .last()
            .is_some_and(|last| last.epoch > epoch || (last.epoch == epoch && last.start < start));
        (!written).then_some(EpochEntry { epoch, start })
    }

    /// Records that `entry.epoch` writes from `entry.start` on.
    pub fn assign(&mut self, entry: EpochEntry) {
        while self.0.last().is_some_and(|last| last.start >= entry.start) {
            self.0.pop();
        }
        self.0.push(entry);
    }

    /// Takes back what was to be written from `end` on. The newest epoch, whose leader goes on,
    /// begins there at the latest; returns its entry.
    pub fn roll_back_to(&mut self, end: Offset) -> Option<EpochEntry> {
        let newest = self.0.last()?;
        let entry = EpochEntry { epoch: newest.epoch, start: newest.start.min(end) };
        self.assign(entry);
        Some(entry)
    }

    /// The epoch of the newest record, if anything was ever written.
    #[must_use]
    pub fn latest(&self) -> Option<LeaderEpoch> {
        self.0.last().map(|entry| entry.epoch)
    }

    /// The epoch in which the record at `offset` was written.
    #[must_use]
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.0.iter().rev().find(|entry| entry.start <= offset).map(|entry| entry.epoch)
    }

    /// The largest known epoch not above `requested`, and where it ends (exclusive), as
    /// OffsetForLeaderEpoch answers it; `end` is this partition's log end offset. `None` for an
    /// epoch newer than any known; one older than any known ends where the oldest begins.
    #[must_use]
    pub fn end_of(&self, requested: LeaderEpoch, end: Offset) -> Option<(LeaderEpoch, Offset)> {
        if requested == LeaderEpoch::UNKNOWN {
            return None;
        }
        if self.latest() == Some(requested) {
            return Some((requested, end));
        }
        let after = self.0.partition_point(|entry| entry.epoch <= requested);
        let next = self.0.get(after)?;
        let found = self.0[..after].last().map_or(requested, |entry| entry.epoch);
        // What was before a new leader may be on its way to the log yet.
        Some((found, next.start.min(end)))
    }

    /// Forgets everything from `end` on, after the log was truncated to it.
    pub fn truncate_to(&mut self, end: Offset) {
        self.0.retain(|entry| entry.start < end);
    }

    /// Forgets epochs that ended before `start`; the one that covers it now begins there.
    pub fn advance_start(&mut self, start: Offset) {
        let covering = self.0.iter().rposition(|entry| entry.start <= start);
        if let Some(position) = covering {
            self.0.drain(..position);
            self.0[0].start = start;
        }
    }

    /// The entries, oldest first, for storing.
    #[must_use]
    pub fn entries(&self) -> &[EpochEntry] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(entries: &[(i32, i64)]) -> EpochHistory {
        EpochHistory::new(entries.iter().map(|&(e, s)| entry(e, s)).collect())
    }

    fn entry(epoch: i32, start: i64) -> EpochEntry {
        EpochEntry { epoch: LeaderEpoch(epoch), start: Offset(start) }
    }

    #[test]
    fn an_epoch_ends_where_the_next_begins() {
        let epochs = history(&[(1, 0), (4, 10), (5, 30)]);
        assert_eq!(epochs.end_of(LeaderEpoch(0), Offset(50)), Some((LeaderEpoch(0), Offset(0))));
        assert_eq!(epochs.end_of(LeaderEpoch(1), Offset(50)), Some((LeaderEpoch(1), Offset(10))));
        assert_eq!(epochs.end_of(LeaderEpoch(3), Offset(50)), Some((LeaderEpoch(1), Offset(10))));
        assert_eq!(epochs.end_of(LeaderEpoch(5), Offset(50)), Some((LeaderEpoch(5), Offset(50))));
        assert_eq!(epochs.end_of(LeaderEpoch(9), Offset(50)), None);
    }

    #[test]
    fn an_epoch_is_entered_once_and_an_empty_one_is_replaced() {
        let mut epochs = history(&[(1, 0)]);
        assert_eq!(epochs.entry_for(LeaderEpoch(1), Offset(5)), None);
        let second = epochs.entry_for(LeaderEpoch(2), Offset(5)).expect("new epoch");
        epochs.assign(second);
        epochs.assign(entry(3, 5));
        assert_eq!(epochs, history(&[(1, 0), (3, 5)]));
        assert_eq!(epochs.epoch_at(Offset(4)), Some(LeaderEpoch(1)));
        assert_eq!(epochs.epoch_at(Offset(5)), Some(LeaderEpoch(3)));
    }

    #[test]
    fn an_epoch_begins_where_the_log_ends_if_what_was_before_it_is_lost() {
        let mut epochs = history(&[(1, 0), (2, 10), (3, 20)]);
        assert_eq!(epochs.end_of(LeaderEpoch(2), Offset(7)), Some((LeaderEpoch(2), Offset(7))));
        assert_eq!(epochs.clone().roll_back_to(Offset(30)), Some(entry(3, 20)));
        assert_eq!(epochs.roll_back_to(Offset(10)), Some(entry(3, 10)));
        assert_eq!(epochs, history(&[(1, 0), (3, 10)]));
        assert_eq!(EpochHistory::default().roll_back_to(Offset(0)), None);
    }

    #[test]
    fn truncation_and_deletion_keep_what_remains() {
        let mut epochs = history(&[(1, 0), (2, 10), (3, 20)]);
        epochs.truncate_to(Offset(20));
        assert_eq!(epochs, history(&[(1, 0), (2, 10)]));
        epochs.advance_start(Offset(15));
        assert_eq!(epochs, history(&[(2, 15)]));
    }
}
