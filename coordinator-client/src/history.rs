//! Notices that etcd was restored from a backup while this process runs.
//!
//! A restore with `--bump-revision` moves etcd's revision up by far more than writes could in the
//! meantime. What this process knows, and holds (a lease, the controller's key), is then from
//! another history, although nothing that it compares needs to look different.

use crate::kv::Revision;
use std::sync::atomic::{AtomicI64, Ordering};
use thiserror::Error;
use tokio::sync::watch;

/// How far etcd's revision may move while nobody looks. The bump that etcd documents is 1 000 000
/// 000; a busy etcd takes hours for this many writes.
pub const MAX_REVISION_STEP: i64 = 100_000_000;

/// etcd's revision moved further than writes can have moved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("etcd's revision went from {seen} to {found} at once, as after a restore from a backup")]
pub struct RevisionJump {
    /// The highest revision before.
    pub seen: Revision,
    /// The one that followed.
    pub found: Revision,
}

/// The revisions that this process has seen in replies.
#[derive(Debug)]
pub(crate) struct History {
    /// 0 before the first reply.
    highest: AtomicI64,
    jump: watch::Sender<Option<RevisionJump>>,
}

impl Default for History {
    fn default() -> Self {
        Self { highest: AtomicI64::new(0), jump: watch::Sender::new(None) }
    }
}

impl History {
    /// Takes the revision of a reply. After a jump, everything is refused: there is no way back to
    /// the old history.
    pub(crate) fn observe(&self, found: Revision) -> Result<(), RevisionJump> {
        if let Some(jump) = *self.jump.borrow() {
            return Err(jump);
        }
        let seen = self.highest.fetch_max(found.0, Ordering::Relaxed);
        if seen == 0 || found.0.saturating_sub(seen) <= MAX_REVISION_STEP {
            return Ok(());
        }
        let jump = RevisionJump { seen: Revision(seen), found };
        self.jump.send_if_modified(|noted| {
            let first = noted.is_none();
            noted.get_or_insert(jump);
            first
        });
        Err(jump)
    }

    pub(crate) fn has_jumped(&self) -> bool {
        self.jump.borrow().is_some()
    }

    /// Shows the first jump.
    pub(crate) fn jump(&self) -> watch::Receiver<Option<RevisionJump>> {
        self.jump.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_revision_may_be_any_and_later_ones_come_in_steps() {
        let history = History::default();
        let first = 5_000_000_000;
        for revision in [first, first + MAX_REVISION_STEP, first + 7, first + 2 * MAX_REVISION_STEP]
        {
            assert_eq!(history.observe(Revision(revision)), Ok(()), "{revision}");
        }
    }

    #[test]
    fn a_jump_ends_the_history() {
        let history = History::default();
        let jumps = history.jump();
        history.observe(Revision(7)).expect("the first");
        let jump = RevisionJump { seen: Revision(7), found: Revision(8 + MAX_REVISION_STEP) };
        assert_eq!(history.observe(jump.found), Err(jump));
        assert_eq!(history.observe(Revision(8)), Err(jump), "etcd cannot take it back");
        assert_eq!(*jumps.borrow(), Some(jump));
    }
}
