//! What the log alone costs: CPU seconds per gigabyte written and read, rate, and write
//! amplification.
//!
//! It appends through `barnabas_broker::log::Store` as the broker does, with no network, no Kafka
//! protocol and no replication, then reads everything back through a fresh store, first with cold
//! caches (as root), then with warm ones. CPU is user and system time of the whole process,
//! background flushes included.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use barnabas_broker::env;
use barnabas_broker::log::{Append, AppendSink, LogId, Store, StoreFault, StoreOptions, alloc};
use barnabas_protocol::kafka::record_batch::{BatchHeader, StoredBatch};
use barnabas_protocol::state::ids::{Offset, PartitionIndex, TopicId};
use bytes::Bytes;
use clap::Parser;

/// Measures the log on RocksDB by itself.
#[derive(Parser)]
struct Args {
    /// Where to put the data; removed afterwards.
    #[arg(long, default_value = "target/storage-bench")]
    dir: PathBuf,
    /// Data per run, in MiB.
    #[arg(long, default_value_t = 2048)]
    mib: u64,
    /// Size of one batch, in bytes.
    #[arg(long, default_value_t = 64 << 10)]
    batch_bytes: usize,
    /// Numbers of partitions, one run each.
    #[arg(long, value_delimiter = ',', default_value = "10,1000,10000")]
    partitions: Vec<u32>,
    /// Size of a generation, in MiB.
    #[arg(long, default_value_t = 32)]
    generation_mib: usize,
    /// Sync before each acknowledgement (`flush.messages=1`).
    #[arg(long)]
    sync: bool,
    /// Repetitions of the whole.
    #[arg(long, default_value_t = 1)]
    rounds: u32,
}

fn main() -> anyhow::Result<()> {
    alloc::keep_heap();
    let args = Args::parse();
    println!("| run | GB/s | CPU-s/GB | disk bytes per byte |");
    println!("|---|---|---|---|");
    println!("{}", copy()?);
    for _ in 0..args.rounds {
        for &partitions in &args.partitions {
            run(&args, partitions)?;
        }
    }
    Ok(())
}

/// What it costs to copy a gigabyte once, here and now: the log copies four times, so other work on
/// the machine and slow memory show here first.
fn copy() -> anyhow::Result<String> {
    let (from, mut to) = (vec![1_u8; 64 << 20], vec![0_u8; 64 << 20]);
    let cost = Cost::start()?;
    for _ in 0..16 {
        to.copy_from_slice(&from);
        std::hint::black_box(&mut to);
    }
    cost.row("one copy in memory, to compare", 1 << 30)
}

fn run(args: &Args, partitions: u32) -> anyhow::Result<()> {
    let dir = args.dir.join(format!("{partitions}"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&args.dir)?;
    let name = format!("{} KiB, {partitions} partitions", args.batch_bytes >> 10);
    let bytes = args.mib << 20;

    let rss = resident_bytes()?;
    let (store, _) = open(&dir, args)?;
    let empty = resident_bytes()?.saturating_sub(rss);
    println!("| open an empty store | {:.1} MB resident | | |", empty as f64 / 1e6);
    let topics: Vec<_> =
        (0..partitions).map(|n| (TopicId::default(), PartitionIndex(n as i32))).collect();
    let before = env::now();
    let logs = store.create(&topics)?;
    let created = before.elapsed();
    let cost = Cost::start()?;
    write(&store, &logs, args, bytes)?;
    store.close()?;
    println!("{}", cost.row(&format!("write, {name}"), bytes)?);
    println!("| create {partitions} logs | {:.3} s | | |", created.as_secs_f64());
    drop(store);

    if fs::write("/proc/sys/vm/drop_caches", "1").is_ok() {
        read(&dir, args, &format!("cold read, {name}"), bytes)?;
    }
    read(&dir, args, &format!("warm read, {name}"), bytes)?;
    fs::remove_dir_all(&dir)?;
    Ok(())
}

fn open(dir: &Path, args: &Args) -> anyhow::Result<(Store, Vec<LogId>)> {
    let options =
        StoreOptions { generation_bytes: args.generation_mib << 20, ..StoreOptions::new(dir) };
    let (store, found) = Store::open(options)?;
    Ok((store, found.iter().map(|log| log.id).collect()))
}

/// Bounds what is queued, as the network layer does.
struct Window {
    waiting: Mutex<usize>,
    room: Condvar,
}

impl Window {
    const APPENDS: usize = 64;

    fn enter(&self) -> anyhow::Result<()> {
        let waiting = self.waiting.lock().map_err(|_| anyhow::anyhow!("an append failed"))?;
        let mut waiting = self
            .room
            .wait_while(waiting, |waiting| *waiting >= Self::APPENDS)
            .map_err(|_| anyhow::anyhow!("an append failed"))?;
        *waiting += 1;
        Ok(())
    }
}

impl AppendSink for Window {
    fn appended(&self, result: Result<Offset, StoreFault>) {
        let mut waiting = self.waiting.lock().expect("only this thread could poison it");
        assert!(result.is_ok(), "{result:?}");
        *waiting -= 1;
        drop(waiting);
        self.room.notify_one();
    }
}

fn write(store: &Store, logs: &[LogId], args: &Args, bytes: u64) -> anyhow::Result<()> {
    ensure!(args.batch_bytes > BatchHeader::LEN, "a batch has a header of 61 bytes");
    // Enough bodies that they do not stay in the processor's cache.
    let body = |n: usize| Bytes::from(vec![n as u8; args.batch_bytes - BatchHeader::LEN]);
    let bodies: Vec<_> = (0..(8 << 20) / args.batch_bytes + 1).map(body).collect();
    let window = Arc::new(Window { waiting: Mutex::new(0), room: Condvar::new() });
    for n in 0..bytes / args.batch_bytes as u64 {
        let offset = n as i64 / logs.len() as i64;
        let body = bodies[n as usize % bodies.len()].clone();
        let batches = vec![StoredBatch { header: header(offset, body.len()), body }];
        window.enter()?;
        store.append(Append {
            log: logs[n as usize % logs.len()],
            batches,
            epoch_start: None,
            sync: args.sync,
            sink: Arc::clone(&window) as Arc<dyn AppendSink>,
        })?;
        store.write_queued();
    }
    Ok(())
}

/// The header of a batch of one record at `offset`. Its checksum is wrong: the log does not look.
fn header(offset: i64, body_len: usize) -> [u8; BatchHeader::LEN] {
    let mut header = [0; BatchHeader::LEN];
    header[..8].copy_from_slice(&offset.to_be_bytes());
    header[8..12].copy_from_slice(&((49 + body_len) as i32).to_be_bytes());
    header[16] = 2;
    header[57..].copy_from_slice(&1i32.to_be_bytes());
    header
}

/// Reads all logs, 1 MiB at a time, and copies what is read once, as a socket would.
fn read(dir: &Path, args: &Args, name: &str, bytes: u64) -> anyhow::Result<()> {
    let before = env::now();
    let (store, logs) = open(dir, args)?;
    let opened = before.elapsed();
    let cost = Cost::start()?;
    let mut socket = vec![0; args.batch_bytes];
    let mut total = 0;
    for log in logs {
        let end = store.end(log).context("opened")?;
        let mut from = Offset(0);
        while from < end {
            for segment in store.read(log, from, end, 1 << 20)? {
                socket[..segment.len()].copy_from_slice(&segment);
                std::hint::black_box(&mut socket);
                total += segment.len() as u64;
                from = BatchHeader::parse(&segment)?.next_offset();
            }
        }
    }
    ensure!(total + args.batch_bytes as u64 > bytes, "read only {total} bytes");
    println!("{}", cost.row(name, bytes)?);
    println!("| open for {name} | {:.3} s | | |", opened.as_secs_f64());
    Ok(())
}

/// What the process has used when a phase begins.
struct Cost {
    at: Instant,
    cpu_s: f64,
    disk: u64,
}

impl Cost {
    fn start() -> anyhow::Result<Self> {
        Ok(Self { at: env::now(), cpu_s: cpu_seconds()?, disk: disk_bytes()? })
    }

    /// A table row about the phase that ends here, which handled `bytes`.
    fn row(&self, name: &str, bytes: u64) -> anyhow::Result<String> {
        let gb = bytes as f64 / 1e9;
        let rate = gb / self.at.elapsed().as_secs_f64();
        let cpu = (cpu_seconds()? - self.cpu_s) / gb;
        let disk = (disk_bytes()? - self.disk) as f64 / bytes as f64;
        Ok(format!("| {name} | {rate:.2} | {cpu:.2} | {disk:.2} |"))
    }
}

/// User and system time of this process, of all its threads.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').context("no command in /proc/self/stat")?.1;
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

/// Memory of this process.
fn resident_bytes() -> anyhow::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 =
        line.and_then(|line| line.split_whitespace().next()).context("no VmRSS")?.parse()?;
    Ok(kib << 10)
}

/// Bytes that this process has caused to be written to disk.
fn disk_bytes() -> anyhow::Result<u64> {
    let io = fs::read_to_string("/proc/self/io")?;
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(line.context("no write_bytes in /proc/self/io")?.parse()?)
}
