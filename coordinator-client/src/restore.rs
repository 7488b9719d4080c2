//! What the cluster keeps in etcd about restores of etcd: `/cluster/restored` counts them,
//! `/cluster/clock` reveals them.
//!
//! A controller writes the clock every [`CLOCK_INTERVAL`]. A restore that raises the revision
//! leaves the clock's key far behind it, whoever looks, and whatever is written in between.

use crate::{
    client::Client,
    error::{Error, TxnError},
    history::MAX_REVISION_STEP,
    kv::{KeyValue, ModRevision, Revision},
    txn::{Expect, Txn, TxnOutcome},
};
use barnabas_protocol::state::{
    Keys, StateError, StateValue, from_json,
    ids::{BrokerId, ControllerEpoch},
    to_json,
    values::{Clock, Restored},
};
use etcd_client::GetOptions;
use std::time::Duration;

/// How often a controller writes the clock.
pub const CLOCK_INTERVAL: Duration = Duration::from_secs(10);

/// The most restores that can be counted: producer ids have 15 bits for the count.
pub const MAX_COUNT: i64 = (1 << 15) - 1;

/// Both keys, and the revision that they were read at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// The revision of etcd then.
    pub revision: Revision,
    /// How often etcd was restored.
    pub count: i64,
    /// `mod_revision` of `/cluster/restored`, if it is there.
    pub restored: Option<ModRevision>,
    /// `mod_revision` of `/cluster/clock`, if it is there.
    pub clock: Option<ModRevision>,
}

/// Why the marks cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarksError {
    /// etcd cannot be read.
    #[error(transparent)]
    Read(#[from] Error),
    /// `/cluster/restored` cannot be understood.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Marks {
    /// What is wrong with the clock, if etcd was restored and nobody has counted that yet. `used`
    /// says that there was a controller before, which has set the clock.
    #[must_use]
    pub fn behind(&self, used: bool) -> Option<String> {
        let Some(clock) = self.clock else {
            return used.then(|| "the controller's clock is missing".to_owned());
        };
        // Whoever has counted the last restore wrote after it.
        let written = self.restored.map_or(clock, |restored| restored.max(clock));
        (self.revision.0.saturating_sub(written.0) > MAX_REVISION_STEP).then(|| {
            format!(
                "etcd is at revision {}, and the controller's clock was written at {clock}",
                self.revision
            )
        })
    }

    /// The value that counts a restore which only the clock reveals.
    pub(crate) fn raised(&self, broker: BrokerId, used: bool) -> Option<Restored> {
        self.behind(used).map(|reason| restored(self.count.saturating_add(1), broker, reason))
    }

    /// Adds the condition that nobody changed the marks, and the raised count.
    pub(crate) fn write(&self, txn: Txn, keys: &Keys, raised: Option<&Restored>) -> Txn {
        let txn =
            txn.expect(keys.clock(), expected(self.clock)).expect(keys.restored(), self.expect());
        match raised {
            Some(value) => txn.put(keys.restored(), to_json(value)),
            None => txn,
        }
    }

    /// What a transaction compares so that it holds for this count only.
    #[must_use]
    pub fn expect(&self) -> Expect {
        expected(self.restored)
    }
}

fn expected(revision: Option<ModRevision>) -> Expect {
    revision.map_or(Expect::Absent, Expect::ModRevision)
}

/// The value of `/cluster/restored`.
fn restored(count: i64, broker: BrokerId, reason: String) -> Restored {
    Restored { version: Restored::VERSION, count, broker_id: broker.0, reason }
}

/// The value of `/cluster/clock`.
pub(crate) fn clock(broker: BrokerId, epoch: ControllerEpoch, now_ms: i64) -> Vec<u8> {
    to_json(&Clock {
        version: Clock::VERSION,
        broker_id: broker.0,
        controller_epoch: epoch.0,
        timestamp_ms: now_ms,
    })
}

impl Client {
    /// Reads the marks.
    ///
    /// # Errors
    /// See [`MarksError`].
    pub async fn read_marks(&self, keys: &Keys) -> Result<Marks, MarksError> {
        let options = GetOptions::new().with_range(key_end(keys));
        let (revision, entries) = self.range(keys.clock().as_bytes(), options).await?;
        let find = |key: String| entries.iter().find(|kv| kv.key == key.as_bytes());
        let restored = find(keys.restored());
        let count = match restored {
            Some(kv) => from_json::<Restored>(&kv.value)?.count,
            None => 0,
        };
        let revision_of = |kv: &KeyValue| kv.mod_revision;
        let clock = find(keys.clock()).map(revision_of);
        Ok(Marks { revision, count, restored: restored.map(revision_of), clock })
    }

    /// Counts a restore, unless the count is not `marks.count` any more. It becomes more than both
    /// `marks.count` and `above`. Returns the new count.
    ///
    /// # Errors
    /// As [`Client::txn_recognised`].
    pub async fn raise_restored(
        &self,
        keys: &Keys,
        marks: &Marks,
        above: i64,
        (broker, reason): (BrokerId, String),
    ) -> Result<Option<i64>, TxnError> {
        let count = marks.count.max(above).saturating_add(1);
        let value = to_json(&restored(count, broker, reason));
        let txn = Txn::new().expect(keys.restored(), marks.expect()).put(keys.restored(), value);
        match self.txn_recognised(txn).await? {
            TxnOutcome::Committed { .. } => Ok(Some(count)),
            TxnOutcome::Conflict { .. } => Ok(None),
        }
    }
}

/// The end of the range that holds both keys.
fn key_end(keys: &Keys) -> Vec<u8> {
    crate::kv::key_after(keys.restored().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(revision: i64, clock: Option<i64>) -> Marks {
        Marks { revision: Revision(revision), clock: clock.map(ModRevision), ..Marks::default() }
    }

    #[test]
    fn a_clock_far_behind_the_revision_tells_of_a_restore() {
        let late = 50 + MAX_REVISION_STEP;
        assert_eq!(marks(late, Some(50)).behind(true), None);
        assert!(marks(late + 1, Some(50)).behind(true).is_some());
        assert_eq!(marks(late + 1, None).behind(false), None, "a new cluster has no clock");
        assert!(marks(9, None).behind(true).is_some(), "and loses it only by mistake");
    }

    #[test]
    fn a_restore_that_is_counted_is_not_counted_again() {
        let restored = Some(ModRevision(2 * MAX_REVISION_STEP));
        let counted = Marks { restored, count: 1, ..marks(2 * MAX_REVISION_STEP + 5, Some(50)) };
        assert_eq!(counted.behind(true), None);
        let again = Revision(4 * MAX_REVISION_STEP);
        assert!(Marks { revision: again, ..counted }.behind(true).is_some());
    }

    #[test]
    fn a_count_goes_up_by_one() {
        let seen = Marks { count: 4, ..marks(2 * MAX_REVISION_STEP, Some(7)) };
        let raised = seen.raised(BrokerId(3), true).expect("behind");
        assert_eq!((raised.count, raised.broker_id), (5, 3));
    }
}
