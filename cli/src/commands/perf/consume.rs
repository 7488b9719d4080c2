//! `barnabas perf consume`: fetches from each leader and counts records by the headers of their
//! batches.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use barnabas_client::offsets::{EARLIEST, LATEST, list_offsets};
use barnabas_client::{ClientError, Cluster, Connection, Topic};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::FetchRequest;
use barnabas_protocol::kafka::messages::fetch::{FetchPartition, FetchTopic};
use barnabas_protocol::kafka::record_batch::BatchHeader;
use clap::Args;
use indicatif::ProgressBar;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::report::{Latencies, Report, count, latencies};
use super::{now, progress};
use crate::commands::connect::{ConnectArgs, block_on};
use crate::output::Format;

/// Options of `barnabas perf consume`: those of Kafka's consumer performance test.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:\n  barnabas perf consume --topic t --messages 1000000\n\n\
    Latency is that of fetch requests. MB are 2^20 bytes of batches, compressed as they are.")]
pub(super) struct ConsumeArgs {
    /// The topic, read from its beginning.
    #[arg(long, short)]
    topic: String,
    /// Number of records to read; by default, all that exist at the start.
    #[arg(long, visible_alias = "num-records")]
    messages: Option<u64>,
    /// Bytes to fetch from each partition at once.
    #[arg(long, default_value_t = 1_048_576)]
    fetch_size: i32,
    /// Give up after this many milliseconds without a record.
    #[arg(long, default_value_t = 10_000)]
    timeout: u64,
    /// Output format.
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(super) fn run(args: &ConsumeArgs) -> anyhow::Result<()> {
    block_on(async {
        let cluster = args.connect.cluster()?;
        let topic = cluster.topic(&args.topic, true).await?;
        let starts = offsets_of(&cluster, &topic, EARLIEST).await?;
        let ends = offsets_of(&cluster, &topic, LATEST).await?;
        let there = starts.iter().map(|(index, start)| (ends[index] - start).unsigned_abs()).sum();
        let wanted = args.messages.unwrap_or(there);
        let tally = Arc::new(Tally {
            wanted,
            records: AtomicU64::new(0),
            progress: progress(wanted),
            patience: Duration::from_millis(args.timeout),
        });
        let mut running = JoinSet::new();
        let start = now();
        for (connection, indexes) in cluster.leaders(&topic).await? {
            let positions = indexes.iter().map(|index| (*index, starts[index])).collect();
            let topic = (topic.name.clone(), topic.id);
            let lane = Lane { connection, topic, positions, fetch_size: args.fetch_size };
            running.spawn(lane.read(Arc::clone(&tally)));
        }
        let (mut all, mut bytes, mut until) = (latencies(), 0, start);
        while let Some(finished) = running.join_next().await {
            let read = finished??;
            all.add(&read.latencies).context("histograms of one kind")?;
            bytes += read.bytes;
            until = until.max(read.until);
        }
        tally.progress.finish_and_clear();
        let records = tally.records.load(Ordering::Relaxed);
        let elapsed = until.saturating_duration_since(start);
        Report { verb: "read", records, bytes, elapsed, latencies: all }.print(args.output)?;
        if records < wanted {
            bail!(
                "{wanted} records were wanted: no more came within {} ms (--timeout)",
                args.timeout
            );
        }
        Ok(())
    })
}

/// The offset that each partition of a topic has for a timestamp.
pub(super) async fn offsets_of(
    cluster: &Cluster,
    topic: &Topic,
    timestamp: i64,
) -> Result<BTreeMap<i32, i64>, ClientError> {
    let timestamps = topic.partitions().map(|index| (topic.name.clone(), index, timestamp));
    let found = list_offsets(cluster, &timestamps.collect(), false).await?;
    let offset = |found: Result<i64, _>| found.map_err(|code| ClientError::refused(code, None));
    found.iter().map(|(_, index, found)| Ok((index, offset(*found)?))).collect()
}

/// Counts over all connections.
struct Tally {
    wanted: u64,
    records: AtomicU64,
    progress: ProgressBar,
    patience: Duration,
}

/// What one connection read.
struct Read {
    bytes: u64,
    /// When the last record arrived.
    until: Instant,
    latencies: Latencies,
}

/// A leader and the partitions to read from it.
pub(super) struct Lane {
    pub(super) connection: Arc<Connection>,
    pub(super) topic: (Str, Uuid),
    pub(super) positions: BTreeMap<i32, i64>,
    pub(super) fetch_size: i32,
}

impl Lane {
    /// Fetches until all connections together have read enough, or no more records arrive.
    async fn read(mut self, tally: Arc<Tally>) -> anyhow::Result<Read> {
        let mut read = Read { bytes: 0, until: now(), latencies: latencies() };
        while tally.records.load(Ordering::Relaxed) < tally.wanted {
            let asked = now();
            let response = self.connection.call(&self.request()?).await?;
            ClientError::check(response.error_code, None)?;
            let mut records = 0;
            for data in response.responses.iter().flat_map(|topic| &topic.partitions) {
                ClientError::check(data.error_code, None)?;
                for segment in data.records.iter().flat_map(|records| records.segments()) {
                    let counted = count_batches(segment);
                    records += counted.records;
                    read.bytes += counted.bytes;
                    if let Some(next) = counted.next {
                        self.positions.insert(data.partition_index, next);
                    }
                }
            }
            let answered = now();
            if records > 0 {
                read.until = answered;
                let latency = answered.saturating_duration_since(asked);
                count(&mut read.latencies, latency, records);
                tally.records.fetch_add(records, Ordering::Relaxed);
                tally.progress.inc(records);
            } else if answered.saturating_duration_since(read.until) > tally.patience {
                break;
            }
        }
        Ok(read)
    }

    pub(super) fn request(&self) -> Result<FetchRequest, ClientError> {
        let partitions = self.positions.iter().map(|(index, offset)| FetchPartition {
            partition: *index,
            fetch_offset: *offset,
            partition_max_bytes: self.fetch_size,
            ..FetchPartition::default()
        });
        let by_id = self.connection.version::<FetchRequest>()? >= 13;
        let (name, id) = &self.topic;
        Ok(FetchRequest {
            max_wait_ms: 100,
            min_bytes: 1,
            max_bytes: self.fetch_size.max(50 * 1024 * 1024),
            topics: vec![FetchTopic {
                topic: name.clone(),
                topic_id: if by_id { *id } else { Uuid::nil() },
                partitions: partitions.collect(),
            }],
            ..FetchRequest::default()
        })
    }
}

/// What a part of a fetch response contains.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    records: u64,
    bytes: u64,
    /// The offset after the last complete batch, if any.
    next: Option<i64>,
}

/// Counts complete batches; the last batch may be cut off.
fn count_batches(bytes: &[u8]) -> Counted {
    let (mut counted, mut rest) = (Counted::default(), bytes);
    while let Ok(header) = BatchHeader::parse(rest) {
        let Some(size) = header.size().filter(|size| *size <= rest.len()) else { break };
        counted.records += u64::try_from(header.records_count).unwrap_or(0);
        counted.bytes += size as u64;
        counted.next = Some(header.next_offset().0);
        rest = &rest[size..];
    }
    counted
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::kafka::record_batch::BatchBuilder;

    use super::*;

    #[test]
    fn whole_batches_count() {
        let mut builder = BatchBuilder::default();
        (0..3).for_each(|_| builder.push(1, None, Some(b"value"), &[]));
        let batch = builder.build().expect("batch");
        let two = [&batch[..], &batch[..]].concat();
        let bytes = two.len() as u64;
        assert_eq!(count_batches(&two), Counted { records: 6, bytes, next: Some(3) });
        let cut = count_batches(&two[..two.len() - 1]);
        assert_eq!(cut, Counted { records: 3, bytes: bytes / 2, next: Some(3) });
        assert_eq!(count_batches(&[]), Counted::default());
    }
}
