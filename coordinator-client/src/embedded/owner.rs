//! The one owner of the [`Machine`]: a thread that takes the waiting requests, applies them, makes
//! their effects durable with one synced write, and then lets all their responses go.
//!
//! ```text
//!  handlers ──jobs──▶ mailbox ──batch──▶ machine ──effects──▶ disk (fsync)
//!                                                               │
//!  watches  ◀──revision── published history ◀───────────────────┤
//!  handlers ◀──responses────────────────────────────────────────┘
//! ```
//!
//! Reads take the same way, so nothing that could still be lost is ever seen. Nothing wakes an idle
//! owner but the next lease to expire.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::RwLock;
use tokio::{sync::watch, time::Instant};

use super::{
    EmbeddedError,
    disk::{Directory, Disk},
    disk_format::Identity,
    error::OpError,
    history::{History, Retention},
    machine::{Effects, Machine},
    mailbox::{Handle, Job, Mailbox},
};
use crate::clock;

/// A batch is closed when it has more than so much to write.
const BATCH_BYTES: usize = 4 << 20;
/// If the owner wakes so much later than it wanted, the process stood still (stopped, swapped, or
/// the disk hung), and no client could renew its lease.
const STOOD_STILL: Duration = Duration::from_secs(1);
/// A store that could not be written is opened anew no more often than this.
const REOPEN_INTERVAL: Duration = Duration::from_secs(1);

/// What the thread owns.
pub(crate) struct Owner {
    mailbox: Arc<Mailbox>,
    history: Arc<RwLock<History>>,
    revision: watch::Sender<i64>,
    directory: Directory,
    core: Core,
    retention: Retention,
    start: Instant,
}

/// What was read from the directory, or why there is nothing.
enum Core {
    Open(Box<Open>),
    /// A write failed, so what the machine knew was ahead of the disk: both are dropped, and read
    /// anew when the disk can be written again.
    Failed {
        error: OpError,
        at: Duration,
    },
}

struct Open {
    machine: Machine,
    disk: Disk,
}

impl Core {
    fn open(
        directory: &Directory,
        new_ids: (u64, u64),
        now: Duration,
    ) -> Result<(Self, Identity), EmbeddedError> {
        let disk = directory.open(new_ids)?;
        let (machine, identity) = (disk.load(now)?, disk.identity());
        Ok((Self::Open(Box::new(Open { machine, disk })), identity))
    }
}

impl Owner {
    /// An owner of what `directory` holds, and the way to reach it. `new_ids` become cluster and
    /// member id if it is empty. Blocking.
    ///
    /// # Errors
    /// See [`Directory::open`].
    pub(crate) fn new(
        directory: Directory,
        new_ids: (u64, u64),
        retention: Retention,
    ) -> Result<(Self, Handle), EmbeddedError> {
        let (core, identity) = Core::open(&directory, new_ids, Duration::ZERO)?;
        let history = Arc::new(RwLock::new(History::default()));
        let (sender, revision) = watch::channel(0);
        let mailbox = Arc::new(Mailbox::new());
        let handle = Handle::new(Arc::clone(&mailbox), Arc::clone(&history), revision, identity);
        let start = clock::now();
        let owner = Self { mailbox, history, revision: sender, directory, core, retention, start };
        owner.publish_all();
        Ok((owner, handle))
    }

    /// Serves until the mailbox is closed. Blocking: has a thread of its own.
    pub(crate) fn run(mut self) {
        loop {
            let deadline = match &self.core {
                Core::Open(open) => open.machine.next_deadline(),
                Core::Failed { .. } => None,
            };
            let timeout = deadline.map(|deadline| deadline.saturating_sub(self.now()));
            let Some(jobs) = self.mailbox.take(timeout) else { return };
            let now = self.now();
            let late = deadline.map_or(Duration::ZERO, |deadline| now.saturating_sub(deadline));
            self.serve(jobs, now, late);
        }
    }

    fn now(&self) -> Duration {
        clock::now() - self.start
    }

    fn serve(&mut self, mut jobs: VecDeque<Job>, now: Duration, late: Duration) {
        self.reopen(now);
        if let Core::Open(open) = &mut self.core
            && late > STOOD_STILL
        {
            open.machine.delay_leases(late);
        }
        while self.serve_batch(&mut jobs, now) {}
    }

    /// Serves what fits into one write; returns whether jobs are left.
    fn serve_batch(&mut self, jobs: &mut VecDeque<Job>, now: Duration) -> bool {
        let Open { machine, disk } = match &mut self.core {
            Core::Open(open) => &mut **open,
            Core::Failed { error, .. } => {
                jobs.drain(..).for_each(|job| job(Err(error.clone()))(Ok(())));
                return false;
            }
        };
        let mut finishes = Vec::with_capacity(jobs.len());
        while machine.effects().bytes() < BATCH_BYTES {
            let Some(job) = jobs.pop_front() else { break };
            finishes.push(job(Ok((&mut *machine, now))));
        }
        if jobs.is_empty() {
            // After the renewals that were waiting.
            machine.expire_leases(now);
            machine.retain(&self.retention, now);
        }
        let effects = machine.take_effects();
        let written = if effects.is_empty() { Ok(()) } else { disk.write(&effects) };
        let written = match written {
            Ok(()) => {
                self.publish(effects);
                Ok(())
            }
            Err(error) => Err(self.fail(&error, now)),
        };
        finishes.into_iter().for_each(|finish| finish(written.clone()));
        !jobs.is_empty()
    }

    /// Lets watches see what was written.
    fn publish(&self, effects: Effects) {
        if effects.commits.is_empty() && effects.compacted.is_none() {
            return;
        }
        let mut history = self.history.write();
        effects.commits.into_iter().for_each(|commit| history.push(commit));
        if let Some(compacted) = effects.compacted {
            history.compact(compacted);
        }
        let revision = history.revision();
        drop(history);
        self.revision.send_replace(revision);
    }

    /// Lets watches see all that was read from the directory.
    fn publish_all(&self) {
        let Core::Open(open) = &self.core else { return };
        let store = open.machine.store();
        let mut published = History::new(store.history().base(), store.history().compacted());
        store.history().since(0).for_each(|commit| published.push(Arc::clone(commit)));
        *self.history.write() = published;
        self.revision.send_replace(store.revision());
    }

    fn fail(&mut self, error: &rocksdb::Error, at: Duration) -> OpError {
        tracing::error!(%error, "the embedded coordinator cannot write its directory");
        let error = OpError::Storage(error.to_string());
        self.core = Core::Failed { error: error.clone(), at };
        error
    }

    /// After a failed write: reads what really is on disk, if it has become writable. What watches
    /// have seen is there: only written changes were published.
    fn reopen(&mut self, now: Duration) {
        let Core::Failed { at, .. } = &self.core else { return };
        if now.saturating_sub(*at) < REOPEN_INTERVAL {
            return;
        }
        // A store that was written once has its ids.
        match Core::open(&self.directory, (0, 0), now) {
            Ok((core, _)) => {
                tracing::info!("the embedded coordinator can write its directory again");
                self.core = core;
                self.publish_all();
            }
            Err(error) => {
                self.core = Core::Failed { error: OpError::Storage(error.to_string()), at: now };
            }
        }
    }
}

impl Drop for Owner {
    /// However the owner ends, nobody waits for it for ever.
    fn drop(&mut self) {
        self.mailbox.abandon();
    }
}
