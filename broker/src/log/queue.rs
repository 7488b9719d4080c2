//! What waits to be written, and whose turn it is to write it. Adding never blocks.
//!
//! The writer's thread takes its turn when it is woken. Waking it, and being woken by it, costs more than a small
//! write does, so whoever has added a little may take a turn as a guest, if nobody else has it:
//!
//! ```text
//!            added little                    nothing waits
//!   Nobody ───────────────► Guest ──────────────────────────► Nobody
//!     │                       │ much waits, or a change,
//!     │ added much, a change  ▼ or the guest has done its share
//!     └───────────────────► Writer ─────────────────────────► Nobody
//!                                     nothing waits
//! ```

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
pub(super) fn tell(sink: &dyn AppendSink, result: Result<Offset, StoreFault>) {
    if catch_unwind(AssertUnwindSafe(|| sink.appended(result))).is_err() {
        tracing::error!("the sink of an append has panicked");
    }
}

/// The size of an append's batches.
pub(super) fn size(append: &Append) -> usize {
    append.batches.iter().map(StoredBatch::len).sum()
}

/// Up to so many bytes are little: they are written faster than the writer's thread is woken.
const LITTLE: usize = 48 << 10;

/// Who writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    /// What waits, if anything, is left to whoever adds it.
    #[default]
    Nobody,
    /// A thread that has added something.
    Guest,
    /// The writer's thread, which is awake or has been woken.
    Writer,
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
    turn: Turn,
}

impl Queue {
    /// Adds a command, or gives it back if the queue is closed. A change wakes the writer's thread; an append
    /// waits until [`Queue::begin_as_guest`] is called.
    pub(super) fn push(&self, command: Command) -> Result<(), Command> {
        let is_change = matches!(command, Command::Change(..));
        if let Command::Append(append) = &command {
            self.bytes.fetch_add(size(append), Ordering::Relaxed);
        }
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            self.taken(&command);
            return Err(command);
        }
        waiting.commands.push(command);
        if is_change && waiting.turn != Turn::Guest {
            self.wake(&mut waiting);
        }
        Ok(())
    }

    /// Adds a command after which no other is taken.
    pub(super) fn push_last(&self, command: Command) -> Result<(), Command> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(command);
        }
        waiting.commands.push(command);
        self.end(&mut waiting);
        Ok(())
    }

    /// Sees to it that what was added is written: by the caller, if this returns true, or by who has the turn.
    pub(super) fn begin_as_guest(&self) -> bool {
        let mut waiting = self.waiting.lock();
        match waiting.turn {
            Turn::Nobody if waiting.commands.is_empty() => false,
            Turn::Nobody if self.bytes() <= LITTLE && !waiting.closed => {
                waiting.turn = Turn::Guest;
                true
            }
            Turn::Nobody | Turn::Writer => {
                self.wake(&mut waiting);
                false
            }
            Turn::Guest => false,
        }
    }

    /// Gives a guest what waits.
    pub(super) fn take_as_guest(&self, taken: &mut Vec<Command>) {
        std::mem::swap(&mut self.waiting.lock().commands, taken);
    }

    /// After a guest has written: whether it may go on, because a little more was added meanwhile. If not, its
    /// turn is over; the writer's thread gets it where `hand_over` says so or something waits.
    pub(super) fn goes_on_as_guest(&self, hand_over: bool) -> bool {
        let mut waiting = self.waiting.lock();
        let idle = waiting.commands.is_empty() && !waiting.closed;
        let changes = || waiting.commands.iter().any(|c| matches!(c, Command::Change(..)));
        if !hand_over && !idle && !waiting.closed && self.bytes() <= LITTLE && !changes() {
            return true;
        }
        waiting.turn = Turn::Nobody;
        if hand_over || !idle {
            self.wake(&mut waiting);
        }
        false
    }

    /// Gives the writer's thread what waits, by swapping it with `taken`, which must be empty; sleeps until its
    /// turn comes, at most for `patience`. Returns false once the queue is closed and nothing is left.
    pub(super) fn take(&self, taken: &mut Vec<Command>, patience: Option<Duration>) -> bool {
        let mut waiting = self.waiting.lock();
        if waiting.turn == Turn::Writer && waiting.commands.is_empty() && !waiting.closed {
            waiting.turn = Turn::Nobody;
        }
        while waiting.turn != Turn::Writer {
            match patience {
                None => self.ready.wait(&mut waiting),
                Some(patience) => {
                    let timed_out = self.ready.wait_for(&mut waiting, patience).timed_out();
                    if timed_out && waiting.turn == Turn::Nobody {
                        waiting.turn = Turn::Writer;
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
        self.end(&mut self.waiting.lock());
    }

    /// Refuses further commands, and gives back those that nobody will ever carry out.
    pub(super) fn abandon(&self) -> Vec<Command> {
        let mut waiting = self.waiting.lock();
        waiting.turn = Turn::Nobody;
        self.end(&mut waiting);
        std::mem::take(&mut waiting.commands)
    }

    fn end(&self, waiting: &mut Waiting) {
        waiting.closed = true;
        if waiting.turn != Turn::Guest {
            self.wake(waiting);
        }
    }

    fn wake(&self, waiting: &mut Waiting) {
        waiting.turn = Turn::Writer;
        self.ready.notify_one();
    }

    /// Bytes of batches that wait or are being written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}
