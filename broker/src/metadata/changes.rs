//! Which topics changed, kept with the image, so that a reader finds the differences between two
//! images without comparing all topics.
//!
//! Readers may skip images, so each image carries the names of the last few thousand changes. Its
//! log shares its entries with the logs of the images before it. A reader that lags further behind,
//! or that has an image of another origin, compares everything.

use std::collections::BTreeSet;
use std::sync::Arc;

use rpds::ListSync;

use super::topic::TopicName;

/// When the newer half of the log has this many entries, the older half is dropped.
const HALF: usize = 16 * 1024;

/// The changed topics of one image and of those before it, newest first.
#[derive(Clone, Debug)]
pub(crate) struct TopicChanges {
    /// Names the first image of this line. Images of different lines have unrelated logs.
    origin: Arc<()>,
    /// Number of changes since the first image.
    count: u64,
    newer: ListSync<(u64, TopicName)>,
    older: ListSync<(u64, TopicName)>,
    /// `count` before the oldest entry of each half.
    newer_from: u64,
    older_from: u64,
}

impl Default for TopicChanges {
    fn default() -> Self {
        Self {
            origin: Arc::new(()),
            count: 0,
            newer: ListSync::new_sync(),
            older: ListSync::new_sync(),
            newer_from: 0,
            older_from: 0,
        }
    }
}

/// Two images are equal if they say the same, however they came about.
impl PartialEq for TopicChanges {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl TopicChanges {
    /// Notes that something below this topic's name changed.
    pub(super) fn record(&mut self, name: &TopicName) {
        if self.newer.len() == HALF {
            self.older = std::mem::replace(&mut self.newer, ListSync::new_sync());
            self.older_from = std::mem::replace(&mut self.newer_from, self.count);
        }
        self.count += 1;
        self.newer.push_front_mut((self.count, name.clone()));
    }

    /// The topics that changed after `before`, or `None` if this log does not go back that far or
    /// is the older one.
    pub(super) fn since(&self, before: &Self) -> Option<BTreeSet<TopicName>> {
        let known = self.older_from..=self.count;
        if !Arc::ptr_eq(&self.origin, &before.origin) || !known.contains(&before.count) {
            return None;
        }
        let entries = self.newer.iter().chain(self.older.iter());
        let new = entries.take_while(|(number, _)| *number > before.count);
        Some(new.map(|(_, name)| name.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> TopicName {
        format!("t{number:06}").into()
    }

    #[test]
    fn a_reader_finds_what_changed_since_its_image() {
        let mut log = TopicChanges::default();
        let first = log.clone();
        log.record(&name(1));
        let second = log.clone();
        log.record(&name(2));
        log.record(&name(3));
        log.record(&name(2));
        assert_eq!(log.since(&log), Some(BTreeSet::new()));
        assert_eq!(log.since(&second), Some([name(2), name(3)].into()));
        assert_eq!(log.since(&first), Some([name(1), name(2), name(3)].into()));
        assert_eq!(log.since(&TopicChanges::default()), None);
        assert_eq!(first.since(&log), None);
    }

    #[test]
    fn the_log_is_bounded_and_says_how_far_it_goes_back() {
        let mut log = TopicChanges::default();
        let mut at = Vec::new();
        for number in 0..5 * HALF {
            at.push(log.clone());
            log.record(&name(number));
        }
        assert!(log.newer.len() + log.older.len() <= 2 * HALF);
        let recent = 5 * HALF - HALF - 7;
        let expected = (recent..5 * HALF).map(name).collect();
        assert_eq!(log.since(&at[recent]), Some(expected));
        assert_eq!(log.since(&at[2 * HALF]), None);
    }
}
