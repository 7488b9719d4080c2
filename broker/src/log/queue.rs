//! The queue of the log, and whose turn it is to write it. Adding never blocks.
//!
//! The writer's thread takes its turn when it is woken. Waking it, and being woken by it, costs
//! more than a small write, so a caller that has added little writes it inline if nobody else is
//! writing:
//!
//! ```text
//!            added little                    nothing waits
//!   Nobody ───────────────► Inline ─────────────────────────► Nobody
//!     │                       │ much waits, or a change,
//!     │ added much, a change  ▼ or the inline writer has done its share
//!     └───────────────────► Writer ─────────────────────────► Nobody
//!                                     nothing waits
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use barnabas_protocol::kafka::record_batch::StoredBatch;
use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};

use crate::log::{ActedOn, Append, AppendSink, Chunk, EpochEntry, LogId, RestoreCount, StoreFault};

/// Something for the writer to do.
pub(in crate::log) enum Command {
    Append(Queued),
    Change(LogChange, Option<Done>),
}

/// An accepted append: its sink gets a result in any case.
pub(in crate::log) struct Queued {
    pub(in crate::log) log: LogId,
    pub(in crate::log) batches: Vec<StoredBatch>,
    pub(in crate::log) epoch_start: Option<EpochEntry>,
    pub(in crate::log) sync: bool,
    pub(in crate::log) sink: Sink,
}

impl From<Append> for Queued {
    fn from(append: Append) -> Self {
        let Append { log, batches, epoch_start, sync, sink } = append;
        Self { log, batches, epoch_start, sync, sink: Sink(Some(sink)) }
    }
}

impl Queued {
    /// The size of its batches.
    pub(in crate::log) fn size(&self) -> usize {
        size(&self.batches)
    }
}

fn size(batches: &[StoredBatch]) -> usize {
    batches.iter().map(StoredBatch::len).sum()
}

/// Receives the result of an append. If it is dropped, because the writer panicked, the append
/// counts as failed.
pub(in crate::log) struct Sink(Option<Arc<dyn AppendSink>>);

impl Sink {
    /// Delivers the result. A panic in the sink is a bug in its partition and must not affect other
    /// logs.
    pub(in crate::log) fn tell(mut self, result: Result<Offset, StoreFault>) {
        self.tell_once(result);
    }

    fn tell_once(&mut self, result: Result<Offset, StoreFault>) {
        let Some(sink) = self.0.take() else { return };
        if catch_unwind(AssertUnwindSafe(|| sink.appended(result))).is_err() {
            tracing::error!("the sink of an append has panicked");
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.tell_once(Err(StoreFault::Closed));
    }
}

/// Where the result of a change goes: the ids of the logs that it made.
pub(in crate::log) type Done = SyncSender<Result<Vec<LogId>, StoreFault>>;

/// A change other than an append.
pub(in crate::log) enum LogChange {
    Batched(BatchedChange),
    Exclusive(ExclusiveChange),
}

impl From<BatchedChange> for LogChange {
    fn from(change: BatchedChange) -> Self {
        Self::Batched(change)
    }
}

impl From<ExclusiveChange> for LogChange {
    fn from(change: ExclusiveChange) -> Self {
        Self::Exclusive(change)
    }
}

/// A change that only sets records: it is written in one batch with the commands around it.
pub(in crate::log) enum BatchedChange {
    Create(Vec<(TopicId, PartitionIndex)>),
    SetLogStart(Vec<(LogId, Offset)>),
    CheckpointHighWatermarks(Vec<(LogId, Offset)>),
    SetEpochs(LogId, Vec<EpochEntry>),
    SetActedOn(Vec<(LogId, ActedOn)>),
    SetRestored(RestoreCount),
    ProducerSnapshot(LogId, Offset, Bytes),
    /// Changes nothing: reports that everything queued before it is written.
    Barrier,
}

/// A change that reads stored data: it is made after everything queued before it is written, in a
/// write of its own.
pub(in crate::log) enum ExclusiveChange {
    Delete(Vec<LogId>),
    Truncate(LogId, Offset),
    /// These chunks, the oldest of their logs, lie before their log's start.
    Forget(Vec<(LogId, Vec<Chunk>)>),
    /// Ends the open generation if it has been idle; `live_bytes` of it are still needed.
    EndIdleGeneration {
        live_bytes: u64,
    },
    Close,
}

/// Up to this many bytes are written inline: that is faster than waking the writer's thread.
const LITTLE: usize = 48 << 10;

/// Who writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Turn {
    /// Nobody: the next caller that adds something may write.
    #[default]
    Nobody,
    /// A caller's thread.
    Inline,
    /// The writer's thread, which is awake or has been woken.
    Writer,
}

/// The queue.
#[derive(Default)]
pub(in crate::log) struct Queue {
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

/// The queue accepts no more commands.
#[derive(Debug)]
pub(in crate::log) struct IsClosed;

impl Waiting {
    const fn check_open(&self) -> Result<(), IsClosed> {
        if self.closed { Err(IsClosed) } else { Ok(()) }
    }
}

impl Queue {
    /// Adds an append, which waits until [`Queue::begin_inline`] is called.
    pub(in crate::log) fn append(&self, append: Append) -> Result<(), IsClosed> {
        let bytes = size(&append.batches);
        let mut waiting = self.waiting.lock();
        waiting.check_open()?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        waiting.commands.push(Command::Append(append.into()));
        Ok(())
    }

    /// Adds a change, and wakes the writer's thread.
    pub(in crate::log) fn change(
        &self,
        change: LogChange,
        done: Option<Done>,
    ) -> Result<(), IsClosed> {
        let mut waiting = self.waiting.lock();
        waiting.check_open()?;
        waiting.commands.push(Command::Change(change, done));
        if waiting.turn != Turn::Inline {
            self.wake(&mut waiting);
        }
        Ok(())
    }

    /// Adds a change after which no other command is taken.
    pub(in crate::log) fn change_last(
        &self,
        change: LogChange,
        done: Done,
    ) -> Result<(), IsClosed> {
        let mut waiting = self.waiting.lock();
        waiting.check_open()?;
        waiting.commands.push(Command::Change(change, Some(done)));
        self.end(&mut waiting);
        Ok(())
    }

    /// Returns true if the caller must write the queue itself; otherwise the current writer does.
    pub(in crate::log) fn begin_inline(&self) -> bool {
        let mut waiting = self.waiting.lock();
        match waiting.turn {
            Turn::Nobody if waiting.commands.is_empty() => false,
            Turn::Nobody if self.bytes() <= LITTLE && !waiting.closed => {
                waiting.turn = Turn::Inline;
                true
            }
            Turn::Nobody | Turn::Writer => {
                self.wake(&mut waiting);
                false
            }
            Turn::Inline => false,
        }
    }

    /// Swaps the waiting commands with `taken`, which must be empty. Returns false when the inline
    /// turn is over: nothing waits, or the writer's thread takes over because of `hand_over`, a
    /// change, or too many bytes.
    pub(in crate::log) fn take_inline(&self, taken: &mut Vec<Command>, hand_over: bool) -> bool {
        let mut waiting = self.waiting.lock();
        let idle = waiting.commands.is_empty() && !waiting.closed;
        let changes = || waiting.commands.iter().any(|c| matches!(c, Command::Change(..)));
        if !hand_over && !idle && !waiting.closed && self.bytes() <= LITTLE && !changes() {
            std::mem::swap(&mut waiting.commands, taken);
            return true;
        }
        waiting.turn = Turn::Nobody;
        if hand_over || !idle {
            self.wake(&mut waiting);
        }
        false
    }

    /// Waits for the writer thread's turn, at most for `patience`, and swaps the waiting commands
    /// with `taken`, which must be empty. Returns false once the queue is closed and empty.
    pub(in crate::log) fn take(
        &self,
        taken: &mut Vec<Command>,
        patience: Option<Duration>,
    ) -> bool {
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

    /// Subtracts a command's bytes from the count.
    pub(in crate::log) fn taken(&self, command: &Command) {
        if let Command::Append(append) = command {
            self.bytes.fetch_sub(append.size(), Ordering::Relaxed);
        }
    }

    /// Refuses further commands.
    pub(in crate::log) fn close(&self) {
        self.end(&mut self.waiting.lock());
    }

    /// Refuses further commands and returns those that will never be carried out.
    pub(in crate::log) fn abandon(&self) -> Vec<Command> {
        let mut waiting = self.waiting.lock();
        waiting.turn = Turn::Nobody;
        self.end(&mut waiting);
        std::mem::take(&mut waiting.commands)
    }

    fn end(&self, waiting: &mut Waiting) {
        waiting.closed = true;
        if waiting.turn != Turn::Inline {
            self.wake(waiting);
        }
    }

    fn wake(&self, waiting: &mut Waiting) {
        waiting.turn = Turn::Writer;
        self.ready.notify_one();
    }

    /// Bytes of batches that are queued or being written.
    pub(in crate::log) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::tests::common::{batch, sink};

    fn append(queue: &Queue) {
        let (log, batches, sink) = (LogId(0), vec![batch(0, 1, 9, 0)], sink().0);
        let append = Append { log, batches, epoch_start: None, sync: false, sink };
        queue.append(append).unwrap();
    }

    #[test]
    fn an_inline_writer_gets_appends_until_nothing_waits() {
        let (queue, mut taken) = (Queue::default(), Vec::new());
        append(&queue);
        assert!(queue.begin_inline());
        assert!(queue.take_inline(&mut taken, false));
        assert_eq!(taken.len(), 1);
        taken.clear();
        assert!(!queue.take_inline(&mut taken, false));
        assert_eq!(queue.waiting.lock().turn, Turn::Nobody);
    }

    #[test]
    fn an_inline_writer_gets_no_change() {
        let (queue, mut taken) = (Queue::default(), Vec::new());
        append(&queue);
        assert!(queue.begin_inline());
        queue.change(LogChange::Batched(BatchedChange::Barrier), None).unwrap();
        assert!(!queue.take_inline(&mut taken, false));
        assert_eq!((taken.len(), queue.waiting.lock().turn), (0, Turn::Writer));
        assert!(queue.take(&mut taken, None));
        assert_eq!(taken.len(), 2);
    }
}
