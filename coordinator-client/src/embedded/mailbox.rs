//! The way to the owner: a bounded queue of requests, and what the owner publishes.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex, RwLock};
use tokio::sync::{Semaphore, oneshot, watch};

use super::{disk_format::Identity, error::OpError, history::History, machine::Machine};

/// Requests that may wait; more wait in their connections.
const MAILBOX_SLOTS: usize = 1024;
/// Requests that share one synced write.
const BATCH_JOBS: usize = 512;

/// Sends the response, once it is known whether the batch is on disk.
pub(crate) type Finish = Box<dyn FnOnce(Result<(), OpError>) + Send>;
/// A request: applies itself at a given time; `Err` if it is not even tried.
pub(crate) type Job = Box<dyn FnOnce(Result<(&mut Machine, Duration), OpError>) -> Finish + Send>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// The requests that wait for the owner.
pub(crate) struct Mailbox {
    queue: Mutex<Queue>,
    filled: Condvar,
    slots: Arc<Semaphore>,
}

impl Mailbox {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let slots = Arc::new(Semaphore::new(MAILBOX_SLOTS));
        Self { queue: Mutex::default(), filled: Condvar::new(), slots }
    }

    /// Takes no more jobs.
    fn close(&self) {
        self.slots.close();
        self.queue.lock().closed = true;
        self.filled.notify_one();
    }

    /// Waits for jobs, until `timeout`; takes at most [`BATCH_JOBS`]. `None` once closed and empty.
    pub(crate) fn take(&self, timeout: Option<Duration>) -> Option<VecDeque<Job>> {
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

    /// Takes no more jobs, and drops those that wait: nobody will come for them.
    pub(crate) fn abandon(&self) {
        self.close();
        self.queue.lock().jobs.clear();
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
    /// Reaches the owner that takes from `mailbox`, publishes `history` and says so by `revision`.
    pub(crate) fn new(
        mailbox: Arc<Mailbox>,
        history: Arc<RwLock<History>>,
        revision: watch::Receiver<i64>,
        identity: Identity,
    ) -> Self {
        Self { mailbox, history, revision, identity }
    }

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
        self.post(Box::new(move |machine| {
            drop(slot);
            let result = machine.and_then(|(machine, now)| request(machine, now));
            Box::new(move |written| {
                // Whoever asked may have gone away.
                let _ = reply.send(written.and(result));
            })
        }));
        answer.await.map_err(|_| OpError::Stopped)?
    }

    fn post(&self, job: Job) {
        let mut queue = self.mailbox.queue.lock();
        if !queue.closed {
            queue.jobs.push_back(job);
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
