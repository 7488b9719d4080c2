//! Appends: from the queue into the write batch, and from there to readers and sinks.

use barnabas_protocol::kafka::record_batch::StoredBatch;

use super::*;
use crate::log::format::keys::BatchKey;

impl LogWriter {
    /// Stages an append, or refuses it.
    pub(super) fn append(&mut self, append: Queued) {
        if self.batch_bytes + append.size() > WRITE_BYTES || append.epoch_start.is_some() {
            self.commit();
        }
        if let Err((id, sink, fault)) = self.stage(append) {
            // Results of one log come in order: first those of what is staged.
            self.commit();
            self.refuse(id, sink, fault);
        }
    }

    fn stage(&mut self, append: Queued) -> Result<(), (LogId, Sink, StoreFault)> {
        let Queued { log: id, batches, epoch_start, sync, sink } = append;
        if let Err(fault) = self.check() {
            return Err((id, sink, fault));
        }
        let Some(writable) = self.logs.get_mut(&id) else {
            return Err((id, sink, StoreFault::NoSuchLog));
        };
        let batches = match writable.place(batches) {
            Ok(batches) => batches,
            Err(fault) => return Err((id, sink, fault)),
        };
        writable.broken = false;
        writable.end = batches.last().map_or(writable.end, |batch| batch.span.last.plus(1));
        let (log, end) = (Arc::clone(&writable.log), writable.end);
        // After a failure the partition does not know whether the log has it.
        let is_new =
            |entry: &EpochEntry| writable.epochs.last().is_none_or(|last| last.epoch < entry.epoch);
        let epochs = epoch_start.filter(is_new).map(|entry| {
            let mut epochs = writable.epochs.clone();
            epochs.push(entry);
            epochs
        });
        for SpannedBatch { batch, span } in &batches {
            let key = BatchKey { generation: self.rotation.generation, log: id, last: span.last };
            let parts = [&batch.header[..], &batch.body[..]];
            self.batch.put(&self.shared.db, Family::Log, &key.encode(), parts);
            self.batch_bytes += span.bytes + rotate::ENTRY_OVERHEAD;
        }
        if let Some(epochs) = &epochs {
            self.put_record(&Record::Epochs(epochs.clone()), id);
        }
        self.staged.push(Staged::Append { log, batches, epochs, end, sync, sink });
        Ok(())
    }

    /// Makes a written append visible to readers.
    pub(super) fn publish(
        &mut self,
        log: &Log,
        batches: Vec<SpannedBatch>,
        epochs: Option<Vec<EpochEntry>>,
    ) {
        if let Some((epochs, writable)) = epochs.zip(self.logs.get_mut(&log.id)) {
            writable.epochs = epochs;
        }
        let mut state = log.state();
        for batch in batches {
            if state.grow(self.rotation.generation, &batch.span, crate::env::wall_clock_ms) {
                self.rotation.touched.push(log.id);
            }
            let last = batch.span.last;
            let cost = state.tail.push(batch);
            self.budget.added(log.id, last, cost);
        }
        drop(state);
        let logs = &self.logs;
        self.budget.enforce(|id, evict| {
            if let Some(writable) = logs.get(&id) {
                evict(&mut writable.log.state().tail);
            }
        });
    }

    /// Reports the result of an append: at once, or after the sync that it or an earlier append
    /// waits for.
    pub(super) fn report(
        &self,
        log: Arc<Log>,
        result: Result<Offset, StoreFault>,
        sync: bool,
        sink: Sink,
    ) {
        if sync || log.syncing.load(Ordering::Acquire) > 0 {
            self.syncer.push(Unsynced { log, result, sink });
        } else {
            sink.tell(result);
        }
    }

    /// Refuses an append, and those after it that were placed behind it.
    pub(super) fn refuse(&mut self, id: LogId, sink: Sink, fault: StoreFault) {
        let Some(writable) = self.logs.get_mut(&id) else { return sink.tell(Err(fault)) };
        writable.broken = true;
        writable.unstage();
        let log = Arc::clone(&writable.log);
        self.report(log, Err(fault), false, sink);
    }
}

impl Writable {
    /// Drops what is staged.
    pub(super) fn unstage(&mut self) {
        (self.start, self.end) = (self.log.start(), self.log.end());
    }

    /// Checks that batches continue the log: exactly, where an append before them failed; else with
    /// gaps, which a follower of a compacted log has.
    fn place(&self, batches: Vec<StoredBatch>) -> Result<Vec<SpannedBatch>, StoreFault> {
        let batches: Result<Vec<_>, _> = batches.into_iter().map(SpannedBatch::new).collect();
        let batches = batches.map_err(|_| StoreFault::Malformed)?;
        let mut end = self.end;
        for (i, batch) in batches.iter().enumerate() {
            let gap = batch.span.first > end && self.broken && i == 0;
            if batch.span.first < end || gap {
                return Err(StoreFault::OutOfSequence { end: self.end, found: batch.span.first });
            }
            end = batch.span.last.plus(1);
        }
        Ok(batches)
    }
}
