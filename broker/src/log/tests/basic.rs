//! The plain course of things, one step at a time.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch, Offset, PartitionEpoch};
use parking_lot::Mutex;

use super::common::*;
use crate::log::{
    ActedOn, Append, AppendSink, EpochEntry, Health, LogId, OpenError, ReadError, RestoreCount,
    RotateHook, Store, StoreFault, StoreOptions,
};

#[test]
fn what_is_appended_is_read_from_memory_and_from_disk_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (store, found) = open(dir.path());
    assert!(found.is_empty());
    let log = store.create(&[topic(1)]).unwrap()[0];
    let batches: Vec<_> = (0..200).map(|i| batch(i * 3, 3, 5000 + i as usize, i as u64)).collect();
    for b in &batches {
        append(&store, log, vec![b.clone()]).unwrap();
    }
    let expected: Vec<_> = batches.iter().map(whole).collect();
    assert_eq!(store.end(log), Some(Offset(600)));
    assert_eq!(store.size_bytes(log), expected.iter().map(|b| b.len() as u64).sum::<u64>());
    assert!(store.chunks(log).len() > 3, "{:?}", store.chunks(log));
    assert!(store.read_cached(log, Offset(0), Offset(600), 1).is_none());
    let last = store.read_cached(log, Offset(598), Offset(600), 1).unwrap();
    assert_eq!(split(&last), [expected[199].clone()]);
    assert_eq!(store.read_cached(log, Offset(600), Offset(600), 1), Some(vec![]));
    assert_eq!(read_all(&store, log), expected);
    let one = store.read(log, Offset(4), Offset(600), 1).unwrap();
    assert_eq!(split(&one), [expected[1].clone()]);
    assert!(store.read(log, Offset(4), Offset(5), 1).unwrap().is_empty());
    assert!(matches!(
        store.read(log, Offset(601), Offset(700), 1),
        Err(ReadError::OffsetOutOfRange { start: Offset(0), end: Offset(600) })
    ));
    assert!(matches!(Store::open(small(dir.path())), Err(OpenError::Locked(_))));
    drop((store, one, last));
    let (store, found) = open(dir.path());
    assert_eq!((found[0].end, found[0].clean_shutdown), (Offset(600), false));
    assert_eq!(read_all(&store, log), expected);
    store.close().unwrap();
    drop(store);
    let (store, found) = open(dir.path());
    assert_eq!((found[0].end, found[0].clean_shutdown), (Offset(600), true));
    assert_eq!(read_all(&store, log), expected);
    drop(store);
    let (_store, found) = open(dir.path());
    assert!(!found[0].clean_shutdown, "the marker holds for one opening only");
}

#[test]
fn a_log_remembers_what_was_acted_on_until_it_is_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let log = store.create(&[topic(1)]).unwrap()[0];
    assert_eq!(store.acted_on(log), None);
    let acted_on = |epoch| ActedOn {
        topic: "orders".into(),
        partitions: 3,
        restored: 0,
        partition_epoch: PartitionEpoch(50 + i64::from(epoch)),
        leader_epoch: LeaderEpoch(epoch),
        replicas: vec![BrokerId(4)],
    };
    for epoch in [7, 8] {
        store.set_acted_on(vec![(log, acted_on(epoch)), (LogId(99), acted_on(1))]).unwrap();
        assert_eq!(store.acted_on(log).as_deref(), Some(&acted_on(epoch)));
    }
    let count = RestoreCount { count: 2, revision: 70 };
    assert_eq!(store.restored(), RestoreCount::default());
    store.set_restored(count).unwrap();
    drop(store);
    let (store, _) = open(dir.path());
    assert_eq!(store.acted_on(log).as_deref(), Some(&acted_on(8)));
    assert_eq!(store.restored(), count);
    store.delete(&[log]).unwrap();
    assert_eq!(store.acted_on(log), None);
    drop(store);
    let (store, found) = open(dir.path());
    assert!(found.is_empty() && store.acted_on(LogId(99)).is_none());
}

#[test]
fn a_sync_is_wanted_until_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let log = store.create(&[topic(1)]).unwrap()[0];
    assert!(!store.is_sync_due(i64::MAX - 1));
    append(&store, log, vec![batch(0, 1, 100, 1)]).unwrap();
    store.sync_by(20);
    store.sync_by(30);
    assert!(!store.is_sync_due(19) && store.is_sync_due(20));
    store.sync().unwrap();
    assert!(!store.is_sync_due(30));
    store.close().unwrap();
    assert_eq!(store.sync(), Err(StoreFault::Closed));
}

#[test]
fn records_about_a_log_survive() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let logs = store.create(&[topic(1), topic(2)]).unwrap();
    let entry = |epoch, start| EpochEntry { epoch: LeaderEpoch(epoch), start: Offset(start) };
    for (base, epoch) in [(0, 1), (10, 2), (20, 5)] {
        let (sink, reported) = sink();
        let batches = vec![batch(base, 10, 10, 0)];
        let epoch_start = Some(entry(epoch, base));
        store.append(Append { log: logs[0], batches, epoch_start, sync: true, sink }).unwrap();
        store.write_queued();
        assert_eq!(reported.recv().unwrap(), Ok(Offset(base + 10)));
    }
    // As after a failed write, when nobody knows whether the epoch was stored with it.
    let (sink, reported) = sink();
    let (log, batches, epoch_start) = (logs[0], vec![batch(30, 1, 10, 0)], Some(entry(5, 20)));
    store.append(Append { log, batches, epoch_start, sync: false, sink }).unwrap();
    store.write_queued();
    assert_eq!(reported.recv().unwrap(), Ok(Offset(31)));
    store.write_producer_snapshot(logs[0], Offset(20), "state".into());
    store.write_producer_snapshot(logs[0], Offset(32), "beyond the end".into());
    store.checkpoint_high_watermarks(&[(logs[0], Offset(25)), (logs[1], Offset(7))]);
    store.set_log_start(&[(logs[0], Offset(5)), (logs[1], Offset(90))]).unwrap();
    store.set_log_start(&[(logs[0], Offset(3))]).unwrap();
    // In one write, as when two requests meet.
    store.set_log_start(&[(logs[1], Offset(95)), (logs[1], Offset(91))]).unwrap();
    assert_eq!(store.log_start(logs[1]), Some(Offset(95)));
    drop(store);
    let (store, found) = open(dir.path());
    assert_eq!((found[0].topic_id, found[0].partition), topic(1));
    assert_eq!((found[0].log_start, found[0].end), (Offset(5), Offset(31)));
    assert_eq!(found[0].high_watermark, Offset(25));
    assert_eq!(found[0].epochs, [entry(1, 0), entry(2, 10), entry(5, 20)]);
    assert_eq!(found[0].producer_snapshot, Some((Offset(20), "state".into())));
    assert_eq!((found[1].log_start, found[1].end), (Offset(95), Offset(95)));
    assert_eq!(found[1].high_watermark, Offset(7));
    append(&store, logs[1], vec![batch(95, 1, 10, 0)]).unwrap();

    assert_eq!(store.truncate(logs[0], Offset(20)), Ok(Offset(20)));
    assert_eq!(store.truncate(logs[0], Offset(15)), Ok(Offset(10)), "the batch that holds 15 goes");
    store.delete(&[logs[1]]).unwrap();
    assert_eq!(append(&store, logs[1], vec![batch(96, 1, 1, 1)]), Err(StoreFault::NoSuchLog));
    drop(store);
    let (store, found) = open(dir.path());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].end, found[0].high_watermark), (Offset(10), Offset(10)));
    assert_eq!((&found[0].epochs, &found[0].producer_snapshot), (&vec![entry(1, 0)], &None));
    let new = store.create(&[topic(3)]).unwrap()[0];
    assert!(new > logs[1], "an id is never given out again");
    let mut seen = Vec::new();
    let mut visit = |header: &BatchHeader| {
        seen.push((header.base_offset, header.last_offset()));
        ControlFlow::Continue(())
    };
    store.batch_headers(logs[0], Offset(5), Offset(99), &mut visit).unwrap();
    assert_eq!(seen, [(Offset(0), Offset(9))]);
}

#[test]
fn an_append_must_continue_the_log_and_exactly_so_after_one_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let log = store.create(&[topic(1)]).unwrap()[0];
    append(&store, log, vec![batch(0, 5, 9, 0), batch(7, 3, 9, 0)]).unwrap();
    let refused = |end, found| StoreFault::OutOfSequence { end: Offset(end), found: Offset(found) };
    assert_eq!(append(&store, log, vec![batch(9, 1, 9, 0)]), Err(refused(10, 9)));
    assert_eq!(append(&store, log, vec![batch(12, 1, 9, 0)]), Err(refused(10, 12)));
    append(&store, log, vec![batch(10, 1, 9, 0)]).unwrap();
    append(&store, log, vec![batch(12, 1, 9, 0)]).unwrap();
    assert_eq!(store.end(log), Some(Offset(13)));
    let malformed = append(&store, log, vec![batch(-1, 1, 9, 0)]);
    assert_eq!(malformed, Err(StoreFault::Malformed));
    store.close().unwrap();
    assert_eq!(append(&store, log, vec![batch(13, 1, 9, 0)]), Err(StoreFault::Closed));
    assert_eq!(store.queued_bytes(), 0);
    assert_eq!(*store.fault().borrow(), Health::Healthy);
}

#[test]
fn a_directory_that_is_not_ours_alone_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let refused = |dir| Store::open(StoreOptions::new(dir)).map(|_| ()).unwrap_err();
    let (store, _) = open(path);
    assert!(matches!(refused(path.to_owned()), OpenError::Locked(_)));
    drop(store);
    assert!(matches!(refused(path.join("no/where")), OpenError::Directory { .. }));
    std::fs::write(path.join("format"), "2\n").unwrap();
    let error = refused(path.to_owned());
    assert!(error.to_string().contains(r#"format "2"; this version reads and writes format 1"#));
    std::fs::remove_file(path.join("format")).unwrap();
    assert!(matches!(refused(path.to_owned()), OpenError::Foreign(_)));
    std::fs::write(path.join("file"), "").unwrap();
    assert!(matches!(refused(path.join("file")), OpenError::Directory { .. }));
}

/// Tells when it is being told, and is not done before it may go on.
struct Slow {
    told: Sender<Result<Offset, StoreFault>>,
    go_on: Mutex<Receiver<()>>,
}

impl AppendSink for Slow {
    fn appended(&self, result: Result<Offset, StoreFault>) {
        self.told.send(result).unwrap();
        self.go_on.lock().recv().unwrap();
    }
}

#[test]
fn a_refusal_does_not_overtake_an_append_that_waits_for_its_sync() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let log = store.create(&[topic(1)]).unwrap()[0];
    let (told, first) = channel();
    let (go_on, wait) = channel();
    let slow = Arc::new(Slow { told, go_on: Mutex::new(wait) });
    let batches = vec![batch(0, 1, 9, 0)];
    store.append(Append { log, batches, epoch_start: None, sync: true, sink: slow }).unwrap();
    let (sink, second) = sink();
    let batches = vec![batch(0, 1, 9, 0)];
    store.append(Append { log, batches, epoch_start: None, sync: false, sink }).unwrap();
    store.create(&[topic(2)]).unwrap();
    assert_eq!(first.recv().unwrap(), Ok(Offset(1)));
    assert!(second.try_recv().is_err(), "the one before it is still being reported");
    go_on.send(()).unwrap();
    let refused = StoreFault::OutOfSequence { end: Offset(1), found: Offset(0) };
    assert_eq!(second.recv().unwrap(), Err(refused));
}

#[test]
fn a_sink_that_panics_does_not_stop_the_store() {
    struct Panics;
    impl AppendSink for Panics {
        fn appended(&self, _: Result<Offset, StoreFault>) {
            panic!("a defect");
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let log = store.create(&[topic(1)]).unwrap()[0];
    for (base, sync) in [(0, false), (1, true)] {
        let (batches, sink) = (vec![batch(base, 1, 9, 0)], Arc::new(Panics));
        store.append(Append { log, batches, epoch_start: None, sync, sink }).unwrap();
        store.write_queued();
    }
    append(&store, log, vec![batch(2, 1, 9, 0)]).unwrap();
    assert_eq!(read_all(&store, log).len(), 3);
    store.close().unwrap();
}

#[test]
fn everyone_who_waits_for_a_writer_that_panics_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let on_rotate: RotateHook = Arc::new(|_| panic!("a defect"));
    let (store, _) =
        Store::open(StoreOptions { on_rotate: Some(on_rotate), ..small(dir.path()) }).unwrap();
    let log = store.create(&[topic(1)]).unwrap()[0];
    append(&store, log, vec![batch(0, 1, 9, 0)]).unwrap();
    let (sink, reported) = sink();
    let queued = (1..101).map(|i| {
        let (batches, sink) = (vec![batch(i, 1, 16 << 10, 0)], Arc::clone(&sink) as _);
        store.append(Append { log, batches, epoch_start: None, sync: i % 10 == 0, sink })
    });
    let taken = queued.filter(|append| append.is_ok()).count();
    store.write_queued();
    drop(sink);
    let results: Vec<_> = reported.iter().collect();
    assert_eq!(results.len(), taken, "each is told once");
    // How many were written before the panic depends on how many went into one write.
    let told = |result: &Result<_, _>| {
        matches!(result, Ok(_) | Err(StoreFault::Failed(_) | StoreFault::Closed))
    };
    assert!(results.iter().all(told), "{results:?}");
    let failed = append(&store, log, vec![batch(0, 1, 9, 0)]);
    assert!(matches!(failed, Err(StoreFault::Failed(_))), "{failed:?}");
    assert_eq!(store.create(&[topic(2)]).map(drop), failed.map(drop));
}
