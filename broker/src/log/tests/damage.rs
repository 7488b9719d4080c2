//! Files that have rotted: never wrong records, never silently fewer, and what is whole is served.

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use barnabas_protocol::kafka::record_batch::BatchHeader;
use barnabas_protocol::state::ids::Offset;

use super::common::*;
use crate::log::recovery::wal;
use crate::log::{LogId, OpenError, ReadError, Store, StoreOptions};

const BATCHES: i64 = 300;

fn content(log: LogId, offset: i64) -> barnabas_protocol::kafka::record_batch::StoredBatch {
    batch(offset, 1, 8 << 10, offset as u64 * 2 + u64::from(log.0))
}

fn options(dir: &Path) -> StoreOptions {
    StoreOptions { generation_bytes: 1 << 20, tail_cache_bytes: 0, ..StoreOptions::new(dir) }
}

/// Two logs with as many batches each, alternately.
fn filled(dir: &Path, options: StoreOptions) -> (Store, Vec<LogId>) {
    let (store, _) = Store::open(options).unwrap();
    let logs = store.create(&[topic(1), topic(2)]).unwrap();
    for offset in 0..BATCHES {
        for log in &logs {
            append(&store, *log, vec![content(*log, offset)]).unwrap();
        }
    }
    assert!(dir.exists());
    (store, logs)
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("rocksdb")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
    files
}

fn rot(file: &Path, at: u64) {
    let file = fs::File::options().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

/// Reads a log batch by batch; returns the offsets that cannot be read, all others being right.
fn unreadable(store: &Store, log: LogId, end: i64) -> Vec<i64> {
    let mut unreadable = Vec::new();
    let mut from = 0;
    while from < end {
        match store.read(log, Offset(from), Offset(end), 100_000) {
            Ok(segments) => {
                for bytes in split(&segments) {
                    assert_eq!(bytes, whole(&content(log, from)));
                    from += 1;
                }
            }
            Err(ReadError::Corrupt { at, .. }) => {
                assert!(at.0 <= from);
                unreadable.push(from);
                from += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    unreadable
}

#[test]
fn a_rotten_block_hurts_its_batches_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(dir.path(), options(dir.path()));
    store.close().unwrap();
    drop(store);
    let file = files(dir.path(), "sst").remove(0);
    rot(&file, fs::metadata(&file).unwrap().len() / 2);
    let (store, found) = Store::open(options(dir.path())).unwrap();
    let lost: Vec<_> = found.iter().map(|log| unreadable(&store, log.id, BATCHES)).collect();
    let count: usize = lost.iter().map(Vec::len).sum();
    assert!(count > 0 && count <= 17, "a block of 128 KiB holds less than 17 batches: {lost:?}");
    let (hurt, log) = lost.iter().zip(&found).find(|(lost, _)| !lost.is_empty()).unwrap();
    let mut seen = Vec::new();
    let mut visit = |header: &BatchHeader| {
        seen.push(header.base_offset.0);
        ControlFlow::Continue(())
    };
    let headers = store.batch_headers(log.id, Offset(0), Offset(BATCHES), &mut visit);
    assert!(matches!(headers, Err(ReadError::Corrupt { .. })), "{headers:?}");
    assert_eq!(seen, (0..hurt[0]).collect::<Vec<_>>());
    append(&store, log.id, vec![content(log.id, BATCHES)]).unwrap();
}

/// A store that was not closed, with everything in its write-ahead log.
fn unclosed(dir: &Path) -> Vec<LogId> {
    let options = StoreOptions { generation_bytes: 32 << 20, ..options(dir) };
    filled(dir, options).1
}

fn ends(dir: &Path) -> Vec<i64> {
    let (store, found) = Store::open(options(dir)).unwrap();
    for log in &found {
        assert!(unreadable(&store, log.id, log.end.0).is_empty());
    }
    found.iter().map(|log| log.end.0).collect()
}

#[test]
fn a_rotten_wal_stops_the_opening_until_the_loss_is_accepted() {
    let dir = tempfile::tempdir().unwrap();
    unclosed(dir.path());
    let wal = files(dir.path(), "log").remove(0);
    rot(&wal, 1 << 20);
    for _ in 0..2 {
        match Store::open(options(dir.path())).map(|_| ()) {
            Err(OpenError::DamagedWal { file, at, resumes, .. }) => {
                assert!(file == wal && at <= 1 << 20 && resumes > 1 << 20 && resumes - at < 20_000);
            }
            other => panic!("{other:?}"),
        }
    }
    fs::write(dir.path().join("start-without-what-is-damaged"), "").unwrap();
    let ends = ends(dir.path());
    assert!(ends.iter().all(|end| (60..70).contains(end)), "{ends:?}");
    assert!(!dir.path().join("start-without-what-is-damaged").exists());
}

#[test]
fn after_a_loss_of_power_the_wal_ends_where_it_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    unclosed(dir.path());
    rot(&files(dir.path(), "log")[0], 1 << 20);
    fs::write(dir.path().join("location"), "an earlier one").unwrap();
    let ends = ends(dir.path());
    assert!(ends.iter().all(|end| (60..70).contains(end)), "{ends:?}");
}

#[test]
fn damage_of_a_wal_file_that_is_needed_no_more_hurts_nobody() {
    let dir = tempfile::tempdir().unwrap();
    // From the second opening on, the WAL of the first is in table files.
    unclosed(dir.path());
    drop(Store::open(StoreOptions { generation_bytes: 32 << 20, ..options(dir.path()) }).unwrap());
    let mut old = wal::encode(1, &vec![vec![0; 5000]; 6]);
    old[5100] ^= 1;
    for boot in [None, Some("an earlier one")] {
        fs::write(dir.path().join("rocksdb/000001.log"), &old).unwrap();
        if let Some(boot) = boot {
            fs::write(dir.path().join("location"), boot).unwrap();
        }
        assert_eq!(ends(dir.path()), [BATCHES; 2]);
    }
}

#[test]
fn a_torn_tail_of_the_wal_is_nothing_special() {
    let dir = tempfile::tempdir().unwrap();
    unclosed(dir.path());
    let wal = files(dir.path(), "log").remove(0);
    let content = fs::read(&wal).unwrap();
    let end = content.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&wal, &content[..end - 99]).unwrap();
    assert_eq!(ends(dir.path()), [BATCHES, BATCHES - 1]);
}

#[test]
fn what_the_store_knows_of_its_logs_is_never_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(dir.path(), options(dir.path()));
    store.close().unwrap();
    drop(store);
    // The small files hold the other families.
    for file in files(dir.path(), "sst").iter().filter(|f| fs::metadata(f).unwrap().len() < 9000) {
        rot(file, 3);
    }
    match Store::open(options(dir.path())).map(|_| ()) {
        Err(error @ OpenError::Corrupt { .. }) => {
            assert!(error.to_string().contains("restore it from a copy"), "{error}");
        }
        other => panic!("{other:?}"),
    }
}
