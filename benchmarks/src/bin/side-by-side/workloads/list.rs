//! All workloads, in the order in which they run.

use super::many::Many;
use super::produce::Produce;
use super::read::Read;
use super::still::{Connections, Idle};
use super::tail::{EndToEnd, Tail};
use super::{Generator, Per, Plan, Workload};
use crate::load::Load;

/// 2 GB in large batches.
const BULK: Load = Load {
    records: 2_000_000,
    record_bytes: 1024,
    batch_bytes: 512 << 10,
    linger_ms: 20,
    in_flight: 5,
    rate: None,
};
/// 1 GB of small records in batches of the default size.
const SMALL: Load =
    Load { records: 10_000_000, record_bytes: 100, batch_bytes: 16_384, linger_ms: 5, ..BULK };
/// A request for each record.
const SINGLE: Load =
    Load { records: 150_000, batch_bytes: 1, linger_ms: 0, in_flight: 1000, ..SMALL };
/// For librdkafka, which fills batches as far as lingering allows.
const UP_TO_1_MB: usize = 1_000_000;
/// A forced write to disk for each batch.
const SYNCED: Load = Load { records: 120_000, batch_bytes: 16_384, ..BULK };
/// 51 MB/s, for some seconds.
const STEADY: Load =
    Load { records: 500_000, batch_bytes: 65_536, linger_ms: 5, rate: Some(50_000), ..BULK };
/// About 30 % of what Kafka takes on two processors.
const THIRTY_PERCENT: Load = Load { records: 1_000_000, rate: Some(100_000), ..STEADY };

/// The list.
pub(crate) fn all() -> Vec<Workload> {
    let mut all = throughput();
    all.extend(steady());
    all.extend(size());
    all
}

fn workload(name: &'static str, about: &'static str, plan: Plan) -> Workload {
    Workload { name, about, plan }
}

/// As fast as it goes.
fn throughput() -> Vec<Workload> {
    use Generator::{Kcat, Perf};
    use Per::{Gigabyte, MillionRecords, Request};
    let produce = |load, per, generator, configs| {
        Plan::Produce(Produce { load, partitions: 10, configs, per, generator })
    };
    let by_librdkafka = |load| Load { batch_bytes: UP_TO_1_MB, ..load };
    let read = |cold, generator| Plan::Read(Read { load: BULK, cold, generator });
    vec![
        workload(
            "produce-1k",
            "1 KiB records in batches of 512 KiB, 10 partitions, acks=1",
            produce(BULK, Gigabyte, Perf, &[]),
        ),
        workload(
            "produce-1k-librdkafka",
            "1 KiB records through librdkafka: linger 20 ms, batches up to 1 MB",
            produce(by_librdkafka(BULK), Gigabyte, Kcat, &[]),
        ),
        workload(
            "produce-100b",
            "100 B records in batches of 16 KiB, 10 partitions, acks=1",
            produce(SMALL, MillionRecords, Perf, &[]),
        ),
        workload(
            "produce-100b-librdkafka",
            "100 B records through librdkafka: linger 5 ms, batches up to 1 MB",
            produce(by_librdkafka(SMALL), MillionRecords, Kcat, &[]),
        ),
        workload(
            "unbatched",
            "one 100 B record in each request, 1000 in flight, 10 partitions, acks=1",
            produce(SINGLE, Request, Perf, &[]),
        ),
        workload(
            "unbatched-librdkafka",
            "one 100 B record in each request, through librdkafka",
            produce(SINGLE, Request, Kcat, &[]),
        ),
        workload(
            "fsync",
            "1 KiB records in batches of 16 KiB, flush.messages=1: on disk before acks=1",
            produce(SYNCED, Gigabyte, Perf, &["flush.messages=1"]),
        ),
        workload(
            "fetch-warm",
            "catch-up read of 2 GB of 1 KiB records from 1 partition, from memory",
            read(false, Perf),
        ),
        workload(
            "fetch-cold",
            "the same after a restart and with an empty page cache",
            read(true, Perf),
        ),
        workload(
            "fetch-warm-librdkafka",
            "the same from memory, through librdkafka",
            read(false, Kcat),
        ),
    ]
}

/// At a rate.
fn steady() -> Vec<Workload> {
    vec![
        workload(
            "tail",
            "10 consumers at the end of 10 partitions that get 51 MB/s; GB are those read",
            Plan::Tail(Tail { load: STEADY, consumers: 10 }),
        ),
        workload(
            "latency",
            "from a producer of 102 MB/s to a consumer, 10 partitions, linger 5 ms",
            Plan::EndToEnd(EndToEnd { load: THIRTY_PERCENT }),
        ),
    ]
}

/// What being large costs, and being there at all.
fn size() -> Vec<Workload> {
    vec![
        workload(
            "topics-2k",
            "2 000 topics of 5 partitions: created in one request, written to, killed",
            Plan::Many(Many { topics: 2000, partitions: 5, batches: 8 }),
        ),
        workload(
            "partitions-10k",
            "one topic of 10 000 partitions: created, written to, killed",
            Plan::Many(Many { topics: 1, partitions: 10_000, batches: 8 }),
        ),
        workload(
            "idle",
            "an empty broker: how soon it answers, and what it uses",
            Plan::Idle(Idle),
        ),
        workload(
            "connections",
            "5 000 connections that do nothing",
            Plan::Connections(Connections { count: 5000 }),
        ),
    ]
}
