//! Space on disk really comes back, and file systems without direct I/O will do.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use barnabas_protocol::state::ids::Offset;

use super::common::*;
use crate::log::{LogId, Store, StoreOptions};

const MIB: u64 = 1 << 20;

fn options(dir: &Path) -> StoreOptions {
    StoreOptions { generation_bytes: 1 << 20, tail_cache_bytes: 0, ..StoreOptions::new(dir) }
}

/// Bytes that a directory takes on disk, as `du` counts them.
fn disk_usage(dir: &Path) -> u64 {
    let mut total = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        // RocksDB removes files meanwhile.
        let Ok(meta) = entry.as_ref().unwrap().metadata() else { continue };
        let path = entry.unwrap().path();
        total += if meta.is_dir() { disk_usage(&path) } else { meta.blocks() * 512 };
    }
    total
}

/// Appends `count` batches of 16 KiB to the first log, and one of 100 bytes to each other log with
/// every 16th.
fn fill(store: &Store, logs: &[LogId], count: i64) {
    for i in 0..count {
        append(store, logs[0], vec![batch(i, 1, 16 << 10, i as u64)]).unwrap();
        if i % 16 == 0 {
            for log in &logs[1..] {
                append(store, *log, vec![batch(i / 16, 1, 100, i as u64)]).unwrap();
            }
        }
    }
}

/// Maintenance steps until the disk usage is below `bytes`: files go a little after the step that
/// drops them.
fn reclaim_below(store: &Store, dir: &Path, bytes: u64) {
    for _ in 0..40 {
        store.reclaim().unwrap();
        if disk_usage(dir) < bytes {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{} MiB are still in use", disk_usage(dir) / MIB);
}

#[test]
fn retention_frees_disk_space() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(options(dir.path())).unwrap();
    let logs = store.create(&[topic(1), topic(2)]).unwrap();
    fill(&store, &logs, 4096);
    assert!(disk_usage(dir.path()) > 64 * MIB);
    store.set_log_start(&[(logs[0], Offset(4000)), (logs[1], Offset(250))]).unwrap();
    reclaim_below(&store, dir.path(), 24 * MIB);
    assert_eq!(read_all(&store, logs[0]).len(), 96);
    assert!(store.size_bytes(logs[0]) < 4 * MIB);
    drop(store);
    let (store, found) = Store::open(options(dir.path())).unwrap();
    assert_eq!((found[0].log_start, found[0].end), (Offset(4000), Offset(4096)));
    assert_eq!(read_all(&store, logs[0]).len(), 96);
    assert_eq!(read_all(&store, logs[1]).len(), 6);
}

#[test]
fn a_long_lived_log_does_not_pin_what_others_have_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(options(dir.path())).unwrap();
    let logs = store.create(&[topic(1), topic(2)]).unwrap();
    fill(&store, &logs, 4096);
    let kept = read_all(&store, logs[1]);
    store.set_log_start(&[(logs[0], Offset(4096))]).unwrap();
    reclaim_below(&store, dir.path(), 24 * MIB);
    assert_eq!(read_all(&store, logs[1]), kept);
    drop(store);
    let (store, _) = Store::open(options(dir.path())).unwrap();
    assert_eq!(read_all(&store, logs[1]), kept);
}

#[test]
fn deleting_a_topic_frees_its_disk_space_while_readers_finish() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(options(dir.path())).unwrap();
    let logs = store.create(&[topic(1), topic(2)]).unwrap();
    fill(&store, &logs, 2048);
    let reading = store.read(logs[0], Offset(100), Offset(200), 1 << 20).unwrap();
    store.delete(&[logs[0]]).unwrap();
    assert!(store.read(logs[0], Offset(100), Offset(200), 1).is_err());
    for (i, bytes) in split(&reading).iter().enumerate() {
        assert_eq!(*bytes, whole(&batch(100 + i as i64, 1, 16 << 10, 100 + i as u64)));
    }
    drop(reading);
    reclaim_below(&store, dir.path(), 24 * MIB);
    assert_eq!(read_all(&store, logs[1]).len(), 128);
}

#[test]
fn stalled_readers_get_copies_once_they_hold_back_too_much() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(options(dir.path())).unwrap();
    let log = store.create(&[topic(1)]).unwrap()[0];
    let mut held = Vec::new();
    for i in 0..1024 {
        append(&store, log, vec![batch(i, 1, 16 << 10, i as u64)]).unwrap();
        if i % 64 == 0 {
            held.push(store.read(log, Offset(0), Offset(i + 1), 40_000).unwrap());
        }
    }
    for segments in &held[2..] {
        assert_eq!(split(segments), [0, 1].map(|i| whole(&batch(i, 1, 16 << 10, i as u64))));
    }
    assert_eq!(split(&held[0]).len(), 1);
}

#[test]
fn runs_without_direct_io() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let (store, _) = Store::open(options(dir.path())).unwrap();
    let logs = store.create(&[topic(1), topic(2)]).unwrap();
    fill(&store, &logs, 256);
    store.close().unwrap();
    drop(store);
    let (store, found) = Store::open(options(dir.path())).unwrap();
    assert!(found[0].clean_shutdown);
    assert_eq!(read_all(&store, logs[0]).len(), 256);
}

#[test]
fn many_logs_open_fast() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(options(dir.path())).unwrap();
    let topics: Vec<_> = (0..10_000).map(topic).collect();
    let before = crate::env::now();
    let logs = store.create(&topics).unwrap();
    let created = before.elapsed();
    for log in &logs {
        let (sink, _) = sink();
        let batches = vec![batch(0, 1, 100, 0)];
        let log = *log;
        store
            .append(crate::log::Append { log, batches, epoch_start: None, sync: false, sink })
            .unwrap();
        store.write_queued();
    }
    store.set_log_start(&[(logs[0], Offset(1))]).unwrap();
    drop(store);
    let before = crate::env::now();
    let (_store, found) = Store::open(options(dir.path())).unwrap();
    let opened = before.elapsed();
    assert!(found.len() == 10_000 && found.iter().all(|log| log.end == Offset(1)));
    assert!(created.as_secs() < 3 && opened.as_secs() < 3, "{created:?} {opened:?}");
}
