//! Changes other than appends. Those that only set records join the write batch; those that look at
//! what is stored come after everything staged, and are written alone.

use super::*;
use crate::log::Chunk;
use crate::log::format::keys::{ChunkKey, RecordKey, STORE};
use crate::log::index::table::LogState;
use crate::log::queue::{BatchedChange, ExclusiveChange};

impl LogWriter {
    pub(super) fn change(&mut self, change: LogChange, done: Option<Done>) {
        if let Err(fault) = self.check() {
            return answer(done, Err(fault));
        }
        match change {
            LogChange::Batched(change) => match self.join(change) {
                Ok(effect) => self.staged.push(Staged::Change(effect, done)),
                Err(fault) => return answer(done, Err(fault)),
            },
            LogChange::Exclusive(change) => {
                self.commit();
                let result = self.alone(change);
                // What a failure has left staged must not get into another write.
                self.clear();
                return answer(done, result.map(|()| Vec::new()));
            }
        }
        if self.batch_bytes > WRITE_BYTES {
            self.commit();
        }
    }

    fn join(&mut self, change: BatchedChange) -> Result<Effect, StoreFault> {
        Ok(match change {
            BatchedChange::Create(topics) => self.create(topics),
            BatchedChange::SetLogStart(starts) => self.set_log_starts(starts),
            BatchedChange::CheckpointHighWatermarks(marks) => {
                for (id, offset) in marks {
                    if self.logs.contains_key(&id) {
                        self.put_record(&Record::HighWatermark(offset), id);
                    }
                }
                Effect::None
            }
            BatchedChange::SetEpochs(id, epochs) => {
                if !self.logs.contains_key(&id) {
                    return Err(StoreFault::NoSuchLog);
                }
                self.put_record(&Record::Epochs(epochs.clone()), id);
                Effect::Epochs(id, epochs)
            }
            BatchedChange::SetActedOn(mut states) => {
                states.retain(|(id, _)| self.logs.contains_key(id));
                for (id, state) in &states {
                    self.put_record(&Record::ActedOn(state.clone()), *id);
                }
                Effect::ActedOn(states)
            }
            BatchedChange::SetRestored(count) => {
                self.put_record(&Record::Restored(count), STORE);
                Effect::Restored(count)
            }
            BatchedChange::ProducerSnapshot(id, offset, state) => {
                self.put_producers(id, offset, state);
                Effect::None
            }
            BatchedChange::Barrier => Effect::None,
        })
    }

    fn alone(&mut self, change: ExclusiveChange) -> Result<(), StoreFault> {
        self.check()?;
        match change {
            ExclusiveChange::Delete(ids) => self.delete(&ids),
            ExclusiveChange::Truncate(id, to) => self.truncate(id, to),
            ExclusiveChange::Forget(dead) => self.forget(&dead),
            ExclusiveChange::EndIdleGeneration { live_bytes } => {
                self.end_idle_generation(live_bytes);
                Ok(())
            }
            ExclusiveChange::Close => self.close(),
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
            Some(writable) if *start > writable.start => {
                writable.start = *start;
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
                self.shared.table.insert(logs.iter().cloned());
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
            Effect::ActedOn(states) => {
                for (id, state) in states {
                    let Some(writable) = self.logs.get(&id) else { continue };
                    writable.log.set_acted_on(Some(state));
                }
            }
            Effect::Restored(count) => *self.shared.restored.lock() = count,
            Effect::Epochs(id, epochs) => {
                if let Some(writable) = self.logs.get_mut(&id) {
                    writable.epochs = epochs;
                }
            }
        }
        Vec::new()
    }

    /// What a change had staged was not written.
    pub(super) fn take_back(&mut self, effect: Effect) {
        if let Effect::LogStarts(starts) = effect {
            for (id, _) in starts {
                if let Some(writable) = self.logs.get_mut(&id) {
                    writable.unstage();
                }
            }
        }
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
        self.shared.table.remove(ids);
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
}

impl Writable {
    fn empty(log: Arc<Log>) -> Self {
        let (start, end) = (Offset(0), Offset(0));
        Self { log, start, end, epochs: Vec::new(), broken: false, snapshot: None }
    }
}
