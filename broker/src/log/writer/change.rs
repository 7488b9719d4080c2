//! Changes other than appends. Those that only set records join the write batch; those that look at what is
//! stored come after everything staged, and are written alone.

use std::ops::ControlFlow;

use barnabas_protocol::kafka::record_batch::BatchHeader;

use super::*;
use crate::log::keys::{BatchKey, ChunkKey, RecordKey, STORE};
use crate::log::registry::LogState;
use crate::log::{Chunk, chunk};

impl Writer {
    pub(super) fn change(&mut self, change: Change, done: Option<Done>) {
        if let Some(fault) = self.fault() {
            return answer(done, Err(fault));
        }
        let effect = match change {
            Change::Create(topics) => self.create(topics),
            Change::SetLogStart(starts) => self.set_log_starts(starts),
            Change::CheckpointHighWatermarks(marks) => {
                for (id, offset) in marks {
                    if self.logs.contains_key(&id) {
                        self.put_record(&Record::HighWatermark(offset), id);
                    }
                }
                Effect::None
            }
            Change::SetEpochs(id, epochs) => {
                if !self.logs.contains_key(&id) {
                    return answer(done, Err(StoreFault::NoSuchLog));
                }
                self.put_record(&Record::Epochs(epochs.clone()), id);
                Effect::Epochs(id, epochs)
            }
            Change::ProducerSnapshot(id, offset, state) => {
                self.put_producers(id, offset, state);
                Effect::None
            }
            alone => {
                self.commit();
                let result = self.alone(alone);
                return answer(done, result.map(|()| Vec::new()));
            }
        };
        self.staged.push(Staged::Change(effect, done));
        if self.batch_bytes > WRITE_BYTES {
            self.commit();
        }
    }

    fn alone(&mut self, change: Change) -> Result<(), StoreFault> {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        match change {
            Change::Delete(ids) => self.delete(&ids),
            Change::Truncate(id, to) => self.truncate(id, to),
            Change::Forget(dead) => self.forget(&dead),
            Change::EndIdleGeneration { live_bytes } => {
                self.end_idle_generation(live_bytes);
                Ok(())
            }
            Change::Close => self.close(),
            _ => Ok(()),
        }
    }

    fn create(&mut self, topics: Vec<(TopicId, PartitionIndex)>) -> Effect {
        let mut made = Vec::with_capacity(topics.len());
        for (topic, partition) in topics {
            let id = self.next_log;
            self.next_log = LogId(id.0 + 1);
            self.put_record(&Record::Identity { topic, partition }, id);
            made.push(Arc::new(Log::new(id, Offset(0), LogState::default())));
        }
        self.put_record(&Record::NextLog(self.next_log), STORE);
        Effect::Created(made)
    }

    fn set_log_starts(&mut self, mut starts: Vec<(LogId, Offset)>) -> Effect {
        starts.retain(|(id, start)| match self.logs.get_mut(id) {
            Some(writable) if *start > writable.log.start() => {
                writable.end = writable.end.max(*start);
                true
            }
            _ => false,
        });
        for (id, start) in &starts {
            self.put_record(&Record::LogStart(*start), *id);
        }
        Effect::LogStarts(starts)
    }

    fn put_producers(&mut self, id: LogId, offset: Offset, state: Bytes) {
        // A snapshot beyond the end comes from before a failed append.
        if let Some(writable) = self.logs.get_mut(&id)
            && offset <= writable.end
        {
            writable.snapshot = Some(offset);
            self.put_record(&Record::Producers(offset, state), id);
        }
    }

    pub(super) fn take_effect(&mut self, effect: Effect) -> Vec<LogId> {
        match effect {
            Effect::None => {}
            Effect::Created(logs) => {
                self.shared.registry.insert(logs.iter().cloned());
                let ids = logs.iter().map(|log| log.id).collect();
                self.logs.extend(logs.into_iter().map(|log| (log.id, Writable::empty(log))));
                return ids;
            }
            Effect::LogStarts(starts) => {
                for (id, start) in starts {
                    let Some(writable) = self.logs.get(&id) else { continue };
                    writable.log.set_start(start);
                    let mut state = writable.log.state();
                    if start > state.end {
                        state.end = start;
                        self.budget.freed(state.tail.clear());
                    }
                }
            }
            Effect::Epochs(id, epochs) => {
                if let Some(writable) = self.logs.get_mut(&id) {
                    writable.epochs = epochs;
                }
            }
        }
        Vec::new()
    }

    /// Forgets logs. Their batches are garbage from here on; the maintenance step removes them.
    fn delete(&mut self, ids: &[LogId]) -> Result<(), StoreFault> {
        for id in ids {
            let Some(writable) = self.logs.get(id) else { continue };
            for kind in Record::OF_A_LOG {
                let key = RecordKey { log: *id, kind }.encode();
                self.batch.delete(&self.shared.db, Family::Partitions, &key);
            }
            for chunk in &writable.log.state().chunks {
                let key = ChunkKey { log: *id, first: chunk.first }.encode();
                self.batch.delete(&self.shared.db, Family::Index, &key);
            }
        }
        self.write()?;
        self.shared.registry.remove(ids);
        for id in ids {
            if let Some(writable) = self.logs.remove(id) {
                self.budget.freed(writable.log.state().tail.clear());
            }
        }
        Ok(())
    }

    /// Forgets chunks that lie before their log's start.
    fn forget(&mut self, dead: &[(LogId, Vec<Chunk>)]) -> Result<(), StoreFault> {
        for (id, chunks) in dead {
            for chunk in chunks {
                let key = ChunkKey { log: *id, first: chunk.first }.encode();
                self.batch.delete(&self.shared.db, Family::Index, &key);
            }
        }
        self.write()?;
        for (id, chunks) in dead {
            let Some(writable) = self.logs.get(id) else { continue };
            let mut state = writable.log.state();
            while let Some(oldest) = state.chunks.front()
                && chunks.iter().any(|chunk| chunk.first == oldest.first)
            {
                state.chunks.pop_front();
            }
        }
        Ok(())
    }

    /// Removes the batches that end at or after `to`, and all that was recorded about them, in one write.
    fn truncate(&mut self, id: LogId, to: Offset) -> Result<(), StoreFault> {
        let Some(writable) = self.logs.get(&id) else { return Err(StoreFault::NoSuchLog) };
        let log = Arc::clone(&writable.log);
        let mut epochs = writable.epochs.clone();
        if to >= log.end() {
            self.mend(id);
            return Ok(());
        }
        let chunks: Vec<Chunk> = log.state().chunks.iter().copied().collect();
        let keep = chunks.partition_point(|chunk| chunk.last < to);
        let mut end = to;
        let mut kept = None;
        for (i, chunk) in chunks[keep..].iter().enumerate() {
            let cut = self.cut(id, chunk, to).map_err(|message| self.stop(message))?;
            end = end.min(cut.first_removed);
            kept = kept.or(cut.kept.filter(|_| i == 0));
        }
        let end = end.max(log.start());
        epochs.retain(|entry| entry.start < end);
        self.put_record(&Record::End(end), id);
        self.put_record(&Record::Epochs(epochs.clone()), id);
        self.drop_snapshot(id, end);
        self.write()?;
        let mut state = log.state();
        state.chunks.truncate(keep);
        state.chunks.extend(kept);
        state.end = end;
        self.budget.freed(state.tail.truncate(end));
        drop(state);
        if let Some(writable) = self.logs.get_mut(&id) {
            writable.epochs = epochs;
        }
        self.mend(id);
        Ok(())
    }

    /// A truncated log takes appends at its end again.
    fn mend(&mut self, id: LogId) {
        if let Some(writable) = self.logs.get_mut(&id) {
            writable.end = writable.log.end();
            writable.broken = false;
        }
    }

    /// Drops a snapshot of producers that holds what is cut off.
    fn drop_snapshot(&mut self, id: LogId, end: Offset) {
        if let Some(writable) = self.logs.get_mut(&id)
            && writable.snapshot.take_if(|at| *at > end).is_some()
        {
            let key = RecordKey { log: id, kind: Record::PRODUCERS }.encode();
            self.batch.delete(&self.shared.db, Family::Partitions, &key);
        }
    }

    /// Stages the removal of a chunk's batches from `to` on.
    fn cut(&mut self, log: LogId, whole: &Chunk, to: Offset) -> Result<Cut, String> {
        let mut cut = Cut { first_removed: to, kept: None };
        let (mut bytes, mut keys) = (0, Vec::new());
        let from = BatchKey { generation: whole.generation, log, last: to };
        let db = Arc::clone(&self.shared.db);
        db.scan(Family::Log, &from.encode(), |key, value| {
            let Ok(found) = BatchKey::decode(key) else { return ControlFlow::Break(()) };
            if (found.generation, found.log) != (whole.generation, log) {
                return ControlFlow::Break(());
            }
            if let Ok(header) = BatchHeader::parse(value) {
                cut.first_removed = cut.first_removed.min(header.base_offset);
            }
            bytes += value.len() as u64;
            keys.push(found);
            ControlFlow::Continue(())
        })?;
        for key in keys {
            self.batch.delete(&db, Family::Log, &key.encode());
        }
        let key = ChunkKey { log, first: whole.first }.encode();
        if whole.first < cut.first_removed {
            let last = cut.first_removed.plus(-1);
            let rest = Chunk { last, bytes: whole.bytes.saturating_sub(bytes), ..*whole };
            if whole.generation < self.rotation.generation {
                self.batch.put(&db, Family::Index, &key, [&chunk::encode(&rest)]);
            }
            cut.kept = Some(rest);
        } else {
            self.batch.delete(&db, Family::Index, &key);
        }
        Ok(cut)
    }
}

/// What a cut does to a chunk.
struct Cut {
    first_removed: Offset,
    kept: Option<Chunk>,
}

impl Writable {
    fn empty(log: Arc<Log>) -> Self {
        Self { log, end: Offset(0), epochs: Vec::new(), broken: false, snapshot: None }
    }
}
