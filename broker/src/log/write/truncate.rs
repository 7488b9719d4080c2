//! Truncation: a follower removes records that its leader does not have.
//!
//! Batches, chunks, epochs, the producer snapshot and the new end change in one write, or not at
//! all.

use std::ops::ControlFlow;

use barnabas_protocol::kafka::record_batch::BatchHeader;

use super::*;
use crate::log::Chunk;
use crate::log::format::chunk;
use crate::log::format::keys::{BatchKey, ChunkKey, RecordKey};

impl LogWriter {
    /// Removes the batches that end at or after `to`, and all that was recorded about them, in one
    /// write.
    pub(super) fn truncate(&mut self, id: LogId, to: Offset) -> Result<(), StoreFault> {
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
            if i == 0 {
                kept = cut.kept;
            }
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
            writable.unstage();
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
