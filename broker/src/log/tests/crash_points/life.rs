//! One life of a store: operations of all kinds until it crashes, and what was acknowledged of
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use barnabas_protocol::kafka::record_batch::StoredBatch;
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};

use super::history::{Event, World, hash};
use crate::log::tests::common::*;
use crate::log::tests::random::Random;
use crate::log::{Append, AppendSink, EpochEntry, LogId, RecoveredLog, Store, StoreFault};

/// Most operations of one life.
const OPERATIONS: u64 = 120;

/// How far the history is acknowledged, and how far it is known to be synced: numbers of events.
#[derive(Debug, Default)]
pub(super) struct Acknowledged {
    pub(super) written: AtomicUsize,
    pub(super) synced: AtomicUsize,
    /// Events that were refused.
    pub(super) refused: parking_lot::Mutex<Vec<(usize, StoreFault)>>,
}

impl Acknowledged {
    fn ok(&self, events: usize, synced: bool) {
        self.written.fetch_max(events, Ordering::SeqCst);
        if synced {
            self.synced.fetch_max(events, Ordering::SeqCst);
        }
    }
}

struct Sink {
    acknowledged: Arc<Acknowledged>,
    event: usize,
    sync: bool,
    result: Sender<Result<(), StoreFault>>,
}

impl AppendSink for Sink {
    fn appended(&self, result: Result<Offset, StoreFault>) {
        match &result {
            Ok(_) => self.acknowledged.ok(self.event, self.sync),
            Err(fault) => self.acknowledged.refused.lock().push((self.event, fault.clone())),
        }
        // The life may be over.
        let _ = self.result.send(result.map(drop));
    }
}

/// One life of a store, from its opening to its crash.
pub(super) struct Life {
    pub(super) store: Store,
    ids: BTreeMap<u128, LogId>,
    /// After all events.
    world: World,
    pub(super) events: Vec<Event>,
    pub(super) acknowledged: Arc<Acknowledged>,
    random: Random,
    pub(super) topics: u128,
    pub(super) closed: bool,
    /// Whether each append is waited for: what follows one that fails may succeed.
    waits: bool,
}

impl Life {
    /// A life of a store in which `found` was found, which is `world`.
    pub(super) fn begin(
        store: Store,
        found: &[RecoveredLog],
        world: &World,
        topics: u128,
        random: Random,
        waits: bool,
    ) -> Self {
        Self {
            store,
            ids: found.iter().map(|log| (log.topic_id.0.as_u128(), log.id)).collect(),
            world: world.clone(),
            events: Vec::new(),
            acknowledged: Arc::default(),
            random,
            topics,
            closed: false,
            waits,
        }
    }

    /// Issues operations until one fails or there were enough.
    pub(super) fn run(&mut self) {
        for _ in 0..self.random.below(OPERATIONS) + 5 {
            if self.step().is_err() {
                return;
            }
        }
        if self.random.one_in(3) && self.store.close().is_ok() {
            self.acknowledged.ok(self.events.len(), true);
            self.closed = true;
        }
    }

    fn step(&mut self) -> Result<(), StoreFault> {
        let random = &mut self.random;
        let some = random.below(self.world.len().max(1) as u64) as usize;
        let Some((topic, log)) = self.world.iter().nth(some).map(|(topic, log)| (*topic, log))
        else {
            return self.create();
        };
        let id = self.ids[&topic];
        let within = log.start + random.below((log.end - log.start + 2) as u64) as i64;
        match random.below(40) {
            0 | 1 => self.create(),
            2 => self.blocking(Event::Delete(topic), |store| store.delete(&[id])),
            3 | 4 => self.blocking(Event::Truncate(topic, within), |store| {
                store.truncate(id, Offset(within)).map(drop)
            }),
            5 | 6 => self.blocking(Event::SetLogStart(topic, within), |store| {
                store.set_log_start(&[(id, Offset(within))])
            }),
            7 => {
                let epoch = log.epochs.last().map_or(0, |entry| entry.epoch.0 + 1);
                let mut epochs = log.epochs.clone();
                epochs.push(EpochEntry { epoch: LeaderEpoch(epoch), start: Offset(log.end) });
                let event = Event::SetEpochs(topic, epochs.clone());
                self.blocking(event, |store| store.set_epochs(id, epochs))
            }
            8..=10 => {
                let end = log.end;
                self.record(Event::Snapshot(topic, end));
                let state = bytes::Bytes::from(end.to_string());
                self.store.write_producer_snapshot(id, Offset(end), state);
                Ok(())
            }
            11..=13 => {
                let mark = within.min(log.end);
                self.record(Event::HighWatermark(topic, mark));
                self.store.checkpoint_high_watermarks(&[(id, Offset(mark))]);
                Ok(())
            }
            14 => self.store.reclaim().map(drop),
            _ => self.append(topic, id),
        }
    }

    fn record(&mut self, event: Event) {
        event.apply(&mut self.world);
        self.events.push(event);
    }

    /// An event that its caller waits for.
    fn blocking(
        &mut self,
        event: Event,
        run: impl FnOnce(&Store) -> Result<(), StoreFault>,
    ) -> Result<(), StoreFault> {
        self.record(event);
        run(&self.store)?;
        self.acknowledged.ok(self.events.len(), false);
        Ok(())
    }

    fn create(&mut self) -> Result<(), StoreFault> {
        self.topics += 1;
        let number = self.topics;
        let mut made = Vec::new();
        self.blocking(Event::Create(number), |store| {
            made = store.create(&[topic(number)])?;
            Ok(())
        })?;
        self.ids.insert(number, made[0]);
        Ok(())
    }

    fn append(&mut self, topic: u128, id: LogId) -> Result<(), StoreFault> {
        let (random, log) = (&mut self.random, &self.world[&topic]);
        let (mut end, mut made, mut batches) = (log.end, Vec::new(), Vec::new());
        for _ in 0..=random.below(3) {
            let first = end + if random.one_in(12) { 3 } else { 0 };
            let count = 1 + random.below(8) as i32;
            let len = if random.one_in(8) { random.below(50_000) } else { random.below(3000) };
            let content = batch(first, count, len as usize, random.next());
            end = first + i64::from(count);
            batches.push((first, end - 1, hash(&whole(&content))));
            made.push(content);
        }
        let epoch = random.one_in(10).then(|| EpochEntry {
            epoch: LeaderEpoch(log.epochs.last().map_or(0, |entry| entry.epoch.0 + 1)),
            start: Offset(batches[0].0),
        });
        let sync = random.one_in(8);
        self.record(Event::Append { topic, batches, epoch });
        let (result, reported) = channel();
        let acknowledged = Arc::clone(&self.acknowledged);
        let sink = Sink { acknowledged, event: self.events.len(), sync, result };
        self.send(id, made, epoch, sink)?;
        if self.waits || self.random.one_in(2) {
            self.store.write_queued();
        }
        if self.waits { reported.recv().expect("every append is reported") } else { Ok(()) }
    }

    fn send(
        &self,
        log: LogId,
        batches: Vec<StoredBatch>,
        epoch_start: Option<EpochEntry>,
        sink: Sink,
    ) -> Result<(), StoreFault> {
        let (sync, sink) = (sink.sync, Arc::new(sink));
        self.store.append(Append { log, batches, epoch_start, sync, sink })
    }
}
