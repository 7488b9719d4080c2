//! What is known of each log in memory: its bounds, its chunks, and its cached tail.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use barnabas_protocol::state::ids::Offset;
use parking_lot::{Mutex, MutexGuard, RwLock};

use super::keys::BatchKey;
use super::placed::Place;
use super::tail::Tail;
use super::{Chunk, LogId};

/// One log. The writer changes it; anybody reads it.
pub(super) struct Log {
    pub(super) id: LogId,
    /// Apart from the rest, for the compaction filter.
    start: AtomicI64,
    /// Appends that wait for the syncer. While there are any, later ones go its way too, to stay in order.
    pub(super) syncing: AtomicU32,
    state: Mutex<LogState>,
}

/// The part of a log that its lock guards.
#[derive(Default)]
pub(super) struct LogState {
    pub(super) end: Offset,
    /// In offset order; the last one may still grow.
    pub(super) chunks: VecDeque<Chunk>,
    pub(super) tail: Tail,
}

impl Log {
    pub(super) fn new(id: LogId, start: Offset, state: LogState) -> Self {
        let (start, state) = (AtomicI64::new(start.0), Mutex::new(state));
        Self { id, start, syncing: AtomicU32::new(0), state }
    }

    pub(super) fn start(&self) -> Offset {
        Offset(self.start.load(Ordering::Acquire))
    }

    pub(super) fn set_start(&self, start: Offset) {
        self.start.store(start.0, Ordering::Release);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock()
    }

    pub(super) fn end(&self) -> Offset {
        self.state().end
    }
}

impl LogState {
    /// The chunk that holds `offset`, or else the first one after it.
    pub(super) fn chunk_at(&self, offset: Offset) -> Option<Chunk> {
        let at = self.chunks.partition_point(|chunk| chunk.last < offset);
        self.chunks.get(at).copied()
    }

    /// Takes a batch in at the end; returns whether it begins a chunk.
    pub(super) fn grow(&mut self, generation: u32, place: &Place) -> bool {
        self.end = place.last.plus(1);
        let bytes = place.bytes as u64;
        match self.chunks.back_mut() {
            Some(chunk) if chunk.generation == generation => {
                chunk.last = place.last;
                chunk.max_timestamp = chunk.max_timestamp.max(place.max_timestamp);
                chunk.bytes += bytes;
                false
            }
            _ => {
                self.chunks.push_back(Chunk {
                    first: place.first,
                    last: place.last,
                    generation,
                    max_timestamp: place.max_timestamp,
                    bytes,
                });
                true
            }
        }
    }
}

/// All logs.
#[derive(Default)]
pub(super) struct Registry {
    logs: RwLock<HashMap<LogId, Arc<Log>>>,
    /// Set once recovery knows all logs: until then nothing counts as garbage.
    complete: AtomicBool,
}

impl Registry {
    pub(super) fn get(&self, id: LogId) -> Option<Arc<Log>> {
        self.logs.read().get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Log>> {
        self.logs.read().values().cloned().collect()
    }

    pub(super) fn insert(&self, logs: impl IntoIterator<Item = Arc<Log>>) {
        self.logs.write().extend(logs.into_iter().map(|log| (log.id, log)));
    }

    pub(super) fn remove(&self, ids: &[LogId]) {
        let mut logs = self.logs.write();
        for id in ids {
            logs.remove(id);
        }
    }

    pub(super) fn set_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Whether compaction has to keep a key of the `log` family: not if its log is gone or begins after it.
    pub(super) fn needs(&self, key: &[u8]) -> bool {
        let Ok(key) = BatchKey::decode(key) else { return true };
        if !self.complete.load(Ordering::Acquire) {
            return true;
        }
        self.logs.read().get(&key.log).is_some_and(|log| key.last >= log.start())
    }
}
