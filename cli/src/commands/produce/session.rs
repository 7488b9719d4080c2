//! Reads lines, collects them in batches and sends these.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use barnabas_client::Cluster;
use barnabas_client::producer::{partition_for, produce};
use barnabas_protocol::kafka::record_batch::BatchBuilder;
use tokio::io::{AsyncBufReadExt, BufReader, Split, Stdin};

use super::line::Line;
use super::options::{ProduceArgs, Settings};

/// The most records in a batch, so that a fast pipe does not fill memory.
const BATCH_RECORDS: i32 = 10_000;

pub(super) struct Session<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) args: &'a ProduceArgs,
    pub(super) settings: Settings,
    pub(super) partitions: usize,
    /// Counts batches: records without a key go to the partitions in turn, one batch each.
    pub(super) turn: usize,
}

impl Session<'_> {
    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        let mut lines = BufReader::new(tokio::io::stdin()).split(b'\n');
        let prompt = io::stdin().is_terminal();
        loop {
            if prompt {
                let _ = io::stderr().write_all(b">");
            }
            let (batches, more) = self.collect(&mut lines).await?;
            for (partition, builder) in batches {
                let batch = builder.build()?;
                let (topic, settings) = (&self.args.topic, &self.settings);
                produce(self.cluster, topic, partition, &batch, settings.acks, settings.timeout_ms)
                    .await
                    .with_context(|| {
                        format!("records for {topic}-{partition} were not accepted")
                    })?;
            }
            if !more {
                return Ok(());
            }
            self.turn += 1;
        }
    }

    /// Reads lines until a batch is full or no line has come for a while; false at the end of the
    /// input.
    async fn collect(
        &self,
        lines: &mut Split<BufReader<Stdin>>,
    ) -> anyhow::Result<(HashMap<i32, BatchBuilder>, bool)> {
        let mut batches = HashMap::new();
        let mut next = lines.next_segment().await?;
        loop {
            let Some(text) = next else { return Ok((batches, false)) };
            if self.add(&mut batches, &text)? {
                return Ok((batches, true));
            }
            match tokio::time::timeout(self.settings.linger, lines.next_segment()).await {
                Ok(line) => next = line?,
                Err(_) => return Ok((batches, true)),
            }
        }
    }

    /// Adds a line; true if its batch is full now.
    fn add(&self, batches: &mut HashMap<i32, BatchBuilder>, text: &[u8]) -> anyhow::Result<bool> {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let Line { key, value, headers } = self.settings.format.parse(text)?;
        let partition = match (self.args.partition, key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partition_for(key, self.partitions),
            (None, None) => (self.turn % self.partitions.max(1)) as i32,
        };
        let compression = self.settings.compression;
        let builder = batches.entry(partition).or_insert_with(|| BatchBuilder::new(compression));
        let headers: Vec<_> = headers.iter().map(|(key, value)| (*key, Some(*value))).collect();
        builder.push(now_ms(), key, value, &headers);
        Ok(builder.uncompressed_size() >= self.settings.batch_bytes
            || builder.records_count() >= BATCH_RECORDS)
    }
}

/// The timestamp of records that are produced now.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(-1, |since| since.as_millis() as i64)
}
