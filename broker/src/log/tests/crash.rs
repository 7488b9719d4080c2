//! A process that appends is killed again and again: what it acknowledged is there, once, in order,
//! at its offset, and what follows continues it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::state::ids::Offset;

use super::common::*;
use crate::log::{Append, AppendSink, LogId, Store, StoreFault, StoreOptions};

const DIR: &str = "BARNABAS_TEST_CRASH_DIR";
const LOGS: usize = 5;
const KILLS: u64 = 24;

/// Prints what is acknowledged: `ack LOG END`.
struct Acks(LogId);

impl AppendSink for Acks {
    fn appended(&self, result: Result<Offset, StoreFault>) {
        println!("ack {} {}", self.0.0, result.unwrap());
    }
}

/// The batch that belongs at an offset of a log; its content depends on both.
fn content(log: LogId, base: i64) -> barnabas_protocol::kafka::record_batch::StoredBatch {
    let seed = base as u64 * 7 + u64::from(log.0);
    batch(base, 1 + (seed % 3) as i32, 100 + (seed * 131 % 3000) as usize, seed)
}

/// Not a test by itself: what the killed process does.
#[test]
#[ignore = "run by survives_being_killed in a process of its own"]
fn appends_until_killed() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let (store, found) = Store::open(options(dir.as_ref())).unwrap();
    let mut ends: HashMap<LogId, i64> = found.iter().map(|log| (log.id, log.end.0)).collect();
    if ends.is_empty() {
        let topics: Vec<_> = (0..LOGS as u128).map(topic).collect();
        ends = store.create(&topics).unwrap().into_iter().map(|log| (log, 0)).collect();
    }
    println!("open");
    for round in 0.. {
        for (log, end) in &mut ends {
            let batch = content(*log, *end);
            *end = batch.parse_header().unwrap().next_offset().0;
            let sync = round % 16 == 0;
            let (batches, sink) = (vec![batch], Arc::new(Acks(*log)));
            store.append(Append { log: *log, batches, epoch_start: None, sync, sink }).unwrap();
            store.write_queued();
        }
        while store.queued_bytes() > 200_000 {
            std::thread::yield_now();
        }
        if round % 500 == 499 {
            // The oldest half goes, so that reclaiming is interrupted, too.
            let starts: Vec<_> = ends.keys().map(|log| (*log, Offset(ends[log] / 2))).collect();
            let starts: Vec<_> =
                starts.into_iter().filter(|(log, at)| store.end(*log) > Some(*at)).collect();
            store.set_log_start(&starts).unwrap();
            store.reclaim().unwrap();
        }
    }
}

fn options(dir: &Path) -> StoreOptions {
    StoreOptions { generation_bytes: 1 << 20, tail_cache_bytes: 1 << 20, ..StoreOptions::new(dir) }
}

/// Lets a process append for a while, kills it, and returns the last acknowledged end of each log.
fn run_and_kill(dir: &Path, after: Duration) -> HashMap<LogId, i64> {
    let test = "log::tests::crash::appends_until_killed";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--ignored", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.by_ref().any(|line| line.ends_with("open")), "the process did not come up");
    let reader = std::thread::spawn(move || {
        let mut acked = HashMap::new();
        for line in lines {
            // The last line may be cut off: only whole ones, which end in a newline, count.
            let mut words = line.split(' ');
            if let (Some("ack"), Some(log), Some(end)) = (words.next(), words.next(), words.next())
            {
                let (log, end) = (LogId(log.parse().unwrap()), end.parse::<i64>().unwrap());
                let before = acked.insert(log, end);
                assert!(before.is_none_or(|before| before <= end), "acknowledged out of order");
            }
        }
        acked
    });
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn survives_being_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut total = 0;
    for kill in 0..KILLS {
        let acked = run_and_kill(dir.path(), Duration::from_millis(kill * 37 % 190));
        let (store, found) = Store::open(options(dir.path())).unwrap();
        for log in &found {
            assert!(!log.clean_shutdown);
            let acknowledged = acked.get(&log.id).copied().unwrap_or(0);
            assert!(log.end.0 >= acknowledged, "{acknowledged} was acknowledged: {log:?}");
            total += check(&store, log.id);
        }
        let _ = writeln!(std::io::stderr(), "kill {kill}: {acked:?}");
    }
    assert!(total > 1000, "only {total} batches were ever there");
}

/// Every batch is the one that belongs where it is, with none missing; returns how many there are.
fn check(store: &Store, log: LogId) -> usize {
    let batches = read_all(store, log);
    let mut next = None;
    for bytes in &batches {
        let header = barnabas_protocol::kafka::record_batch::BatchHeader::parse(bytes).unwrap();
        let base = header.base_offset.0;
        assert!(next.is_none_or(|next| next == base), "log {log:?} has no offset {next:?}");
        assert_eq!(*bytes, whole(&content(log, base)));
        next = Some(header.next_offset().0);
    }
    let (start, end) = (store.log_start(log).unwrap(), store.end(log).unwrap());
    assert!(next == Some(end.0) || start == end);
    batches.len()
}
