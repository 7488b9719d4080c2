//! `barnabas produce` and `kafka-console-producer`: lines from standard input become records.

mod line;

use std::collections::{BTreeMap, HashMap};
use std::io::IsTerminal;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use barnabas_protocol::kafka::record_batch::{BatchBuilder, Compression};
use clap::{Args, Parser};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use self::line::{Line, LineFormat};
use super::connect::{ConnectArgs, block_on, read_properties};
use super::topic::key_value;
use crate::client::Cluster;
use crate::client::producer::{partition_for, produce};

/// Records in one batch at most, so that a pipe does not fill memory.
const BATCH_RECORDS: i32 = 10_000;

/// Options of `barnabas produce`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  echo 'hello' | barnabas produce --topic greetings\n  \
    printf 'alice:1\\nbob:2\\n' | barnabas produce --topic t --property parse.key=true --property key.separator=:")]
pub(crate) struct ProduceArgs {
    /// The topic.
    #[arg(long, short)]
    topic: String,
    /// One partition; without it, by key, or in turns.
    #[arg(long, short)]
    partition: Option<i32>,
    /// How lines are read: parse.key, key.separator, parse.headers, headers.delimiter, headers.separator,
    /// headers.key.separator, null.marker.
    #[arg(long = "property", visible_alias = "reader-property", value_name = "KEY=VALUE", value_parser = key_value)]
    properties: Vec<(String, String)>,
    /// Kafka's producer settings: acks, compression.type, linger.ms, batch.size, request.timeout.ms.
    #[arg(long = "producer-property", visible_alias = "command-property", value_name = "KEY=VALUE", value_parser = key_value)]
    producer_properties: Vec<(String, String)>,
    /// A file with Kafka's producer settings.
    #[arg(long = "producer.config", value_name = "FILE")]
    producer_config: Option<std::path::PathBuf>,
    /// Compress batches: none, gzip (when no codec is named), snappy, lz4 or zstd.
    #[arg(long, value_name = "CODEC", num_args = 0..=1, default_missing_value = "gzip")]
    compression_codec: Option<String>,
    /// 0, 1, or -1 (all).
    #[arg(long, value_name = "ACKS", allow_hyphen_values = true)]
    request_required_acks: Option<String>,
    /// Bytes in a batch.
    #[arg(long, default_value_t = 16_384)]
    batch_size: usize,
    /// How long to wait for more lines before a batch goes out, in ms.
    #[arg(long, default_value_t = 5)]
    timeout: u64,
    /// Send each line by itself.
    #[arg(long)]
    sync: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Parser)]
#[command(name = "kafka-console-producer", version, max_term_width = 100)]
struct Console {
    #[command(flatten)]
    args: ProduceArgs,
}

/// Runs `kafka-console-producer`.
pub(crate) fn run_console(arguments: Vec<String>) -> anyhow::Result<()> {
    run(Console::parse_from(arguments).args)
}

/// Runs `barnabas produce`.
pub(crate) fn run(args: ProduceArgs) -> anyhow::Result<()> {
    let settings = Settings::new(&args)?;
    block_on(async {
        let cluster = args.connect.cluster()?;
        let (_, topic) = cluster.topic(&args.topic, true).await?;
        let partitions = topic.partitions.len();
        Session { cluster: &cluster, args: &args, settings, partitions, turn: 0 }.run().await
    })
}

/// What the options come to.
struct Settings {
    format: LineFormat,
    acks: i16,
    compression: Compression,
    linger: Duration,
    batch_bytes: usize,
    timeout_ms: i32,
}

impl Settings {
    fn new(args: &ProduceArgs) -> anyhow::Result<Self> {
        let mut given = match &args.producer_config {
            Some(file) => read_properties(file)?,
            None => BTreeMap::new(),
        };
        given.extend(args.producer_properties.iter().cloned());
        let option = |key: &str| given.get(key).map(String::as_str);
        let acks = args.request_required_acks.as_deref().or_else(|| option("acks")).unwrap_or("-1");
        let codec = args.compression_codec.as_deref().or_else(|| option("compression.type"));
        let number = |key: &str| {
            option(key).map(str::parse::<u64>).transpose().with_context(|| key.to_owned())
        };
        Ok(Self {
            format: LineFormat::new(&args.properties)?,
            acks: acks_of(acks)?,
            compression: compression_of(codec.unwrap_or("none"))?,
            linger: Duration::from_millis(number("linger.ms")?.unwrap_or(args.timeout)),
            batch_bytes: if args.sync {
                0
            } else {
                number("batch.size")?.map_or(args.batch_size, |n| n as usize)
            },
            timeout_ms: number("request.timeout.ms")?.unwrap_or(30_000) as i32,
        })
    }
}

/// Acknowledgements by Kafka's names.
pub(crate) fn acks_of(text: &str) -> anyhow::Result<i16> {
    Ok(match text {
        "0" => 0,
        "1" => 1,
        "-1" | "all" => -1,
        other => bail!("acks must be 0, 1 or -1 (all), not {other}"),
    })
}

/// A codec by Kafka's name.
pub(crate) fn compression_of(name: &str) -> anyhow::Result<Compression> {
    Ok(match name {
        "none" | "uncompressed" => Compression::None,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        other => bail!("there is no compression codec {other}: none, gzip, snappy, lz4 or zstd"),
    })
}

struct Session<'a> {
    cluster: &'a Cluster,
    args: &'a ProduceArgs,
    settings: Settings,
    partitions: usize,
    /// Keyless records go to one partition after the other, a batch each.
    turn: usize,
}

impl Session<'_> {
    async fn run(&mut self) -> anyhow::Result<()> {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        let prompt = std::io::stdin().is_terminal();
        loop {
            if prompt {
                eprint!(">");
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

    /// Reads lines until a batch is full or no more come for a while; false at the end of the input.
    async fn collect(
        &self,
        lines: &mut Lines<BufReader<Stdin>>,
    ) -> anyhow::Result<(HashMap<i32, BatchBuilder>, bool)> {
        let mut batches = HashMap::new();
        let mut next = lines.next_line().await?;
        loop {
            let Some(text) = next else { return Ok((batches, false)) };
            if self.add(&mut batches, &text)? {
                return Ok((batches, true));
            }
            match tokio::time::timeout(self.settings.linger, lines.next_line()).await {
                Ok(line) => next = line?,
                Err(_) => return Ok((batches, true)),
            }
        }
    }

    /// Adds a line; true when its batch is full.
    fn add(&self, batches: &mut HashMap<i32, BatchBuilder>, text: &str) -> anyhow::Result<bool> {
        let Line { key, value, headers } = self.settings.format.parse(text)?;
        let partition = match (self.args.partition, key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partition_for(key.as_bytes(), self.partitions),
            (None, None) => (self.turn % self.partitions.max(1)) as i32,
        };
        let compression = self.settings.compression;
        let builder = batches.entry(partition).or_insert_with(|| BatchBuilder::new(compression));
        let headers: Vec<_> =
            headers.iter().map(|(key, value)| (key.as_bytes(), Some(value.as_bytes()))).collect();
        builder.push(now_ms(), key.map(str::as_bytes), value.map(str::as_bytes), &headers);
        Ok(builder.uncompressed_size() >= self.settings.batch_bytes
            || builder.records_count() >= BATCH_RECORDS)
    }
}

/// Records carry the time at which they are produced.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(-1, |since| since.as_millis() as i64)
}
