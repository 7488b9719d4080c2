//! Crashes at any change that the store makes to its files, with and without the loss of what was
//! not synced, and errors there: what was acknowledged is there, and the store as a whole is at one
//! point of its history.
//!
//! The history is one sequence of operations on several logs. Since the store writes in order, a
//! store that was reopened must be exactly what it was after some operation: not before the last
//! one acknowledged (or, where the power failed, not before the last one known to be synced), and
//! not beyond the last one issued.
//!
//! Each seed is some lives of one store, about half of which end with a loss of power. The same few
//! seeds are tried every time; `BARNABAS_CRASH_SEEDS=N` tries the first N, of which 3000 take some
//! minutes. A seed that fails is named: `BARNABAS_CRASH_SEED=S` tries it alone, and with
//! `BARNABAS_CRASH_SEEDS=N` N times, for the pace of RocksDB's threads is not decided by the seed.

mod history;
mod life;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::faulty_disk::{Fault, FaultyDisk, Remains};
use super::random::Random;
use crate::log::{OpenError, RecoveredLog, Store, StoreOptions};
use history::{Event, World, contents, locate, lost};
use life::{Acknowledged, Life};

/// Tried if nothing else is asked for.
const SEEDS: u64 = 60;

/// A life makes about as many changes to files.
const CHANGES: u64 = 160;

fn options(dir: &Path, random: &mut Random) -> StoreOptions {
    StoreOptions {
        // Some generations in a life, and none so small that one append fills the memtable.
        generation_bytes: 192 << (10 + random.below(2)),
        tail_cache_bytes: 24 << 10,
        ..StoreOptions::new(dir)
    }
}

/// Opens what a crash has left; sometimes the opening crashes, too. Says whether it was opened at
/// once.
fn reopen(
    mut remains: Remains,
    random: &mut Random,
    power_fails: bool,
) -> (Remains, Store, Vec<RecoveredLog>, bool) {
    let mut at_once = true;
    while random.one_in(3) {
        at_once = false;
        let fault = Fault::Stop { at: 1 + random.below(60) };
        let disk = FaultyDisk::watch(remains.dir.path(), fault, random.fork());
        let opened = Store::open(options(remains.dir.path(), random));
        assert!(!matches!(opened, Err(OpenError::Foreign(_) | OpenError::Format { .. })));
        let left = disk.remains();
        drop((opened, disk));
        if power_fails {
            left.lose_power(random);
        }
        remains = left;
    }
    let (store, found) = Store::open(options(remains.dir.path(), random)).unwrap();
    (remains, store, found, at_once)
}

/// A fault for one life.
fn fault(random: &mut Random) -> Fault {
    let at = 1 + random.below(CHANGES);
    match random.below(8) {
        0 => Fault::None,
        1 => Fault::Fail { at, count: 1 + random.below(3), errno: libc::EIO },
        2 => Fault::Fail { at, count: 1 + random.below(9), errno: libc::ENOSPC },
        _ => Fault::Stop { at },
    }
}

/// A store that lives several times, each life beginning with what the one before has left.
struct Trial {
    random: Random,
    first: tempfile::TempDir,
    remains: Option<Remains>,
    /// What the store is at the beginning of a life.
    world: World,
    topics: u128,
    tally: Tally,
}

/// What has been tried.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    changes: u64,
    crashes: u64,
    losses_of_power: u64,
}

/// How a life has ended.
struct End {
    fault: Fault,
    power_fails: bool,
    events: Vec<Event>,
    acknowledged: Arc<Acknowledged>,
    /// In good order.
    closed: bool,
}

impl Trial {
    fn new(seed: u64) -> Self {
        let first = tempfile::tempdir_in("/dev/shm").unwrap();
        let (random, world) = (Random::new(seed), World::new());
        Self { random, first, remains: None, world, topics: 0, tally: Tally::default() }
    }

    fn run(mut self) -> Tally {
        for _ in 0..2 + self.random.below(2) {
            let (end, left) = self.live();
            self.judge(&end, left);
        }
        self.tally
    }

    fn root(&self) -> PathBuf {
        let dir = self.remains.as_ref().map_or(&self.first, |left| &left.dir);
        dir.path().to_owned()
    }

    /// One life, up to its crash.
    fn live(&mut self) -> (End, Remains) {
        let (root, random) = (self.root(), &mut self.random);
        let fault = fault(random);
        let disk = FaultyDisk::watch(&root, fault, random.fork());
        let power_fails = random.one_in(2);
        let opened = Store::open(options(&root, random)).ok();
        let waits = matches!(fault, Fault::Fail { .. });
        let life = opened.map(|(store, found)| {
            let mut life =
                Life::begin(store, &found, &self.world, self.topics, random.fork(), waits);
            life.run();
            life
        });
        let left = disk.remains();
        self.tally.changes += disk.changes();
        self.tally.crashes += 1;
        self.tally.losses_of_power += u64::from(power_fails);
        let mut end = End {
            fault,
            power_fails,
            events: Vec::new(),
            acknowledged: Arc::default(),
            closed: false,
        };
        if let Some(life) = life {
            self.topics = life.topics;
            // What is acknowledged from here on was written before the crash.
            drop(life.store);
            (end.events, end.acknowledged, end.closed) =
                (life.events, life.acknowledged, life.closed);
        }
        (end, left)
    }

    /// Opens what a life has left, and looks for it in the history.
    fn judge(&mut self, end: &End, left: Remains) {
        let End { fault, power_fails, events, acknowledged, closed } = end;
        let files = left.files();
        if *power_fails {
            left.lose_power(&mut self.random);
        }
        let known = if *power_fails { &acknowledged.synced } else { &acknowledged.written };
        let (left, store, found, at_once) = reopen(left, &mut self.random, *power_fails);
        let clean = found.iter().any(|log| log.clean_shutdown);
        assert!(clean || !closed || !at_once || found.is_empty(), "it was closed in order");
        let durable = if clean { events.len() } else { known.load(Ordering::SeqCst) };
        let contents = contents(&store, &found);
        let located = locate(&self.world, events, durable, &contents);
        self.world = located.unwrap_or_else(|| {
            let why = lost(&self.world, events, durable, &contents);
            let refused = acknowledged.refused.lock();
            panic!(
                "{fault:?}, power fails: {power_fails}, opened at once: {at_once}\nrefused: {refused:?}\n{files:?}\n{why}"
            )
        });
        // As recovery does.
        self.world
            .values_mut()
            .for_each(|log| log.high_watermark = log.high_watermark.min(log.end));
        drop(store);
        self.remains = Some(left);
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect(name))
}

/// Tries `count` seeds; returns what was tried, and the seeds that failed.
fn try_seeds(count: u64, seed: impl Fn(u64) -> u64 + Sync) -> (Tally, Vec<u64>) {
    let (next, all) = (AtomicU64::new(0), Mutex::new((Tally::default(), Vec::new())));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::SeqCst);
            if at >= count {
                return;
            }
            let seed = seed(at);
            let tried = std::panic::catch_unwind(|| Trial::new(seed).run());
            let (tally, failed) = &mut *all.lock();
            match tried {
                Ok(tried) => {
                    tally.changes += tried.changes;
                    tally.crashes += tried.crashes;
                    tally.losses_of_power += tried.losses_of_power;
                }
                Err(_) => {
                    eprintln!("seed {seed} fails: repeat with BARNABAS_CRASH_SEED={seed}");
                    failed.push(seed);
                }
            }
        }
    };
    // More than processors: they wait for each other's threads much of the time.
    std::thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(work))));
    all.into_inner()
}

#[test]
fn a_crash_at_any_change_keeps_what_was_acknowledged() {
    let (count, alone) = (number("BARNABAS_CRASH_SEEDS"), number("BARNABAS_CRASH_SEED"));
    let count = count.unwrap_or_else(|| if alone.is_some() { 1 } else { SEEDS });
    let (tally, failed) = try_seeds(count, |at| alone.unwrap_or(at));
    println!("{count} seeds: {tally:?}");
    assert!(
        failed.is_empty(),
        "{failed:?} fail; to repeat one: BARNABAS_CRASH_SEED={} cargo test --release -p barnabas-broker --lib crash_at",
        failed[0]
    );
    assert!(tally.changes > count * 30, "{tally:?}: is the disk watched?");
}
