//! `barnabas perf end-to-end`: measures how long records take from a producer to a waiting
//! consumer.
//!
//! Producer and consumer share a process, and so a clock, but not a connection. All batches have
//! the same size and go to the partitions in turn, so the offset of a batch tells when it was due,
//! and records need no timestamps.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use barnabas_client::ClientError;
use barnabas_client::offsets::LATEST;
use barnabas_protocol::kafka::record_batch::BatchHeader;
use clap::Args;

use super::consume::{Lane, offsets_of};
use super::now;
use super::produce::{Load, produce};
use super::report::{Latencies, Report, count, latencies};
use super::settings::ProduceArgs;
use crate::commands::connect::block_on;

/// Gives up after this time without a record.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes to fetch from each partition at once.
const FETCH_BYTES: i32 = 1_048_576;

/// Options of `barnabas perf end-to-end`: those of `barnabas perf produce`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  \
    barnabas perf end-to-end --topic t --num-records 100000 --record-size 1024 --throughput 10000\n\n\
    Needs --throughput, and a topic whose partitions are led by one broker and have no other producer. Latency counts\n\
    from the time at which a batch was due to be sent until its records are with the consumer.")]
pub(super) struct EndToEndArgs {
    #[command(flatten)]
    produce: ProduceArgs,
}

pub(super) fn run(args: &EndToEndArgs) -> anyhow::Result<()> {
    let args = &args.produce;
    let (settings, target) = args.settings()?;
    ensure!(settings.throughput.is_some(), "end-to-end latency needs a steady rate (--throughput)");
    block_on(async {
        let (cluster, consuming) = (target.cluster(), target.cluster());
        let topic = cluster.topic(&args.topic, true).await?;
        let lanes = cluster.leaders(&topic).await?;
        let [(_, partitions)] = &lanes[..] else { bail!("more than one broker leads partitions") };
        let partitions = partitions.clone();

        let starts = offsets_of(&consuming, &topic, LATEST).await?;
        let (connection, _) = consuming.leaders(&topic).await?.pop().context("a leader")?;
        let topic = (topic.name.clone(), topic.id);
        let lane = Lane { connection, topic, positions: starts.clone(), fetch_size: FETCH_BYTES };

        let load = Arc::new(Load::new(args, settings, partitions.len(), None)?);
        let schedule = Schedule::new(&load, &partitions, starts);
        let reading = read(lane, schedule, load.total);
        let (_, (read, bytes)) = tokio::try_join!(produce(&load, lanes), reading)?;
        load.progress.finish_and_clear();
        let elapsed = load.start.elapsed();
        Report { verb: "read", records: load.total, bytes, elapsed, latencies: read }
            .print(args.output)?;
        Ok(())
    })
}

/// When the batch at an offset was due.
struct Schedule {
    start: Instant,
    /// Records per second.
    rate: f64,
    batch_records: u64,
    total: u64,
    /// For each partition, its place in the producer's turns and the offset of its first batch.
    places: HashMap<i32, (u64, i64)>,
}

impl Schedule {
    fn new(load: &Load, partitions: &[i32], starts: BTreeMap<i32, i64>) -> Self {
        let place = |(turn, index): (usize, &i32)| (*index, (turn as u64, starts[index]));
        Self {
            start: load.start,
            rate: load.settings.throughput.unwrap_or(f64::INFINITY),
            batch_records: load.full.records(),
            total: load.total,
            places: partitions.iter().enumerate().map(place).collect(),
        }
    }

    fn due(&self, partition: i32, offset: i64) -> Option<Instant> {
        let (turn, first) = self.places.get(&partition)?;
        let round = u64::try_from(offset - first).ok()? / self.batch_records;
        let batch = round * self.places.len() as u64 + turn;
        let records = ((batch + 1) * self.batch_records).min(self.total);
        Some(self.start + Duration::from_secs_f64(records as f64 / self.rate))
    }
}

/// Reads until all records have arrived; returns their latencies and the bytes of their batches.
async fn read(mut lane: Lane, schedule: Schedule, total: u64) -> anyhow::Result<(Latencies, u64)> {
    let (mut latencies, mut bytes, mut records) = (latencies(), 0, 0);
    let mut last = now();
    while records < total {
        let response = lane.connection.call(&lane.request()?).await?;
        let arrived = now();
        ClientError::check(response.error_code, None)?;
        for data in response.responses.iter().flat_map(|topic| &topic.partitions) {
            ClientError::check(data.error_code, None)?;
            for segment in data.records.iter().flat_map(|records| records.segments()) {
                for header in batches(segment) {
                    let (first, held) = (header.base_offset.0, header.records_count as u64);
                    let due = schedule.due(data.partition_index, first);
                    let due = due.context("another producer writes to the topic")?;
                    count(&mut latencies, arrived.saturating_duration_since(due), held);
                    lane.positions.insert(data.partition_index, header.next_offset().0);
                    (records, last) = (records + held, arrived);
                    bytes += header.size().unwrap_or(0) as u64;
                }
            }
        }
        ensure!(now().saturating_duration_since(last) < PATIENCE, "no record came for 30 s");
    }
    Ok((latencies, bytes))
}

/// The headers of the complete batches; the last batch may be cut off.
fn batches(bytes: &[u8]) -> impl Iterator<Item = BatchHeader> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let header = BatchHeader::parse(rest).ok()?;
        rest = rest.get(header.size()?..)?;
        Some(header)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_tell_when_batches_were_due() {
        let start = now();
        let places = HashMap::from([(0, (0, 100)), (1, (1, 7))]);
        let schedule = Schedule { start, rate: 1000.0, batch_records: 10, total: 35, places };
        let due = |partition, offset| schedule.due(partition, offset).map(|due| due - start);
        assert_eq!(due(0, 100), Some(Duration::from_millis(10)));
        assert_eq!(due(1, 7), Some(Duration::from_millis(20)));
        assert_eq!(due(0, 110), Some(Duration::from_millis(30)));
        assert_eq!(due(1, 17), Some(Duration::from_millis(35)));
        assert_eq!((due(0, 99), due(2, 0)), (None, None));
    }
}
