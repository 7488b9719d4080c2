//! What waits for the writer. Adding never blocks; the network layer throttles by `bytes`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use barnabas_protocol::kafka::record_batch::StoredBatch;
use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use super::{Append, AppendSink, Chunk, EpochEntry, LogId, StoreFault};

/// Something for the writer to do.
pub(super) enum Command {
    Append(Append),
    Change(Change, Option<Done>),
}

/// Where the result of a change goes: the ids of the logs that it made.
pub(super) type Done = SyncSender<Result<Vec<LogId>, StoreFault>>;

/// A change other than an append.
pub(super) enum Change {
    Create(Vec<(TopicId, PartitionIndex)>),
    Delete(Vec<LogId>),
    SetLogStart(Vec<(LogId, Offset)>),
    CheckpointHighWatermarks(Vec<(LogId, Offset)>),
    SetEpochs(LogId, Vec<EpochEntry>),
    ProducerSnapshot(LogId, Offset, Bytes),
    Truncate(LogId, Offset),
    /// These chunks, the oldest of their logs, lie before their log's start.
    Forget(Vec<(LogId, Vec<Chunk>)>),
    /// The maintenance step asks: has the open generation waited long enough? `live_bytes` of it are needed.
    EndIdleGeneration {
        live_bytes: u64,
    },
    /// Changes nothing: what was queued before it is written.
    Barrier,
    Close,
}

/// Tells a sink. A panic in it is a defect of its partition, and must not take the other logs down.
pub(super) fn tell(sink: &dyn AppendSink, end: Offset, result: Result<(), StoreFault>) {
    if catch_unwind(AssertUnwindSafe(|| sink.appended(end, result))).is_err() {
        tracing::error!(%end, "the sink of an append has panicked");
    }
}

/// The size of an append's batches.
pub(super) fn size(append: &Append) -> usize {
    append.batches.iter().map(StoredBatch::len).sum()
}

/// The queue.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
    bytes: AtomicUsize,
}

#[derive(Default)]
struct Waiting {
    commands: Vec<Command>,
    closed: bool,
}

impl Queue {
    /// Adds a command, or gives it back if the queue is closed.
    pub(super) fn push(&self, command: Command) -> Result<(), Command> {
        if let Command::Append(append) = &command {
            self.bytes.fetch_add(size(append), Ordering::Relaxed);
        }
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            self.taken(&command);
            return Err(command);
        }
        waiting.commands.push(command);
        drop(waiting);
        self.ready.notify_one();
        Ok(())
    }

    /// Adds a command after which no other is taken.
    pub(super) fn push_last(&self, command: Command) -> Result<(), Command> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(command);
        }
        waiting.commands.push(command);
        waiting.closed = true;
        drop(waiting);
        self.ready.notify_one();
        Ok(())
    }

    /// Swaps what waits with `taken`, which must be empty; waits for it, at most for `patience`. Returns false
    /// once the queue is closed and nothing is left.
    pub(super) fn take(&self, taken: &mut Vec<Command>, patience: Option<Duration>) -> bool {
        let mut waiting = self.waiting.lock();
        while waiting.commands.is_empty() && !waiting.closed {
            match patience {
                None => self.ready.wait(&mut waiting),
                Some(patience) => {
                    if self.ready.wait_for(&mut waiting, patience).timed_out() {
                        break;
                    }
                }
            }
        }
        std::mem::swap(&mut waiting.commands, taken);
        !(waiting.closed && taken.is_empty())
    }

    /// Takes a command out of the account of bytes.
    pub(super) fn taken(&self, command: &Command) {
        if let Command::Append(append) = command {
            self.bytes.fetch_sub(size(append), Ordering::Relaxed);
        }
    }

    /// Refuses further commands.
    pub(super) fn close(&self) {
        self.waiting.lock().closed = true;
        self.ready.notify_all();
    }

    /// Bytes of batches that wait or are being written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}
