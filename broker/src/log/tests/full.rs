//! A disk that fills up, and has space again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use barnabas_protocol::state::ids::Offset;

use super::common::*;
use super::faulty_disk::{Fault, FaultyDisk};
use super::random::Random;
use crate::log::{Health, LogId, RotateHook, Store, StoreFault, StoreOptions};

/// A file system of 64 MiB, unmounted in the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where mounting is not allowed.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(dir.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(dir))
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let ballast = vec![1; 64 << 20];
        let _ = std::fs::write(self.0.path().join("ballast"), ballast);
    }

    fn make_space(&self) {
        std::fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn open(dir: &Path) -> Store {
    let options =
        StoreOptions { generation_bytes: 1 << 20, tail_cache_bytes: 0, ..StoreOptions::new(dir) };
    Store::open(options).unwrap().0
}

fn next(store: &Store, log: LogId) -> Result<Offset, StoreFault> {
    let end = store.end(log).unwrap().0;
    append(store, log, vec![batch(end, 1, 16 << 10, end as u64)])
}

#[test]
fn a_full_disk_stops_appends_and_loses_nothing_and_heals_by_itself() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: mounting a file system takes root");
        return;
    };
    let store = open(&disk.store());
    let log = store.create(&[topic(1)]).unwrap()[0];
    for _ in 0..200 {
        next(&store, log).unwrap();
    }
    for round in 0..3 {
        disk.fill();
        let mut acknowledged = store.end(log).unwrap();
        let fault = loop {
            match next(&store, log) {
                Ok(end) => acknowledged = end,
                Err(fault) => break fault,
            }
        };
        assert_eq!(fault, StoreFault::DiskFull);
        assert_eq!(*store.fault().borrow(), Health::DiskFull);
        assert_eq!(store.end(log), Some(acknowledged));
        check(&store, log, acknowledged);
        assert!(matches!(store.create(&[topic(2)]), Err(StoreFault::DiskFull)));
        disk.make_space();
        let healed = (0..300).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            *store.fault().borrow() == Health::Healthy
        });
        assert!(healed, "round {round}: not healed after 30 seconds");
        check(&store, log, acknowledged);
        for _ in 0..20 {
            next(&store, log).unwrap();
        }
    }
    let end = store.end(log).unwrap();
    drop(store);
    check(&open(&disk.store()), log, end);
}

#[test]
fn what_was_dropped_before_the_disk_filled_up_makes_room() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: mounting a file system takes root");
        return;
    };
    let store = open(&disk.store());
    let log = store.create(&[topic(1)]).unwrap()[0];
    for _ in 0..1600 {
        next(&store, log).unwrap();
    }
    store.set_log_start(&[(log, Offset(1500))]).unwrap();
    disk.fill();
    while next(&store, log) != Err(StoreFault::DiskFull) {}
    let end = store.end(log).unwrap();
    // RocksDB removes files, and tries again, at its own pace.
    let mut healed = (0..300).map(|_| {
        store.reclaim().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        *store.fault().borrow() == Health::Healthy
    });
    assert!(healed.any(|healed| healed), "not healed after 30 seconds");
    assert_eq!(next(&store, log), Ok(end.plus(1)));
    assert_eq!(read_all(&store, log).len() as i64, end.0 + 1 - 1500);
}

fn check(store: &Store, log: LogId, end: Offset) {
    assert_eq!(store.end(log), Some(end));
    let batches = read_all(store, log);
    assert_eq!(batches.len() as i64, end.0);
    for (i, bytes) in batches.iter().enumerate() {
        assert_eq!(*bytes, whole(&batch(i as i64, 1, 16 << 10, i as u64)));
    }
}

/// Trying it means to flush: that is nothing for a thread that serves a connection.
#[test]
fn a_full_disk_is_tried_on_the_writers_thread() {
    let dir = tempfile::tempdir_in("/dev/shm").unwrap();
    let (rotated, threads) = channel();
    let name = || std::thread::current().name().map(str::to_owned);
    let on_rotate: RotateHook = Arc::new(move |_| rotated.send(name()).unwrap());
    let options = StoreOptions { on_rotate: Some(on_rotate), ..small(dir.path()) };
    let (store, _) = Store::open(options).unwrap();
    let log = store.create(&[topic(1)]).unwrap()[0];
    let fault = Fault::Fail { at: 1, count: 1, errno: libc::ENOSPC };
    let _disk = FaultyDisk::watch(dir.path(), fault, Random::new(1));
    assert_eq!(next(&store, log), Err(StoreFault::DiskFull));
    while next(&store, log).is_err() {
        std::thread::yield_now();
    }
    drop(store);
    assert_eq!(threads.iter().collect::<Vec<_>>(), [Some("log-writer".to_owned())]);
}
