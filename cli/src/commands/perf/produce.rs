//! `barnabas perf produce`: has one connection to each leader, with several requests in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use barnabas_client::producer::produce_request;
use barnabas_client::{Answer, ClientError, Cluster, Connection};
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::{InitProducerIdRequest, ProduceRequest, ProduceResponse};
use barnabas_protocol::state::ids::ProducerId;
use indicatif::ProgressBar;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::batches::{Batch, Shape};
use super::report::{Latencies, Report, count, latencies};
use super::settings::{ProduceArgs, Settings};
use super::{now, progress};
use crate::commands::connect::block_on;
use crate::commands::produce::now_ms;
use crate::commands::topic;

/// How long the broker may take to answer a request.
const TIMEOUT_MS: i32 = 30_000;

pub(super) fn run(args: &ProduceArgs) -> anyhow::Result<()> {
    let (settings, target) = args.settings()?;
    block_on(async {
        let cluster = target.cluster();
        if let Some(partitions) = args.partitions {
            create(&cluster, &args.topic, partitions).await?;
        }
        let topic = cluster.topic(&args.topic, true).await?;
        let lanes = cluster.leaders(&topic).await?;
        let partitions = lanes.iter().map(|(_, partitions)| partitions.len()).sum();
        let producer = match settings.idempotent {
            true => Some(producer_id(&cluster).await?),
            false => None,
        };
        let load = Arc::new(Load::new(args, settings, partitions, producer)?);
        let latencies = produce(&load, lanes).await?;
        load.progress.finish_and_clear();
        let (records, bytes) = (load.total, load.total * args.record_size as u64);
        let elapsed = load.start.elapsed();
        Report { verb: "sent", records, bytes, elapsed, latencies }.print(args.output)?;
        Ok(())
    })
}

async fn create(cluster: &Cluster, name: &str, partitions: i32) -> Result<(), ClientError> {
    match topic::create(cluster, topic::creatable(name, Some(partitions), None, Vec::new(), &[]))
        .await
    {
        Err(ClientError::Refused { code: ErrorCode::TopicAlreadyExists, .. }) => Ok(()),
        created => created,
    }
}

async fn producer_id(cluster: &Cluster) -> Result<(ProducerId, i16), ClientError> {
    let request = InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    let response = cluster.ask(&request).await?;
    ClientError::check(response.error_code, None)?;
    Ok((ProducerId(response.producer_id), response.producer_epoch))
}

/// The work that all connections share.
pub(super) struct Load {
    topic: String,
    pub(super) settings: Settings,
    pub(super) total: u64,
    /// Records that connections have sent or are about to send.
    taken: AtomicU64,
    pub(super) full: Batch,
    /// The remainder after all full batches; equals `full` if there is none.
    last: Batch,
    producer: Option<(ProducerId, i16)>,
    pub(super) start: Instant,
    pub(super) progress: ProgressBar,
}

impl Load {
    pub(super) fn new(
        args: &ProduceArgs,
        settings: Settings,
        partitions: usize,
        producer: Option<(ProducerId, i16)>,
    ) -> anyhow::Result<Self> {
        let shape = Shape {
            record_size: args.record_size,
            batch_bytes: settings.batch_bytes,
            compression: settings.compression,
            timestamp: now_ms(),
        };
        let (total, random) = (args.num_records, &mut rand::rng());
        let full = Batch::build(shape, settings.most_records(partitions).min(total), random)?;
        let last = match total % full.records() {
            0 => full.clone(),
            rest => Batch::build(shape, rest, random)?,
        };
        Ok(Self {
            topic: args.topic.clone(),
            settings,
            total,
            taken: AtomicU64::new(0),
            full,
            last,
            producer,
            start: now(),
            progress: progress(total),
        })
    }

    /// Waits until the next batch is due and returns it with that time; none if there is no more.
    async fn next(&self) -> Option<(&Batch, Option<Instant>)> {
        let first = self.taken.fetch_add(self.full.records(), Ordering::Relaxed);
        if first >= self.total {
            return None;
        }
        let is_full = self.total - first >= self.full.records();
        let batch = if is_full { &self.full } else { &self.last };
        let due = self.settings.throughput.map(|rate| {
            self.start + Duration::from_secs_f64((first + batch.records()) as f64 / rate)
        });
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        Some((batch, due))
    }
}

pub(super) async fn produce(
    load: &Arc<Load>,
    lanes: Vec<(Arc<Connection>, Vec<i32>)>,
) -> anyhow::Result<Latencies> {
    let mut running = JoinSet::new();
    for (connection, partitions) in lanes {
        running.spawn(lane(Arc::clone(load), connection, partitions));
    }
    let mut all = latencies();
    while let Some(finished) = running.join_next().await {
        all.add(finished??).context("histograms of one kind")?;
    }
    Ok(all)
}

/// A request that was sent.
struct Sent {
    since: Instant,
    records: u64,
    /// None with acks=0.
    answer: Option<Answer<ProduceRequest>>,
    /// Limits the requests in flight; dropping it lets the next one be sent.
    _permit: OwnedSemaphorePermit,
}

/// Sends to one leader until all batches are sent.
async fn lane(
    load: Arc<Load>,
    connection: Arc<Connection>,
    partitions: Vec<i32>,
) -> anyhow::Result<Latencies> {
    let (sent, answers) = mpsc::channel(load.settings.max_in_flight);
    let sending = send_all(&load, &connection, &partitions, sent);
    let (_, latencies) = tokio::try_join!(sending, collect(&load, answers))?;
    Ok(latencies)
}

async fn send_all(
    load: &Load,
    connection: &Connection,
    partitions: &[i32],
    sent: mpsc::Sender<Sent>,
) -> anyhow::Result<()> {
    let permits = Arc::new(Semaphore::new(load.settings.max_in_flight));
    let mut sequences = vec![0; partitions.len()];
    for turn in (0..partitions.len()).cycle() {
        let Some((batch, due)) = load.next().await else { break };
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let records = match load.producer {
            Some((id, epoch)) => batch.numbered(id, epoch, sequences[turn]),
            None => batch.plain(),
        };
        sequences[turn] = after(sequences[turn], batch.records());
        let acks = load.settings.acks;
        let request = produce_request(&load.topic, partitions[turn], records, acks, TIMEOUT_MS);
        let since = due.unwrap_or_else(now);
        let answer = if acks == 0 {
            connection.send_one_way(&request).await?;
            None
        } else {
            Some(connection.send(&request).await?)
        };
        let one = Sent { since, records: batch.records(), answer, _permit: permit };
        if sent.send(one).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// The sequence number after a number of records. It wraps around to 0.
fn after(sequence: i32, records: u64) -> i32 {
    ((sequence as u64 + records) & 0x7fff_ffff) as i32
}

async fn collect(load: &Load, mut answers: mpsc::Receiver<Sent>) -> anyhow::Result<Latencies> {
    let mut latencies = latencies();
    while let Some(sent) = answers.recv().await {
        if let Some(answer) = sent.answer {
            check(&answer.wait().await?).context("records were not accepted")?;
        }
        count(&mut latencies, now().saturating_duration_since(sent.since), sent.records);
        load.progress.inc(sent.records);
    }
    Ok(latencies)
}

fn check(response: &ProduceResponse) -> Result<(), ClientError> {
    let mut results = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    results.try_for_each(|r| ClientError::check(r.error_code, r.error_message.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_begin_again() {
        assert_eq!(after(5, 10), 15);
        assert_eq!(after(i32::MAX, 1), 0);
        assert_eq!(after(i32::MAX - 1, 3), 1);
    }
}
