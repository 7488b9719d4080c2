//! The state of each log in memory: its bounds, its chunks, and its cached tail.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use barnabas_protocol::state::ids::Offset;
use parking_lot::{Mutex, MutexGuard, RwLock};

use super::tail::Tail;
use crate::log::format::batch_span::BatchSpan;
use crate::log::format::keys::BatchKey;
use crate::log::{ActedOn, Chunk, LogId};

/// One log. Only the writer changes it.
pub(in crate::log) struct Log {
    pub(in crate::log) id: LogId,
    /// Apart from the rest, for the compaction filter.
    start: AtomicI64,
    /// Appends that wait for the syncer. While there are any, later ones go its way too, to stay in
    /// order.
    pub(in crate::log) syncing: AtomicU32,
    state: Mutex<LogState>,
    acted_on: Mutex<Option<Arc<ActedOn>>>,
}

/// The part of a log that its lock guards.
#[derive(Default)]
pub(in crate::log) struct LogState {
    pub(in crate::log) end: Offset,
    /// In offset order; the last one may still grow.
    pub(in crate::log) chunks: VecDeque<Chunk>,
    pub(in crate::log) tail: Tail,
}

impl Log {
    pub(in crate::log) fn new(id: LogId, start: Offset, state: LogState) -> Self {
        let (start, state) = (AtomicI64::new(start.0), Mutex::new(state));
        Self { id, start, syncing: AtomicU32::new(0), state, acted_on: Mutex::default() }
    }

    pub(in crate::log) fn start(&self) -> Offset {
        Offset(self.start.load(Ordering::Acquire))
    }

    pub(in crate::log) fn set_start(&self, start: Offset) {
        self.start.store(start.0, Ordering::Release);
    }

    pub(in crate::log) fn acted_on(&self) -> Option<Arc<ActedOn>> {
        self.acted_on.lock().clone()
    }

    pub(in crate::log) fn set_acted_on(&self, state: Option<ActedOn>) {
        *self.acted_on.lock() = state.map(Arc::new);
    }

    pub(in crate::log) fn state(&self) -> MutexGuard<'_, LogState> {
        self.state.lock()
    }

    pub(in crate::log) fn end(&self) -> Offset {
        self.state().end
    }
}

impl LogState {
    /// The chunk that holds `offset`, or else the first one after it.
    pub(in crate::log) fn chunk_at(&self, offset: Offset) -> Option<Chunk> {
        let at = self.chunks.partition_point(|chunk| chunk.last < offset);
        self.chunks.get(at).copied()
    }

    /// Adds a batch at the end; returns whether it begins a chunk. `now_ms` is called if the batch
    /// has no timestamp.
    pub(in crate::log) fn grow(
        &mut self,
        generation: u32,
        span: &BatchSpan,
        now_ms: impl FnOnce() -> i64,
    ) -> bool {
        self.end = span.last.plus(1);
        let bytes = span.bytes as u64;
        let timestamp = if span.max_timestamp < 0 { !now_ms() } else { span.max_timestamp };
        match self.chunks.back_mut() {
            Some(chunk) if chunk.generation == generation => {
                chunk.last = span.last;
                // Any timestamp goes before none; of two complements, the smaller one is the later
                // time.
                chunk.max_timestamp = match (chunk.max_timestamp, timestamp) {
                    (before, now) if before < 0 && now < 0 => before.min(now),
                    (before, now) => before.max(now),
                };
                chunk.bytes += bytes;
                false
            }
            _ => {
                self.chunks.push_back(Chunk {
                    first: span.first,
                    last: span.last,
                    generation,
                    max_timestamp: timestamp,
                    bytes,
                });
                true
            }
        }
    }
}

/// All logs.
#[derive(Default)]
pub(in crate::log) struct LogTable {
    logs: RwLock<Logs>,
    /// What compaction goes by; nothing counts as garbage at first.
    durable: RwLock<Bounds>,
}

#[derive(Default)]
struct Logs {
    by_id: HashMap<LogId, Arc<Log>>,
    next: u32,
}

/// Where each log begins at one time.
#[derive(Default)]
pub(in crate::log) struct Bounds {
    starts: HashMap<LogId, Offset>,
    /// Logs from this one on did not exist yet.
    next: u32,
}

impl LogTable {
    /// Adds all logs that recovery has found, and sets the id of the next new one.
    pub(in crate::log) fn begin(&self, found: impl IntoIterator<Item = Arc<Log>>, next: LogId) {
        self.insert(found);
        self.logs.write().next = next.0;
    }

    pub(in crate::log) fn get(&self, id: LogId) -> Option<Arc<Log>> {
        self.logs.read().by_id.get(&id).cloned()
    }

    pub(in crate::log) fn all(&self) -> Vec<Arc<Log>> {
        self.logs.read().by_id.values().cloned().collect()
    }

    pub(in crate::log) fn insert(&self, new: impl IntoIterator<Item = Arc<Log>>) {
        let mut logs = self.logs.write();
        for log in new {
            logs.next = logs.next.max(log.id.0 + 1);
            logs.by_id.insert(log.id, log);
        }
    }

    pub(in crate::log) fn remove(&self, ids: &[LogId]) {
        let mut logs = self.logs.write();
        for id in ids {
            logs.by_id.remove(id);
        }
    }

    /// Where all logs begin now.
    pub(in crate::log) fn bounds(&self) -> Bounds {
        let logs = self.logs.read();
        let starts = logs.by_id.iter().map(|(id, log)| (*id, log.start())).collect();
        Bounds { starts, next: logs.next }
    }

    /// Lets compaction drop what lies outside of these bounds, which must be synced to disk: were a
    /// deletion lost in a power failure and the data gone, there would be a hole in a log.
    pub(in crate::log) fn set_durable(&self, bounds: Bounds) {
        *self.durable.write() = bounds;
    }

    /// Whether compaction has to keep a key of the `log` family: not if its log is gone or begins
    /// after it.
    pub(in crate::log) fn needs(&self, key: &[u8]) -> bool {
        let Ok(key) = BatchKey::decode(key) else { return true };
        let durable = self.durable.read();
        let begins = durable.starts.get(&key.log);
        key.log.0 >= durable.next || begins.is_some_and(|start| key.last >= *start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(id: u32, start: i64) -> Arc<Log> {
        Arc::new(Log::new(LogId(id), Offset(start), LogState::default()))
    }

    #[test]
    fn a_chunk_without_timestamps_is_as_old_as_its_last_append() {
        let mut state = LogState::default();
        let mut grown = |first: i64, max_timestamp, now_ms| {
            let span =
                BatchSpan { first: Offset(first), last: Offset(first), max_timestamp, bytes: 9 };
            state.grow(1, &span, || now_ms);
            let chunk = state.chunks[0];
            (chunk.latest_ms(), chunk.max_timestamp)
        };
        assert_eq!(grown(0, -1, 500), (500, !500));
        assert_eq!(grown(1, -1, 800), (800, !800));
        assert_eq!(grown(2, -1, 700), (800, !800), "a clock that goes back");
        assert_eq!(
            grown(3, 300, 900),
            (300, 300),
            "as in Kafka, a timestamp goes before the time of appends"
        );
        assert_eq!(grown(4, -1, 999), (300, 300));
    }

    #[test]
    fn compaction_drops_what_is_known_for_certain_to_be_garbage() {
        let table = LogTable::default();
        table.begin([log(1, 0), log(2, 0)], LogId(5));
        let needs = |log: u32, last: i64| {
            let key = BatchKey { generation: 1, log: LogId(log), last: Offset(last) };
            table.needs(&key.encode())
        };
        table.get(LogId(1)).unwrap().set_start(Offset(10));
        table.remove(&[LogId(2)]);
        assert!(needs(1, 9) && needs(2, 9), "nothing is synced");
        table.set_durable(table.bounds());
        assert!(!needs(1, 9) && needs(1, 10) && !needs(2, 9) && !needs(4, 9));
        table.insert([log(5, 0)]);
        assert!(needs(5, 0), "this one came later");
    }
}
