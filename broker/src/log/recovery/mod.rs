//! Recovery: restores the state of a store at open without reading all of it.
//!
//! The `partitions` and `index` families are small and read whole. Chunks of the last generations
//! are not in the index yet: they are rebuilt from their batches' headers, which is at most what
//! one WAL holds.

pub(super) mod damage;
pub(super) mod wal;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};

use super::db::{Db, Family, WriteBatch};
use super::format::batch_span::BatchSpan;
use super::format::chunk;
use super::format::keys::{BatchKey, ChunkKey, RecordKey, STORE};
use super::format::records::Record;
use super::index::table::{Log, LogState};
use super::index::tail::Tail;
use super::{ActedOn, Chunk, EpochEntry, LogId, RecoveredLog, RestoreCount};

/// The state of a store.
pub(super) struct Recovered {
    pub(super) logs: Vec<Arc<Log>>,
    pub(super) infos: Vec<RecoveredLog>,
    pub(super) next_log: LogId,
    /// The first generation that has never been written to.
    pub(super) generation: u32,
    pub(super) restored: RestoreCount,
}

/// Reads the state, completes what a crash interrupted, and removes the clean-shutdown marker: from
/// here on the store counts as unclean until it is closed again.
pub(super) fn recover(db: &Arc<Db>) -> Result<Recovered, String> {
    let mut found = Found::default();
    found.read_records(db)?;
    found.read_index(db)?;
    let rebuilt = found.read_unindexed(db)?;
    let mut batch = WriteBatch::new();
    for (log, chunk) in rebuilt {
        let key = ChunkKey { log, first: chunk.first }.encode();
        batch.put(db, Family::Index, &key, [&chunk::encode(&chunk)]);
    }
    // Else it would come to hold for records that are written yet.
    for (log, end) in found.high_watermarks_beyond_ends() {
        let mark = Record::HighWatermark(end);
        batch.put(db, Family::Partitions, &mark.key(log).encode(), [&mark.encode()]);
    }
    let indexed = Record::Generation(found.generation);
    batch.put(db, Family::Partitions, &indexed.store_key().encode(), [&indexed.encode()]);
    batch.delete(db, Family::Partitions, &Record::CleanShutdown.store_key().encode());
    db.write(&batch)?;
    db.sync()?;
    Ok(found.finish())
}

#[derive(Default)]
struct Found {
    logs: HashMap<LogId, FoundLog>,
    next_log: u32,
    generation: u32,
    clean_shutdown: bool,
    restored: RestoreCount,
}

#[derive(Default)]
struct FoundLog {
    identity: Option<(TopicId, PartitionIndex)>,
    start: Offset,
    end: Offset,
    high_watermark: Offset,
    epochs: Vec<EpochEntry>,
    producers: Option<(Offset, bytes::Bytes)>,
    acted_on: Option<ActedOn>,
    state: LogState,
}

impl Found {
    fn read_records(&mut self, db: &Arc<Db>) -> Result<(), String> {
        let failed = db.scan(Family::Partitions, &[], |key, value| {
            let record =
                RecordKey::decode(key).map_err(|error| error.to_string()).and_then(|key| {
                    match Record::decode(key.kind, value) {
                        Ok(record) => Ok((key.log, record)),
                        Err(error) => Err(format!("log {}: {error}", key.log.0)),
                    }
                });
            match record {
                Ok((log, record)) => {
                    self.take(log, record);
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(error),
            }
        })?;
        self.logs.retain(|_, log| log.identity.is_some());
        failed.map_or(Ok(()), Err)
    }

    fn take(&mut self, id: LogId, record: Record) {
        let log = match record {
            Record::NextLog(LogId(next)) => return self.next_log = next,
            Record::Generation(generation) => return self.generation = generation,
            Record::CleanShutdown => return self.clean_shutdown = true,
            Record::Restored(count) => return self.restored = count,
            Record::Probe => return,
            _ if id == STORE => return,
            _ => self.logs.entry(id).or_default(),
        };
        match record {
            Record::Identity { topic, partition } => log.identity = Some((topic, partition)),
            Record::LogStart(offset) => log.start = offset,
            Record::HighWatermark(offset) => log.high_watermark = offset,
            Record::Epochs(epochs) => log.epochs = epochs,
            Record::Producers(offset, state) => log.producers = Some((offset, state)),
            Record::End(offset) => log.end = offset,
            Record::ActedOn(state) => log.acted_on = Some(state),
            Record::NextLog(_)
            | Record::Generation(_)
            | Record::CleanShutdown
            | Record::Probe
            | Record::Restored(_) => {}
        }
    }

    fn read_index(&mut self, db: &Arc<Db>) -> Result<(), String> {
        let failed = db.scan(Family::Index, &[], |key, value| {
            let Ok(key) = ChunkKey::decode(key) else {
                return ControlFlow::Break("malformed key in the index".to_owned());
            };
            match chunk::decode(key.first, value) {
                Ok(chunk) => {
                    if let Some(log) = self.logs.get_mut(&key.log) {
                        log.state.chunks.push_back(chunk);
                    }
                    ControlFlow::Continue(())
                }
                Err(error) => ControlFlow::Break(format!("log {}: {error}", key.log.0)),
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Rebuilds the chunks of the generations after the last indexed one, and returns them.
    fn read_unindexed(&mut self, db: &Arc<Db>) -> Result<Vec<(LogId, Chunk)>, String> {
        let mut rebuilt: Vec<(LogId, Chunk)> = Vec::new();
        let mut last = None;
        let from = BatchKey::floor(self.generation + 1).encode();
        let failed = db.scan(Family::Log, &from, |key, value| {
            let Ok(key) = BatchKey::decode(key) else {
                return ControlFlow::Break("malformed key in the log".to_owned());
            };
            self.generation = self.generation.max(key.generation);
            last = Some(key);
            let Some(log) = self.logs.get_mut(&key.log) else { return ControlFlow::Continue(()) };
            let Some(span) = BatchSpan::of(value).ok().filter(|span| span.last == key.last) else {
                let (log, last) = (key.log.0, key.last);
                return ControlFlow::Break(format!("log {log}: malformed batch at offset {last}"));
            };
            // The time of writing is unknown: its retention starts now.
            log.state.grow(key.generation, &span, crate::env::wall_clock_ms);
            let grown = log.state.chunks.back().copied();
            if let Some(chunk) = grown {
                rebuilt.pop_if(|(id, last)| *id == key.log && last.generation == key.generation);
                rebuilt.push((key.log, chunk));
            }
            ControlFlow::Continue(())
        });
        let failed = failed.map_err(|message| self.place_of(last, &message))?;
        failed.map_or(Ok(rebuilt), Err)
    }

    /// The logs whose high watermark lies beyond their end, as after a truncation, and that end.
    fn high_watermarks_beyond_ends(&self) -> Vec<(LogId, Offset)> {
        let ends = self.logs.iter().map(|(id, log)| (*id, log.high_watermark, log.end()));
        ends.filter(|(_, mark, end)| mark > end).map(|(id, _, end)| (id, end)).collect()
    }

    /// A message about what follows the batch of `last`, with the partition that it hurts.
    fn place_of(&self, last: Option<BatchKey>, message: &str) -> String {
        let place = last.and_then(|key| Some((key, self.logs.get(&key.log)?.identity?)));
        let Some((key, (topic, partition))) = place else { return message.to_owned() };
        let topic = topic.to_kafka_string();
        format!("{message} (after offset {} of partition {partition} of topic {topic})", key.last)
    }

    fn finish(self) -> Recovered {
        let mut logs: Vec<_> = self.logs.into_iter().collect();
        logs.sort_unstable_by_key(|(id, _)| *id);
        let next_log = logs.last().map_or(0, |(id, _)| id.0 + 1).max(self.next_log);
        let (logs, infos) =
            logs.into_iter().filter_map(|(id, log)| log.finish(id, self.clean_shutdown)).unzip();
        let (generation, restored) = (self.generation + 1, self.restored);
        Recovered { logs, infos, next_log: LogId(next_log), generation, restored }
    }
}

impl FoundLog {
    fn end(&self) -> Offset {
        let written = self.state.chunks.back().map_or(Offset(0), |chunk| chunk.last.plus(1));
        written.max(self.start).max(self.end)
    }

    fn finish(mut self, id: LogId, clean_shutdown: bool) -> Option<(Arc<Log>, RecoveredLog)> {
        let (topic_id, partition) = self.identity?;
        let end = self.end();
        self.epochs.retain(|entry| entry.start <= end);
        let info = RecoveredLog {
            id,
            topic_id,
            partition,
            log_start: self.start,
            end,
            high_watermark: self.high_watermark.min(end),
            epochs: self.epochs,
            producer_snapshot: self.producers.filter(|(offset, _)| *offset <= end),
            clean_shutdown,
        };
        let state = LogState { end, chunks: self.state.chunks, tail: Tail::default() };
        let log = Log::new(id, self.start, state);
        log.set_acted_on(self.acted_on);
        Some((Arc::new(log), info))
    }
}
