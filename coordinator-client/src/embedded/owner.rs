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

use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use super::{
    disk::{Disk, Identity},
    error::OpError,
    history::{History, Retention},
    machine::Machine,
};
use crate::clock;

/// Requests that may wait; more wait in their connections.
const MAILBOX_SLOTS: usize = 1024;
/// Requests that share one synced write.
const BATCH_JOBS: usize = 512;
/// A batch is closed when it has more than so much to write.
const BATCH_BYTES: usize = 4 << 20;
/// If the owner wakes so much later than it wanted, the process stood still (stopped, swapped, or
/// the disk hung), and no client could renew its lease.
const STOOD_STILL: Duration = Duration::from_secs(1);

/// Sends the response, once it is known whether the batch is on disk.
type Finish = Box<dyn FnOnce(Result<(), OpError>) + Send>;
/// A request: applies itself at a given time.
type Job = Box<dyn FnOnce(&mut Machine, Duration) -> Finish + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Mailbox {
    queue: Mutex<Queue>,
    filled: Condvar,
    slots: Arc<Semaphore>,
}

impl Mailbox {
    /// No more jobs.
    fn close(&self) {
        self.slots.close();
        self.queue.lock().closed = true;
        self.filled.notify_one();
    }

    /// Waits for jobs, until `timeout`; takes at most [`BATCH_JOBS`]. `None` once closed and empty.
    fn take(&self, timeout: Option<Duration>) -> Option<VecDeque<Job>> {
        let mut queue = self.queue.lock();
        let idle = |queue: &mut Queue| queue.jobs.is_empty() && !queue.closed;
        match timeout {
            Some(timeout) => {
                self.filled.wait_while_for(&mut queue, idle, timeout);
            }
            None => self.filled.wait_while(&mut queue, idle),
        }
        if queue.jobs.is_empty() && queue.closed {
            return None;
        }
        let count = queue.jobs.len().min(BATCH_JOBS);
        Some(queue.jobs.drain(..count).collect())
    }
}

/// Reaches the owner. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle {
    mailbox: Arc<Mailbox>,
    history: Arc<RwLock<History>>,
    revision: watch::Receiver<i64>,
    identity: Identity,
}

impl Handle {
    /// Has the owner run `request`, and returns its answer when what it changed is on disk.
    ///
    /// # Errors
    /// What `request` returns; [`OpError::Stopped`] and [`OpError::Storage`], after which it is
    /// unknown whether it was done.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        request: impl FnOnce(&mut Machine, Duration) -> Result<T, OpError> + Send + 'static,
    ) -> Result<T, OpError> {
        let slot = Arc::clone(&self.mailbox.slots).acquire_owned().await;
        let slot = slot.map_err(|_| OpError::Stopped)?;
        let (reply, answer) = oneshot::channel();
        self.post(slot, move |machine, now| {
            let result = request(machine, now);
            Box::new(move |written| {
                // Whoever asked may have gone away.
                let _ = reply.send(written.and(result));
            })
        });
        answer.await.map_err(|_| OpError::Stopped)?
    }

    fn post(
        &self,
        slot: OwnedSemaphorePermit,
        job: impl FnOnce(&mut Machine, Duration) -> Finish + Send + 'static,
    ) {
        let mut queue = self.mailbox.queue.lock();
        if !queue.closed {
            queue.jobs.push_back(Box::new(move |machine, now| {
                drop(slot);
                job(machine, now)
            }));
            self.mailbox.filled.notify_one();
        }
    }

    /// Ends the owner after what it has already got.
    pub(crate) fn close(&self) {
        self.mailbox.close();
    }

    /// The changes that are on disk.
    pub(crate) fn history(&self) -> &RwLock<History> {
        &self.history
    }

    /// The newest revision that is on disk.
    pub(crate) fn revisions(&self) -> watch::Receiver<i64> {
        self.revision.clone()
    }

    /// Who the server is.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }
}

/// What the thread owns.
pub(crate) struct Owner {
    mailbox: Arc<Mailbox>,
    history: Arc<RwLock<History>>,
    revision: watch::Sender<i64>,
    machine: Machine,
    disk: Disk,
    retention: Retention,
    /// Why the disk could not be written. What the machine knows is then ahead of the disk, so
    /// nothing is answered any more.
    fault: Option<OpError>,
}

impl Owner {
    /// An owner of what `disk` holds, and the way to reach it. Blocking.
    ///
    /// # Errors
    /// See [`Disk::load`].
    pub(crate) fn new(
        disk: Disk,
        retention: Retention,
    ) -> Result<(Self, Handle), super::EmbeddedError> {
        let machine = disk.load()?;
        let store = machine.store();
        let mut published = History::new(store.history().base(), store.history().compacted());
        store.history().since(0).for_each(|commit| published.push(Arc::clone(commit)));
        let history = Arc::new(RwLock::new(published));
        let (sender, revision) = watch::channel(store.revision());
        let mailbox = Arc::new(Mailbox {
            queue: Mutex::default(),
            filled: Condvar::new(),
            slots: Arc::new(Semaphore::new(MAILBOX_SLOTS)),
        });
        let identity = disk.identity();
        let handle = Handle {
            mailbox: Arc::clone(&mailbox),
            history: Arc::clone(&history),
            revision,
            identity,
        };
        let owner =
            Self { mailbox, history, revision: sender, machine, disk, retention, fault: None };
        Ok((owner, handle))
    }

    /// Serves until the mailbox is closed. Blocking: has a thread of its own.
    pub(crate) fn run(mut self) {
        let start = clock::now();
        loop {
            let deadline = self.machine.next_deadline().filter(|_| self.fault.is_none());
            let timeout = deadline.map(|deadline| deadline.saturating_sub(clock::now() - start));
            let Some(jobs) = self.mailbox.take(timeout) else { return };
            let now = clock::now() - start;
            let late = deadline.map_or(Duration::ZERO, |deadline| now.saturating_sub(deadline));
            if late > STOOD_STILL {
                self.machine.delay_leases(late);
            }
            self.serve(jobs, now);
        }
    }

    fn serve(&mut self, mut jobs: VecDeque<Job>, now: Duration) {
        loop {
            let mut finishes = Vec::with_capacity(jobs.len());
            while self.machine.effects().bytes() < BATCH_BYTES {
                let Some(job) = jobs.pop_front() else { break };
                finishes.push(job(&mut self.machine, now));
            }
            if jobs.is_empty() {
                // After the renewals that were waiting.
                self.machine.expire_leases(now);
                self.machine.retain(&self.retention, now);
            }
            let written = self.write();
            finishes.into_iter().for_each(|finish| finish(written.clone()));
            if jobs.is_empty() {
                return;
            }
        }
    }

    /// Writes and publishes what the machine changed.
    fn write(&mut self) -> Result<(), OpError> {
        let effects = self.machine.take_effects();
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if effects.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.disk.write(&effects) {
            tracing::error!(%error, "the embedded coordinator cannot write its directory");
            let fault = OpError::Storage(error.to_string());
            self.fault = Some(fault.clone());
            return Err(fault);
        }
        let mut history = self.history.write();
        effects.commits.into_iter().for_each(|commit| history.push(commit));
        if let Some(compacted) = effects.compacted {
            history.compact(compacted);
        }
        drop(history);
        self.revision.send_replace(self.machine.store().revision());
        Ok(())
    }
}

impl Drop for Owner {
    /// However the owner ends, nobody waits for it for ever.
    fn drop(&mut self) {
        self.mailbox.close();
        self.mailbox.queue.lock().jobs.clear();
    }
}
