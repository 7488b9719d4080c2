//! The end of a generation: its memtable goes to a file of its own, and its chunks into the index.

use super::*;
use crate::log::format::chunk;
use crate::log::format::keys::{ChunkKey, STORE};

/// What a key, and the memtable's node around it, cost beyond the value.
pub(super) const ENTRY_OVERHEAD: usize = 64;

/// Chunks smaller than this make the index large and seeks frequent: with many active logs,
/// generations grow.
const CHUNK_BYTES: usize = 8 << 10;

/// A generation that waits in memory with less than this is not worth a file.
const IDLE_BYTES: usize = 1 << 20;

/// Where the writer stands in its generation.
pub(super) struct Rotation {
    pub(super) generation: u32,
    /// Logs that have a chunk which is not in the index yet.
    pub(super) touched: Vec<LogId>,
    /// Chunks of this and earlier generations are in the index.
    indexed: u32,
    written: usize,
    /// Bytes written when the maintenance step last asked.
    written_before: usize,
    limit: usize,
    base_limit: usize,
    /// Writes may have to wait for the last generation's flush: they cannot come to that before the
    /// next one.
    flushing: bool,
    hook: Option<RotateHook>,
}

impl Rotation {
    pub(super) const fn new(generation: u32, limit: usize, hook: Option<RotateHook>) -> Self {
        Self {
            generation,
            touched: Vec::new(),
            indexed: generation - 1,
            written: 0,
            written_before: 0,
            limit,
            base_limit: limit,
            flushing: false,
            hook,
        }
    }

    pub(super) const fn written(&mut self, bytes: usize) {
        self.written += bytes;
    }

    pub(super) fn waits_for_flush(&mut self, db: &Db) -> bool {
        self.flushing = self.flushing && db.is_stalled();
        self.flushing
    }

    pub(super) const fn is_due(&self) -> bool {
        self.written >= self.limit
    }
}

impl LogWriter {
    /// Ends the generation: switches memtables, leaves the flush to RocksDB, and indexes the
    /// chunks.
    pub(super) fn rotate(&mut self) {
        if let Err(message) = self.shared.db.flush(false) {
            self.stop(message);
            return;
        }
        let rotation = &mut self.rotation;
        rotation.generation += 1;
        self.shared.generation.store(rotation.generation, Ordering::Release);
        let wanted = rotation.touched.len() * CHUNK_BYTES;
        rotation.limit = wanted.clamp(rotation.base_limit, 2 * rotation.base_limit);
        (rotation.written, rotation.written_before) = (0, 0);
        rotation.flushing = true;
        let Ok(touched) = self.index() else { return };
        if let Some(hook) = &self.rotation.hook {
            hook(touched);
        }
    }

    /// Writes the index entries of ended generations. Until that is done, recovery reads them from
    /// the batches.
    fn index(&mut self) -> Result<Vec<LogId>, StoreFault> {
        let mut touched = std::mem::take(&mut self.rotation.touched);
        touched.sort_unstable();
        touched.dedup();
        for id in &touched {
            let Some(writable) = self.logs.get(id) else { continue };
            let state = writable.log.state();
            let chunks = state.chunks.iter().rev();
            for entry in chunks.take_while(|chunk| chunk.generation > self.rotation.indexed) {
                let key = ChunkKey { log: *id, first: entry.first }.encode();
                self.batch.put(&self.shared.db, Family::Index, &key, [&chunk::encode(entry)]);
            }
        }
        let ended = self.rotation.generation - 1;
        self.put_record(&Record::Generation(ended), STORE);
        match self.write() {
            Ok(()) => {
                self.rotation.indexed = ended;
                Ok(touched)
            }
            Err(fault) => {
                self.rotation.touched = touched;
                Err(fault)
            }
        }
    }

    /// Ends a generation that has not grown since the last time, or of which little is needed.
    pub(super) fn end_idle_generation(&mut self, live_bytes: u64) {
        let rotation = &mut self.rotation;
        let idle = rotation.written == rotation.written_before;
        let garbage = (live_bytes as usize) < rotation.written / 2;
        rotation.written_before = rotation.written;
        if rotation.written >= IDLE_BYTES && (idle || garbage) {
            self.rotate();
            if idle {
                crate::log::alloc::release_heap();
            }
        }
    }

    /// Flushes everything and writes the clean-shutdown marker last.
    pub(super) fn close(&mut self) -> Result<(), StoreFault> {
        self.syncer.stop();
        self.check()?;
        self.rotation.generation += 1;
        self.index()?;
        self.put_record(&Record::CleanShutdown, STORE);
        self.write()?;
        let db = &self.shared.db;
        db.flush(true).and_then(|()| db.sync()).map_err(|message| self.stop(message))
    }
}
