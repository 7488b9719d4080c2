//! Reads and prints: from the partitions that the group gives to this member, or from all.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use barnabas_client::Cluster;
use barnabas_client::consumer::{Consumer, FetchLimits, Fetched};
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::record_batch::{DecompressLimits, RecordBatch};

use super::options::ConsumeArgs;
use super::partitions::Partitions;
use super::settings::Settings;
use crate::output;

/// How long a broker may wait for records.
const MAX_WAIT_MS: i32 = 500;
/// Bytes in one answer.
const MAX_BYTES: i32 = 4 << 20;
/// How often to look whether something else is due.
const TICK: Duration = Duration::from_millis(500);

pub(super) struct Session<'a> {
    args: &'a ConsumeArgs,
    settings: Settings,
    cluster: Arc<Cluster>,
    consumer: Consumer,
    partitions: Partitions,
    printed: u64,
    committed: Instant,
}

impl<'a> Session<'a> {
    pub(super) async fn new(
        cluster: Cluster,
        args: &'a ConsumeArgs,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let cluster = Arc::new(cluster);
        let limits = FetchLimits {
            max_bytes: MAX_BYTES,
            max_wait_ms: MAX_WAIT_MS,
            read_committed: settings.read_committed,
        };
        let mut consumer = Consumer::new(Arc::clone(&cluster), limits);
        let partitions = Partitions::new(&cluster, &mut consumer, args, &settings).await?;
        Ok(Self { args, settings, cluster, consumer, partitions, printed: 0, committed: now() })
    }

    /// Reads until there is enough, or nothing more comes.
    pub(super) async fn read(&mut self) -> anyhow::Result<()> {
        let patience = self.args.timeout_ms.map(Duration::from_millis);
        let mut last = now();
        while !self.enough() {
            tokio::select! {
                fetched = self.consumer.poll() => {
                    let before = self.printed;
                    self.take(fetched?).await?;
                    if self.printed > before {
                        last = now();
                    }
                }
                view = self.partitions.changed() => {
                    self.partitions.take(&self.cluster, &mut self.consumer, &self.settings, view).await?;
                }
                () = tokio::time::sleep(TICK.min(patience.unwrap_or(TICK))) => {}
            }
            self.partitions.tick(&self.cluster, &mut self.consumer, &self.settings).await?;
            if patience.is_some_and(|patience| last.elapsed() >= patience) {
                return Ok(());
            }
            if self.committed.elapsed() >= self.settings.commit_interval {
                self.commit().await;
            }
        }
        Ok(())
    }

    fn enough(&self) -> bool {
        self.args.max_messages.is_some_and(|max| self.printed >= max)
    }

    /// Prints records. Reading goes on where a partition begins or ends, as the settings say, if it
    /// does not have an offset (any more).
    async fn take(&mut self, fetched: Vec<Fetched>) -> anyhow::Result<()> {
        let mut out = io::BufWriter::new(io::stdout());
        for Fetched { topic, data } in fetched {
            let index = data.partition_index;
            if data.error_code == ErrorCode::OffsetOutOfRange {
                out.flush()?;
                self.reset(&topic, index).await?;
                continue;
            }
            let records = data.records.map(|records| records.to_bytes()).unwrap_or_default();
            for batch in RecordBatch::split_all(records) {
                self.print(&mut out, &topic, index, &batch?)?;
            }
        }
        Ok(out.flush()?)
    }

    async fn reset(&mut self, topic: &Str, index: i32) -> anyhow::Result<()> {
        let gone = self.position(topic, index);
        let Some(start) = self.settings.default_start else {
            bail!("{topic}-{index} does not have offset {gone}, and auto.offset.reset is none");
        };
        let partition = [(topic.clone(), index)].into_iter().collect();
        let found = start.resolve(&self.cluster, &partition).await?;
        let offset = found.get(topic, index).copied().unwrap_or_default();
        self.consumer.seek(topic.clone(), index, offset);
        output::note(format_args!(
            "WARN {topic}-{index} does not have offset {gone}, reading goes on at {offset}"
        ));
        Ok(())
    }

    fn position(&self, topic: &str, index: i32) -> i64 {
        self.consumer.positions().get(topic, index).copied().unwrap_or_default()
    }

    fn print(
        &mut self,
        out: &mut dyn Write,
        topic: &Str,
        index: i32,
        batch: &RecordBatch,
    ) -> anyhow::Result<()> {
        let position = self.position(topic, index);
        if !batch.header.is_control() {
            for record in batch.records(&DecompressLimits::default())? {
                let record = record?;
                let offset = record.offset(&batch.header).0;
                if offset < position {
                    continue;
                }
                if self.enough() {
                    return Ok(());
                }
                self.printed += 1;
                self.consumer.seek(topic.clone(), index, offset + 1);
                match self.settings.formatter.write(out, topic, index, &batch.header, &record) {
                    Err(error)
                        if self.args.skip_message_on_error && !output::reader_left(&error) =>
                    {
                        output::note(format_args!("ERROR offset {offset} is left out: {error:#}"));
                    }
                    written => written.with_context(|| format!("{topic}-{index}"))?,
                }
            }
        }
        let next = batch.header.next_offset().0.max(position);
        self.consumer.seek(topic.clone(), index, next);
        Ok(())
    }

    async fn commit(&mut self) {
        self.committed = now();
        self.partitions.commit(&self.cluster, self.consumer.positions(), &self.settings).await;
    }

    /// Commits, leaves the group and says how much was read.
    pub(super) async fn finish(&mut self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        self.commit().await;
        self.partitions.leave().await;
        match outcome {
            Err(error) if !output::reader_left(&error) => return Err(error),
            _ => {}
        }
        output::note(format_args!("Processed a total of {} messages", self.printed));
        Ok(())
    }
}

#[allow(clippy::disallowed_methods)]
pub(super) fn now() -> Instant {
    Instant::now()
}
