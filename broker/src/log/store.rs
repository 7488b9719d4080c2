//! The handle that the rest of the broker has of the log.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::db::{Db, DbOptions};
use super::dir::{self, DataDir};
use super::index::pins::Pins;
use super::index::table::{Log, LogTable};
use super::queue::{BatchedChange, ExclusiveChange, LogChange, Queue};
use super::recovery;
use super::recovery::damage::{self, InspectedWal};
use super::shared::StoreShared;
use super::space::reclaim;
use super::write::{self, LogWriter, WriterInit, syncer};
use super::{
    ActedOn, Append, Chunk, EpochEntry, Health, LogId, OpenError, ReadError, Reclaimed,
    RecoveredLog, RestoreCount, StoreFault, StoreOptions, read,
};

/// The store of all logs of this broker. Clones share it; without `close`, the last one to be
/// dropped writes out what is queued and ends the threads, which counts as an unclean shutdown.
#[derive(Clone)]
pub struct Store(Arc<Handle>);

/// A data directory that this process has locked and looked at, and not changed yet.
#[derive(Debug)]
pub struct ClaimedDir {
    dir: DataDir,
    wal: InspectedWal,
}

/// In what condition a data directory was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirCondition {
    /// There is no database in it yet.
    pub is_new: bool,
    /// It was copied since it was written last, and the operator wants this copy to be used.
    pub is_copy: bool,
    /// All that was written to it is there, even if it was never synced: no boot and no mount
    /// since.
    pub keeps_unsynced: bool,
    /// The write-ahead log has no gap and no damage.
    pub wal_is_whole: bool,
}

impl ClaimedDir {
    /// Locks a directory, makes it if need be, and looks at what is in it. Blocks.
    ///
    /// # Errors
    /// When it cannot be used, or acknowledged records in it cannot be read.
    pub fn claim(dir: &Path) -> Result<Self, OpenError> {
        let dir = dir::claim(dir)?;
        let wal = damage::inspect_wal(&dir)?;
        Ok(Self { dir, wal })
    }

    /// What was found.
    #[must_use]
    pub fn condition(&self) -> DirCondition {
        DirCondition {
            is_new: self.dir.is_new(),
            is_copy: self.dir.is_copy(),
            keeps_unsynced: self.dir.keeps_unsynced(),
            wal_is_whole: self.wal.is_whole(),
        }
    }
}

struct Handle {
    shared: Arc<StoreShared>,
    writer: Arc<Mutex<LogWriter>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    reclaiming: Mutex<()>,
    /// When a sync is wanted; `i64::MAX` while none is.
    sync_by_ms: AtomicI64,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Opens or makes the store in a directory, and says which logs it holds. Blocks.
    ///
    /// # Errors
    /// When the directory cannot be used or what is in it cannot be read.
    pub fn open(options: StoreOptions) -> Result<(Self, Vec<RecoveredLog>), OpenError> {
        let claimed = ClaimedDir::claim(&options.dir)?;
        Self::open_claimed(claimed, options)
    }

    /// As [`Store::open`], for a directory that is claimed already: that of the options. Blocks.
    ///
    /// # Errors
    /// When what is in it cannot be read.
    pub fn open_claimed(
        ClaimedDir { dir: claimed, wal }: ClaimedDir,
        options: StoreOptions,
    ) -> Result<(Self, Vec<RecoveredLog>), OpenError> {
        let StoreOptions { dir, generation_bytes, tail_cache_bytes, on_rotate } = options;
        let failed = |source| OpenError::Directory { dir: dir.clone(), source };
        wal.repair(&claimed)?;
        let table = Arc::new(LogTable::default());
        let db = Arc::new(open_database(&claimed, generation_bytes, &table)?);
        let recovered =
            recovery::recover(&db).map_err(|what| OpenError::Corrupt { dir: dir.clone(), what })?;
        claimed.note_location().and_then(|()| claimed.withdraw_consents()).map_err(failed)?;
        table.begin(recovered.logs, recovered.next_log);
        let shared = Arc::new(StoreShared {
            db,
            table,
            queue: Queue::default(),
            health: watch::Sender::new(Health::Healthy),
            pins: Arc::new(Pins::default()),
            generation: AtomicU32::new(recovered.generation),
            restored: Mutex::new(recovered.restored),
        });
        let history = recovered.infos.iter().map(|log| {
            let snapshot = log.producer_snapshot.as_ref().map(|(offset, _)| *offset);
            (log.id, (log.epochs.clone(), snapshot))
        });
        let init = WriterInit {
            next_log: recovered.next_log,
            history: history.collect(),
            generation_bytes,
            tail_cache_bytes,
            on_rotate,
        };
        let (writer, thread) = write::spawn(Arc::clone(&shared), init)
            .map_err(|source| OpenError::Directory { dir, source })?;
        let handle = Handle {
            shared,
            writer,
            thread: Mutex::new(Some(thread)),
            reclaiming: Mutex::new(()),
            sync_by_ms: AtomicI64::new(i64::MAX),
        };
        Ok((Self(Arc::new(handle)), recovered.infos))
    }

    /// Makes an empty log for each partition, all in one write. Blocks.
    ///
    /// # Errors
    /// When nothing was written.
    pub fn create(
        &self,
        partitions: &[(TopicId, PartitionIndex)],
    ) -> Result<Vec<LogId>, StoreFault> {
        self.change(BatchedChange::Create(partitions.to_vec()))
    }

    /// Forgets logs. [`Store::reclaim`] frees their space. Unknown ones are passed over. Blocks.
    ///
    /// # Errors
    /// When nothing was written.
    pub fn delete(&self, logs: &[LogId]) -> Result<(), StoreFault> {
        self.change(ExclusiveChange::Delete(logs.to_vec())).map(|_| ())
    }

    /// Queues an append; its sink is told of the result, after [`Store::write_queued`]. Never
    /// blocks, and never calls the sink itself: the caller may hold a lock that the sink takes.
    /// Appends of one log are written in the order of these calls. After one has failed, the log
    /// takes only batches that begin at its end; so what was queued behind the failed append fails
    /// too.
    ///
    /// # Errors
    /// When the store takes nothing any more. The sink is not told.
    pub fn append(&self, append: Append) -> Result<(), StoreFault> {
        self.0.shared.queue.append(append).map_err(|_| self.closed())
    }

    /// Has written what is queued, by the caller itself if it is little and nobody else writes. To
    /// be called after [`Store::append`], once for many of them, with no lock held that a sink
    /// takes. What it does on the caller's thread is short: one small write that the kernel
    /// buffers.
    pub fn write_queued(&self) {
        write::write_queued(&self.0.shared, &self.0.writer);
    }

    /// Bytes of batches that are queued or being written.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.0.shared.queue.bytes()
    }

    /// Whole batches from the one that holds `from`, up to but excluding `limit`: at least one if
    /// there is one, else no more than `max_bytes`. From memory alone; `None` where that does not
    /// hold them. A batch may come as two buffers.
    #[must_use]
    pub fn read_cached(
        &self,
        log: LogId,
        from: Offset,
        limit: Offset,
        max_bytes: usize,
    ) -> Option<Vec<Bytes>> {
        let log = self.0.shared.table.get(log)?;
        if from < log.start() {
            return None;
        }
        let state = log.state();
        if from == state.end { Some(Vec::new()) } else { state.tail.read(from, limit, max_bytes) }
    }

    /// As [`Store::read_cached`], but from disk where need be. Blocks. The buffers keep what they
    /// lie in open: they are for sending, not for keeping.
    ///
    /// # Errors
    /// When the log or the offset is not there, or the disk cannot be read.
    pub fn read(
        &self,
        log: LogId,
        from: Offset,
        limit: Offset,
        max_bytes: usize,
    ) -> Result<Vec<Bytes>, ReadError> {
        let found = self.log(log)?;
        read::check_range(&found, from)?;
        if let Some(batches) = self.read_cached(log, from, limit, max_bytes) {
            return Ok(batches);
        }
        read::read(&self.0.shared, &found, from, limit, max_bytes)
    }

    /// Calls `visit` with the header of each batch from the one that holds `from`, up to but
    /// excluding `limit`. Reads nothing else. Blocks.
    ///
    /// # Errors
    /// When the log or the offset is not there, or the disk cannot be read.
    pub fn batch_headers(
        &self,
        log: LogId,
        from: Offset,
        limit: Offset,
        visit: &mut dyn FnMut(&BatchHeader) -> ControlFlow<()>,
    ) -> Result<(), ReadError> {
        let log = self.log(log)?;
        read::check_range(&log, from)?;
        read::headers(&self.0.shared.db, &log, from, limit, visit)
    }

    /// The chunks of a log that hold anything at or after its start, in offset order; the last may
    /// still grow.
    #[must_use]
    pub fn chunks(&self, log: LogId) -> Vec<Chunk> {
        self.live_chunks(log, |chunks| chunks.collect())
    }

    /// Size of a log's batches in bytes, counted in whole chunks.
    #[must_use]
    pub fn size_bytes(&self, log: LogId) -> u64 {
        self.live_chunks(log, |chunks| chunks.map(|chunk| chunk.bytes).sum())
    }

    /// Size of all logs' batches in bytes.
    #[must_use]
    pub fn total_size(&self) -> u64 {
        self.0.shared.table.all().iter().map(|log| self.size_bytes(log.id)).sum()
    }

    /// First offset that readers may have.
    #[must_use]
    pub fn log_start(&self, log: LogId) -> Option<Offset> {
        self.0.shared.table.get(log).map(|log| log.start())
    }

    /// Log end offset: one past the last written batch.
    #[must_use]
    pub fn end(&self, log: LogId) -> Option<Offset> {
        self.0.shared.table.get(log).map(|log| log.end())
    }

    /// Advances log start offsets, all in one write, that of each log to the largest one named;
    /// never back. Beyond its end, a log becomes empty and goes on from there. Blocks.
    ///
    /// # Errors
    /// When nothing was written.
    pub fn set_log_start(&self, starts: &[(LogId, Offset)]) -> Result<(), StoreFault> {
        self.change(BatchedChange::SetLogStart(starts.to_vec())).map(|_| ())
    }

    /// Removes the batches that end at or after `to`, with their epochs and a producer snapshot
    /// that goes further. Returns the log end offset, which lies before `to` where a batch held
    /// `to`. Blocks.
    ///
    /// # Errors
    /// When the log is not there, or nothing was written.
    pub fn truncate(&self, log: LogId, to: Offset) -> Result<Offset, StoreFault> {
        self.change(ExclusiveChange::Truncate(log, to))?;
        self.end(log).ok_or(StoreFault::NoSuchLog)
    }

    /// Replaces a log's leader epochs. Blocks.
    ///
    /// # Errors
    /// When the log is not there, or nothing was written.
    pub fn set_epochs(&self, log: LogId, epochs: Vec<EpochEntry>) -> Result<(), StoreFault> {
        self.change(BatchedChange::SetEpochs(log, epochs)).map(|_| ())
    }

    /// Notes, all in one write, the state that each log's partition is about to act on. Blocks.
    /// Logs that are not there are ignored.
    ///
    /// # Errors
    /// When nothing was written.
    pub fn set_acted_on(&self, states: Vec<(LogId, ActedOn)>) -> Result<(), StoreFault> {
        self.change(BatchedChange::SetActedOn(states)).map(|_| ())
    }

    /// Notes how often etcd was restored, before that is acted on. Blocks.
    ///
    /// # Errors
    /// When nothing was written.
    pub fn set_restored(&self, count: RestoreCount) -> Result<(), StoreFault> {
        self.change(BatchedChange::SetRestored(count)).map(|_| ())
    }

    /// What was noted last of how often etcd was restored.
    #[must_use]
    pub fn restored(&self) -> RestoreCount {
        *self.0.shared.restored.lock()
    }

    /// The last state that was noted for a log.
    #[must_use]
    pub fn acted_on(&self, log: LogId) -> Option<Arc<ActedOn>> {
        self.0.shared.table.get(log)?.acted_on()
    }

    /// Queues a snapshot of a log's producers that holds up to `offset`, in order with its appends.
    /// Never blocks. It replaces the one before; if it is lost, producers are rebuilt from more
    /// batches.
    pub fn write_producer_snapshot(&self, log: LogId, offset: Offset, state: Bytes) {
        self.queue(BatchedChange::ProducerSnapshot(log, offset, state));
    }

    /// Queues a checkpoint of high watermarks. Never blocks.
    pub fn checkpoint_high_watermarks(&self, marks: &[(LogId, Offset)]) {
        self.queue(BatchedChange::CheckpointHighWatermarks(marks.to_vec()));
    }

    /// One step of maintenance, to be called every half minute or so: frees the space of deleted
    /// logs and of what lies before log start offsets, and flushes a generation that has fallen
    /// idle. Blocks.
    ///
    /// # Errors
    /// When the store has a fault.
    pub fn reclaim(&self) -> Result<Reclaimed, StoreFault> {
        let _one_at_a_time = self.0.reclaiming.lock();
        reclaim::step(&self.0.shared, |change| self.change(change).map(|_| ()))
    }

    /// Asks for a sync at `at_ms` at the latest, on the clock of [`Store::is_sync_due`], of what
    /// was appended before.
    pub fn sync_by(&self, at_ms: i64) {
        self.0.sync_by_ms.fetch_min(at_ms, Ordering::AcqRel);
    }

    /// Whether somebody wants what was appended to be synced by now.
    #[must_use]
    pub fn is_sync_due(&self, now_ms: i64) -> bool {
        self.0.sync_by_ms.load(Ordering::Acquire) <= now_ms
    }

    /// Syncs what was appended, of all logs. Blocks.
    ///
    /// # Errors
    /// When the store has a fault; a failed sync is one.
    pub fn sync(&self) -> Result<(), StoreFault> {
        // First: who asks from here on may have appended after the barrier.
        self.0.sync_by_ms.store(i64::MAX, Ordering::Release);
        self.change(BatchedChange::Barrier)?;
        syncer::sync(&self.0.shared.db, &self.0.shared.health)
    }

    /// Whether the store takes appends, to be watched. (Tokio's watch channel needs no runtime.)
    #[must_use]
    pub fn fault(&self) -> watch::Receiver<Health> {
        self.0.shared.health.subscribe()
    }

    /// Writes out what is queued, syncs, and leaves the clean-shutdown marker. Later appends are
    /// refused; reads go on. The directory is free for another store once all clones and all
    /// buffers read are dropped. Blocks.
    ///
    /// # Errors
    /// When the store has a fault: then there is no marker.
    pub fn close(&self) -> Result<(), StoreFault> {
        let (done, result) = mpsc::sync_channel(1);
        self.0
            .shared
            .queue
            .change_last(ExclusiveChange::Close.into(), done)
            .map_err(|_| self.closed())?;
        let result = result.recv().unwrap_or_else(|_| Err(self.closed())).map(|_| ());
        self.0.join();
        result
    }

    fn log(&self, id: LogId) -> Result<Arc<Log>, ReadError> {
        self.0.shared.table.get(id).ok_or(ReadError::NoSuchLog)
    }

    fn live_chunks<T: Default>(
        &self,
        log: LogId,
        collect: impl FnOnce(&mut dyn Iterator<Item = Chunk>) -> T,
    ) -> T {
        let Some(log) = self.0.shared.table.get(log) else { return T::default() };
        let start = log.start();
        let state = log.state();
        collect(&mut state.chunks.iter().filter(|chunk| chunk.last >= start).copied())
    }

    fn change(&self, change: impl Into<LogChange>) -> Result<Vec<LogId>, StoreFault> {
        let (done, result) = mpsc::sync_channel(1);
        self.0.shared.queue.change(change.into(), Some(done)).map_err(|_| self.closed())?;
        result.recv().unwrap_or_else(|_| Err(self.closed()))
    }

    /// Why nothing is taken any more.
    fn closed(&self) -> StoreFault {
        self.0.shared.health.borrow().check().err().unwrap_or(StoreFault::Closed)
    }

    fn queue(&self, change: BatchedChange) {
        // A closed store takes no snapshots: recovery reads the batches instead.
        let _ = self.0.shared.queue.change(change.into(), None);
    }
}

fn open_database(
    dir: &DataDir,
    generation_bytes: usize,
    table: &Arc<LogTable>,
) -> Result<Db, OpenError> {
    let path = dir.path.clone();
    let needs = Arc::clone(table);
    let options = DbOptions {
        generation_bytes,
        direct_io: dir.direct_io,
        lock: dir
            .lock
            .try_clone()
            .map_err(|source| OpenError::Directory { dir: path.clone(), source })?,
        keep: move |key: &[u8]| needs.needs(key),
    };
    Db::open(&dir.database, options).map_err(|message| OpenError::of_database(&path, message))
}

impl Handle {
    fn join(&self) {
        let thread = self.thread.lock().take();
        // The last handle may be dropped by a sink, which the writer itself calls.
        if let Some(thread) = thread.filter(|thread| thread.thread().id() != thread::current().id())
        {
            thread.join().expect("the writer catches panics");
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.queue.close();
        self.join();
        self.shared.db.cancel_background_work();
    }
}
