//! The store against a model in memory: whatever is done to it in whatever order, reopened or not,
//! it answers as a vector of batches would.

use barnabas_protocol::kafka::record_batch::StoredBatch;
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};
use proptest::prelude::*;

use super::common::*;
use crate::log::{EpochEntry, LogId, ReadError, Store, StoreOptions};

const LOGS: usize = 3;

#[derive(Clone, Debug)]
enum Op {
    /// Batches as (gap before, records, body length); with a new leader epoch or not.
    Append {
        log: usize,
        batches: Vec<(u8, u8, u16)>,
        epoch: bool,
    },
    Read {
        log: usize,
        at: u16,
        limit: u16,
        max_bytes: u16,
    },
    Truncate {
        log: usize,
        at: u16,
    },
    SetLogStart {
        log: usize,
        at: u16,
    },
    Snapshot {
        log: usize,
    },
    Recreate {
        log: usize,
    },
    Reclaim,
    Reopen {
        close: bool,
    },
}

fn any_op() -> impl Strategy<Value = Op> {
    let log = 0..LOGS;
    let batch = (prop_oneof![9 => Just(0), 1 => 1..5u8], 1..9u8, 0..9000u16);
    prop_oneof![
        8 => (log.clone(), prop::collection::vec(batch, 1..6), prop::bool::weighted(0.1))
            .prop_map(|(log, batches, epoch)| Op::Append { log, batches, epoch }),
        6 => (log.clone(), any::<u16>(), any::<u16>(), any::<u16>())
            .prop_map(|(log, at, limit, max_bytes)| Op::Read { log, at, limit, max_bytes }),
        1 => (log.clone(), any::<u16>()).prop_map(|(log, at)| Op::Truncate { log, at }),
        1 => (log.clone(), any::<u16>()).prop_map(|(log, at)| Op::SetLogStart { log, at }),
        1 => log.clone().prop_map(|log| Op::Snapshot { log }),
        1 => log.prop_map(|log| Op::Recreate { log }),
        1 => Just(Op::Reclaim),
        1 => any::<bool>().prop_map(|close| Op::Reopen { close }),
    ]
}

/// What one log should be.
#[derive(Clone, Debug, Default)]
struct Model {
    id: Option<LogId>,
    batches: Vec<(i64, i64, StoredBatch)>,
    start: i64,
    end: i64,
    epochs: Vec<EpochEntry>,
    snapshot: Option<i64>,
}

impl Model {
    /// An offset between the log's start and end, or one beyond.
    fn pick(&self, at: u16) -> i64 {
        self.start + i64::from(at) % (self.end - self.start + 2)
    }

    fn read(&self, from: i64, limit: i64, max_bytes: usize) -> Vec<Vec<u8>> {
        let mut taken = 0;
        let held = self.batches.iter().filter(|(_, last, _)| (from..limit).contains(last));
        held.take_while(|(_, _, batch)| {
            let fits = taken == 0 || taken + batch.len() <= max_bytes;
            taken += batch.len();
            fits
        })
        .map(|(_, _, batch)| whole(batch))
        .collect()
    }

    fn truncate(&mut self, to: i64) {
        if to >= self.end {
            return;
        }
        let cut = self.batches.partition_point(|(_, last, _)| *last < to);
        let end = self.batches.get(cut).map_or(to, |(first, ..)| to.min(*first));
        self.batches.truncate(cut);
        self.end = end.max(self.start);
        self.epochs.retain(|entry| entry.start.0 < self.end);
        self.snapshot = self.snapshot.filter(|at| *at <= self.end);
    }
}

struct World {
    dir: tempfile::TempDir,
    store: Option<Store>,
    models: Vec<Model>,
}

fn options(dir: &std::path::Path) -> StoreOptions {
    StoreOptions {
        generation_bytes: 64 << 10,
        tail_cache_bytes: 24 << 10,
        ..StoreOptions::new(dir)
    }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let store = Store::open(options(dir.path())).unwrap().0;
        let ids = store.create(&[topic(0), topic(1), topic(2)]).unwrap();
        let models = ids.iter().map(|id| Model { id: Some(*id), ..Model::default() }).collect();
        Self { dir, store: Some(store), models }
    }

    fn run(&mut self, op: Op) {
        let store = self.store.clone().unwrap();
        match op {
            Op::Append { log, batches, epoch } => self.append(&store, log, &batches, epoch),
            Op::Read { log, at, limit, max_bytes } => {
                let model = &self.models[log];
                let (from, limit, max) = (model.pick(at), model.pick(limit), max_bytes.into());
                let read = store.read(model.id.unwrap(), Offset(from), Offset(limit), max);
                if from > model.end {
                    assert!(matches!(read, Err(ReadError::OffsetOutOfRange { .. })));
                } else {
                    assert_eq!(split(&read.unwrap()), model.read(from, limit, max));
                }
            }
            Op::Truncate { log, at } => {
                let model = &mut self.models[log];
                let to = model.pick(at);
                model.truncate(to);
                assert_eq!(store.truncate(model.id.unwrap(), Offset(to)), Ok(Offset(model.end)));
            }
            Op::SetLogStart { log, at } => {
                let model = &mut self.models[log];
                model.start = model.pick(at);
                model.end = model.end.max(model.start);
                store.set_log_start(&[(model.id.unwrap(), Offset(model.start))]).unwrap();
            }
            Op::Snapshot { log } => {
                let model = &mut self.models[log];
                model.snapshot = Some(model.end);
                store.write_producer_snapshot(model.id.unwrap(), Offset(model.end), "s".into());
            }
            Op::Recreate { log } => {
                store.delete(&[self.models[log].id.unwrap()]).unwrap();
                let id = store.create(&[topic(log as u128)]).unwrap()[0];
                self.models[log] = Model { id: Some(id), ..Model::default() };
            }
            Op::Reclaim => {
                store.reclaim().unwrap();
            }
            Op::Reopen { close } => {
                drop(store);
                self.reopen(close);
            }
        }
    }

    fn append(&mut self, store: &Store, log: usize, batches: &[(u8, u8, u16)], epoch: bool) {
        let model = &mut self.models[log];
        let mut built = Vec::new();
        for (gap, count, len) in batches {
            let first = model.end + i64::from(*gap);
            let made = batch(first, (*count).into(), (*len).into(), first as u64 ^ log as u64);
            model.end = first + i64::from(*count);
            model.batches.push((first, model.end - 1, made.clone()));
            built.push(made);
        }
        let epoch_start = epoch.then(|| EpochEntry {
            epoch: LeaderEpoch(model.epochs.last().map_or(0, |entry| entry.epoch.0 + 1)),
            start: built[0].parse_header().unwrap().base_offset,
        });
        model.epochs.extend(epoch_start);
        let (sink, reported) = sink();
        let (log, batches) = (model.id.unwrap(), built);
        store.append(crate::log::Append { log, batches, epoch_start, sync: epoch, sink }).unwrap();
        store.write_queued();
        assert_eq!(reported.recv().unwrap(), Ok(Offset(model.end)));
    }

    fn reopen(&mut self, close: bool) {
        let store = self.store.take().unwrap();
        if close {
            store.close().unwrap();
        }
        drop(store);
        let (store, found) = Store::open(options(self.dir.path())).unwrap();
        assert_eq!(found.len(), LOGS);
        for (i, model) in self.models.iter().enumerate() {
            let log = found.iter().find(|log| Some(log.id) == model.id).unwrap();
            assert_eq!((log.topic_id, log.partition), topic(i as u128));
            assert_eq!((log.log_start.0, log.end.0), (model.start, model.end));
            assert_eq!(log.epochs, model.epochs);
            let snapshot = log.producer_snapshot.as_ref().map(|(at, _)| at.0);
            assert_eq!(snapshot, model.snapshot);
            assert_eq!(log.clean_shutdown, close);
        }
        self.store = Some(store);
    }

    /// Reads all logs from end to end, and compares their chunks with their batches.
    fn check(&self) {
        let store = self.store.as_ref().unwrap();
        for model in &self.models {
            let log = model.id.unwrap();
            assert_eq!(read_all(store, log), model.read(model.start, model.end, usize::MAX));
            let chunks = store.chunks(log);
            let held = |offset: i64| {
                chunks.iter().any(|chunk| (chunk.first.0..=chunk.last.0).contains(&offset))
            };
            for (first, last, _) in model.batches.iter().filter(|(_, last, _)| *last >= model.start)
            {
                assert!(held(*first) && held(*last), "{first}..={last} in {chunks:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_vectors_of_batches(ops in prop::collection::vec(any_op(), 1..120)) {
        let mut world = World::new();
        for op in ops {
            world.run(op);
        }
        world.check();
        world.reopen(false);
        world.check();
    }
}
