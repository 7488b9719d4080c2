//! The writer: the only code that changes the database, on its own thread or, for a few rounds, on
//! a caller's.
//!
//! It takes everything that is queued, stages it into one write batch, writes once, and only then
//! makes it visible and reports it. There is no timer: commands that arrive during a write form the
//! next batch.
//!
//! ```text
//!  take ─► stage … stage ─► commit ─► publish ─► rotate, if the generation is full
//!                             │
//!                             └─ fails: every staged append gets the fault, and so do later ones
//! ```

mod change;
mod rotate;
mod stage;
pub(in crate::log) mod syncer;
mod truncate;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use parking_lot::Mutex;

use self::syncer::{Syncer, Unsynced};
use super::db::{Db, Family, WriteBatch};
use super::format::batch_span::SpannedBatch;
use super::format::records::Record;
use super::index::table::Log;
use super::index::tail::Budget;
use super::queue::{Command, Done, LogChange, Queued, Sink};
use super::shared::StoreShared;
use super::{ActedOn, EpochEntry, Health, LogId, RestoreCount, RotateHook, StoreFault};

/// A write batch this large is written before more is staged: it stays in the processor's cache.
const WRITE_BYTES: usize = 1 << 20;

/// Rounds that an inline writer writes before the writer's thread takes over.
const INLINE_ROUNDS: u32 = 4;

/// How often a store with a full disk is tried.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

/// The state that recovery found, and the writer's options.
pub(super) struct WriterInit {
    pub(super) next_log: LogId,
    /// Epochs, and where the snapshot of producers is, of the logs that have any.
    pub(super) history: HashMap<LogId, (Vec<EpochEntry>, Option<Offset>)>,
    pub(super) generation_bytes: usize,
    pub(super) tail_cache_bytes: usize,
    pub(super) on_rotate: Option<RotateHook>,
}

/// A log as the writer sees it.
struct Writable {
    log: Arc<Log>,
    /// The start and the end after what is staged.
    start: Offset,
    end: Offset,
    epochs: Vec<EpochEntry>,
    /// An append failed. Until the partition has gone back to the log's end, further appends are
    /// out of sequence.
    broken: bool,
    /// Up to where the stored snapshot of producers holds.
    snapshot: Option<Offset>,
}

/// Staged in the write batch; takes effect when that is written.
enum Staged {
    Append {
        log: Arc<Log>,
        batches: Vec<SpannedBatch>,
        epochs: Option<Vec<EpochEntry>>,
        end: Offset,
        sync: bool,
        sink: Sink,
    },
    Change(Effect, Option<Done>),
}

/// What a change does once it is written.
enum Effect {
    None,
    Created(Vec<Arc<Log>>),
    LogStarts(Vec<(LogId, Offset)>),
    Epochs(LogId, Vec<EpochEntry>),
    ActedOn(Vec<(LogId, ActedOn)>),
    Restored(RestoreCount),
}

pub(super) struct LogWriter {
    shared: Arc<StoreShared>,
    syncer: Syncer,
    logs: HashMap<LogId, Writable>,
    next_log: LogId,
    budget: Budget,
    batch: WriteBatch,
    batch_bytes: usize,
    staged: Vec<Staged>,
    rotation: rotate::Rotation,
    probed: Option<Instant>,
    /// Taken from the queue; empty between rounds.
    commands: Vec<Command>,
    /// Set while writing inline, on a caller's thread, where nothing may take long.
    is_inline: bool,
}

/// Starts the writer's thread. If the writer panics, the store reports that it has failed.
pub(super) fn spawn(
    shared: Arc<StoreShared>,
    init: WriterInit,
) -> std::io::Result<(Arc<Mutex<LogWriter>>, JoinHandle<()>)> {
    let writer = Arc::new(Mutex::new(LogWriter::new(Arc::clone(&shared), init)?));
    let own = Arc::clone(&writer);
    let thread = thread::Builder::new().name("log-writer".into()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(|| run(&shared, &own))).is_err() {
            own.lock().give_up();
        }
    })?;
    Ok((writer, thread))
}

/// Works until the queue is closed and empty.
fn run(shared: &StoreShared, writer: &Mutex<LogWriter>) {
    let mut patience = None;
    let mut commands = Vec::new();
    while shared.queue.take(&mut commands, patience) {
        let mut writer = writer.lock();
        std::mem::swap(&mut writer.commands, &mut commands);
        writer.round();
        std::mem::swap(&mut writer.commands, &mut commands);
        patience = writer.is_disk_full().then_some(PROBE_INTERVAL);
    }
    writer.lock().syncer.stop();
}

/// Writes the queue on the caller's thread if it is short; otherwise leaves it to the writer's
/// thread.
pub(super) fn write_queued(shared: &StoreShared, writer: &Mutex<LogWriter>) {
    if !shared.queue.begin_inline() {
        return;
    }
    let mut writer = writer.lock();
    if catch_unwind(AssertUnwindSafe(|| writer.write_inline())).is_err() {
        writer.give_up();
    }
}

impl LogWriter {
    fn new(shared: Arc<StoreShared>, mut init: WriterInit) -> std::io::Result<Self> {
        let writable = |log: Arc<Log>| {
            let (epochs, snapshot) = init.history.remove(&log.id).unwrap_or_default();
            let (start, end) = (log.start(), log.end());
            (log.id, Writable { log, start, end, epochs, broken: false, snapshot })
        };
        let logs = shared.table.all().into_iter().map(writable).collect();
        let generation = shared.generation.load(Ordering::Relaxed);
        Ok(Self {
            syncer: Syncer::start(Arc::clone(&shared.db), shared.health.clone())?,
            logs,
            next_log: init.next_log,
            budget: Budget::new(init.tail_cache_bytes),
            batch: WriteBatch::new(),
            batch_bytes: 0,
            staged: Vec::new(),
            rotation: rotate::Rotation::new(generation, init.generation_bytes, init.on_rotate),
            probed: None,
            commands: Vec::new(),
            is_inline: false,
            shared,
        })
    }

    /// Carries out the commands taken from the queue.
    fn round(&mut self) {
        self.probe();
        self.rotate_if_due();
        let mut commands = std::mem::take(&mut self.commands);
        for command in commands.drain(..) {
            self.shared.queue.taken(&command);
            match command {
                Command::Append(append) => self.append(append),
                Command::Change(change, done) => self.change(change, done),
            }
        }
        self.commands = commands;
        self.commit();
    }

    /// A few rounds, as long as they are short.
    fn write_inline(&mut self) {
        self.is_inline = true;
        for round in 0.. {
            let hand_over = round == INLINE_ROUNDS || self.may_take_long();
            if !self.shared.queue.take_inline(&mut self.commands, hand_over) {
                break;
            }
            self.round();
        }
        self.is_inline = false;
    }

    /// Whether the next round may wait for the disk: to end the generation, to try a disk that was
    /// full, or for a flush that is behind.
    fn may_take_long(&mut self) -> bool {
        self.rotation.is_due()
            || self.check().is_err()
            || self.rotation.waits_for_flush(&self.shared.db)
    }

    /// After a panic: marks the store as failed. Dropping the commands reports failure to those who
    /// wait.
    fn give_up(&mut self) {
        let reason: Arc<str> = "the log's writer has panicked".into();
        tracing::error!(%reason, "the store takes no more appends");
        self.shared.health.send_replace(Health::Failed(reason));
        self.staged.clear();
        self.commands.clear();
        self.shared.queue.abandon();
    }

    fn check(&self) -> Result<(), StoreFault> {
        self.shared.health.borrow().check()
    }

    fn is_disk_full(&self) -> bool {
        *self.shared.health.borrow() == Health::DiskFull
    }

    /// Writes the staged commands and applies their effects.
    fn commit(&mut self) {
        if self.staged.is_empty() {
            return;
        }
        let result = self.write();
        let mut staged = std::mem::take(&mut self.staged);
        for staged in staged.drain(..) {
            match (staged, result.clone()) {
                (Staged::Append { log, batches, epochs, end, sync, sink }, Ok(())) => {
                    self.publish(&log, batches, epochs);
                    self.report(log, Ok(end), sync, sink);
                }
                (Staged::Change(effect, done), Ok(())) => {
                    let made = self.take_effect(effect);
                    answer(done, Ok(made));
                }
                (Staged::Append { log, sink, .. }, Err(fault)) => self.refuse(log.id, sink, fault),
                (Staged::Change(effect, done), Err(fault)) => {
                    self.take_back(effect);
                    answer(done, Err(fault));
                }
            }
        }
        self.staged = staged;
        if result.is_ok() {
            self.rotate_if_due();
        }
    }

    fn rotate_if_due(&mut self) {
        if self.rotation.is_due() && !self.is_inline && self.check().is_ok() {
            self.rotate();
        }
    }

    /// Writes the batch and empties it. A failure stops the store.
    fn write(&mut self) -> Result<(), StoreFault> {
        let result = if self.batch.is_empty() { Ok(()) } else { self.shared.db.write(&self.batch) };
        self.rotation.written(self.batch_bytes);
        self.clear();
        result.map_err(|message| self.stop(message))
    }

    fn clear(&mut self) {
        self.batch.clear();
        self.batch_bytes = 0;
    }

    /// Records an I/O error and returns the fault to report.
    fn stop(&self, message: String) -> StoreFault {
        let health = if message.contains("No space left on device") {
            tracing::error!(%message, "disk full: the store takes no appends until there is space");
            Health::DiskFull
        } else if Db::is_stall(&message) {
            tracing::error!(%message, "flushes fail: the store takes no appends until one succeeds");
            Health::DiskFull
        } else {
            tracing::error!(%message, "I/O error: the store takes no more appends");
            Health::Failed(message.into())
        };
        let fault = health.check().err().unwrap_or(StoreFault::DiskFull);
        self.shared.health.send_replace(health);
        fault
    }

    /// Tries a store whose disk was full. RocksDB resumes by itself when there is space: it flushes
    /// what it has in memory and begins a new WAL, so that what a failed write left behind is never
    /// read.
    fn probe(&mut self) {
        if !self.is_disk_full() {
            return;
        }
        let now = crate::env::now();
        if self.probed.is_some_and(|last| now.duration_since(last) < PROBE_INTERVAL) {
            return;
        }
        self.probed = Some(now);
        self.put_record(&Record::Probe, crate::log::format::keys::STORE);
        let db = &self.shared.db;
        // The write that failed has left a gap in the WAL's sequence numbers. Nothing may be
        // acknowledged that comes after it, until all before it is in table files: see
        // `wal/sequence.rs`.
        let written = db.write(&self.batch).and_then(|()| db.flush(true));
        self.clear();
        if written.is_ok() {
            tracing::info!("there is space again: the store accepts appends");
            self.shared.db.forget_failures();
            self.shared.health.send_replace(Health::Healthy);
            // The flush came in the middle of this generation.
            self.rotate();
        }
    }

    fn put_record(&mut self, record: &Record, log: LogId) {
        let value = record.encode();
        self.batch_bytes += value.len();
        let key = record.key(log).encode();
        self.batch.put(&self.shared.db, Family::Partitions, &key, [&value]);
    }
}

fn answer(done: Option<Done>, result: Result<Vec<LogId>, StoreFault>) {
    if let Some(done) = done {
        // The caller may be gone.
        let _ = done.send(result);
    }
}
