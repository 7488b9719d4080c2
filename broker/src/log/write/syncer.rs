//! fsync before the acknowledgement: one thread syncs, one sync covers all appends that wait, and
//! the writer goes on meanwhile. A failed sync is final: the kernel may have dropped what it could
//! not write.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

use barnabas_protocol::state::ids::Offset;
use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::log::db::Db;
use crate::log::index::table::Log;
use crate::log::queue::Sink;
use crate::log::{Health, StoreFault};

/// An append that waits for a sync, or for the results of those before it that do.
pub(in crate::log) struct Unsynced {
    pub(in crate::log) log: Arc<Log>,
    /// The writer's result.
    pub(in crate::log) result: Result<Offset, StoreFault>,
    pub(in crate::log) sink: Sink,
}

/// Handle of the syncer thread.
pub(in crate::log) struct Syncer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<(Vec<Unsynced>, bool)>,
    ready: Condvar,
}

impl Syncer {
    pub(in crate::log) fn start(
        db: Arc<Db>,
        health: watch::Sender<Health>,
    ) -> std::io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let theirs = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("log-syncer".into())
            .spawn(move || run(&theirs, &db, &health))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    pub(in crate::log) fn push(&self, append: Unsynced) {
        append.log.syncing.fetch_add(1, Ordering::AcqRel);
        self.queue.waiting.lock().0.push(append);
        self.queue.ready.notify_one();
    }

    /// Waits until all that was pushed is synced and reported, and ends the thread.
    pub(in crate::log) fn stop(&mut self) {
        self.queue.waiting.lock().1 = true;
        self.queue.ready.notify_one();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the syncer does not panic");
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(queue: &Queue, db: &Db, health: &watch::Sender<Health>) {
    let mut taken = Vec::new();
    loop {
        let mut waiting = queue.waiting.lock();
        while waiting.0.is_empty() && !waiting.1 {
            queue.ready.wait(&mut waiting);
        }
        std::mem::swap(&mut waiting.0, &mut taken);
        drop(waiting);
        if taken.is_empty() {
            return;
        }
        let synced = sync(db, health);
        for Unsynced { log, result, sink } in taken.drain(..) {
            sink.tell(result.and_then(|end| synced.clone().map(|()| end)));
            // Only now may the writer report later appends of this log by itself.
            log.syncing.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Syncs everything that is written.
pub(in crate::log) fn sync(db: &Db, health: &watch::Sender<Health>) -> Result<(), StoreFault> {
    if let failed @ Health::Failed(_) = &*health.borrow() {
        return failed.check();
    }
    db.sync().map_err(|message| {
        let reason: Arc<str> = message.into();
        tracing::error!(%reason, "fsync failed: the store takes no more appends");
        health.send_replace(Health::Failed(Arc::clone(&reason)));
        StoreFault::Failed(reason)
    })
}
