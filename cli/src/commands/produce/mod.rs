//! `barnabas produce` and `kafka-console-producer`: lines from standard input become records.

mod line;

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use barnabas_client::Cluster;
use barnabas_client::producer::{partition_for, produce};
use barnabas_protocol::kafka::record_batch::{BatchBuilder, Compression};
use clap::{Args, Parser};
use tokio::io::{AsyncBufReadExt, BufReader, Split, Stdin};

use self::line::{Line, LineFormat};
use super::connect::{ClientSettings, ConnectArgs, block_on, parse_as_kafka, read_properties};
use super::topic::{key_value, property};

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
    /// headers.key.separator, null.marker, ignore.error.
    #[arg(long = "property", visible_alias = "reader-property", value_name = "KEY=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// A file with such properties.
    #[arg(long = "reader-config", value_name = "FILE")]
    reader_config: Option<PathBuf>,
    /// Only Kafka's LineMessageReader.
    #[arg(long, value_name = "CLASS", value_parser = line_reader, hide = true)]
    line_reader: Option<String>,
    /// Kafka's producer settings: acks, compression.type, linger.ms, batch.size, request.timeout.ms.
    #[arg(long = "producer-property", visible_alias = "command-property", value_name = "KEY=VALUE", value_parser = key_value)]
    producer_properties: Vec<(String, String)>,
    /// A file with Kafka's producer settings.
    #[arg(long = "producer.config", value_name = "FILE")]
    producer_config: Option<PathBuf>,
    /// Compress batches: none, gzip (when no codec is named), snappy, lz4 or zstd.
    #[arg(long, value_name = "CODEC", num_args = 0..=1, default_missing_value = "gzip")]
    compression_codec: Option<String>,
    /// 0, 1, or -1 (all).
    #[arg(long, value_name = "ACKS", allow_hyphen_values = true)]
    request_required_acks: Option<String>,
    /// Bytes in a batch.
    #[arg(long, visible_alias = "max-partition-memory-bytes", default_value_t = 16_384)]
    batch_size: usize,
    /// How long to wait for more lines before a batch goes out, in ms.
    #[arg(long, default_value_t = 5)]
    timeout: u64,
    /// Send each line by itself.
    #[arg(long)]
    sync: bool,
    /// How long a broker may take to acknowledge a batch, in ms (request.timeout.ms).
    #[arg(long)]
    request_timeout_ms: Option<u64>,
    #[command(flatten)]
    tuning: Tuning,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Options of Kafka's tool that tune its client. There is nothing here to tune by them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Without an effect, for commands written for Kafka")]
struct Tuning {
    /// Each batch is tried again for half a minute.
    #[arg(long, value_name = "MS")]
    max_block_ms: Option<u64>,
    /// See --max-block-ms.
    #[arg(long, value_name = "N")]
    message_send_max_retries: Option<u32>,
    /// See --max-block-ms.
    #[arg(long, value_name = "MS")]
    retry_backoff_ms: Option<u64>,
    /// One batch of each partition waits at a time.
    #[arg(long, value_name = "BYTES")]
    max_memory_bytes: Option<u64>,
    /// The operating system sizes buffers.
    #[arg(long, value_name = "BYTES")]
    socket_buffer_size: Option<u64>,
    /// Leaders are asked for as they are needed.
    #[arg(long, value_name = "MS")]
    metadata_expiry_ms: Option<u64>,
}

/// Write lines from standard input to a topic.
#[derive(Debug, Parser)]
#[command(name = "kafka-console-producer", version, max_term_width = 100)]
struct Console {
    #[command(flatten)]
    args: ProduceArgs,
}

/// Runs `kafka-console-producer`.
pub(crate) fn run_console(arguments: Vec<String>) -> anyhow::Result<()> {
    run(parse_as_kafka::<Console>(arguments).args)
}

/// Runs `barnabas produce`.
pub(crate) fn run(args: ProduceArgs) -> anyhow::Result<()> {
    let mut given = ClientSettings::new(&args.producer_properties);
    for file in args.producer_config.iter().chain(&args.connect.command_config) {
        given.add_file(file)?;
    }
    let settings = Settings::new(&args, &mut given)?;
    let cluster = args.connect.cluster_with(&mut given)?;
    block_on(async {
        let partitions = cluster.topic(&args.topic, true).await?.len();
        if let Some(one) = args.partition.filter(|one| !(0..partitions as i32).contains(one)) {
            bail!("{} has no partition {one}: it has {partitions}, from 0", args.topic);
        }
        Session { cluster: &cluster, args: &args, settings, partitions, turn: 0 }.run().await
    })
}

/// The only reader of lines that there is, by its names in Kafka's versions.
fn line_reader(class: &str) -> Result<String, String> {
    match class.rsplit(['.', '$']).next() {
        Some("LineMessageReader") => Ok(class.to_owned()),
        _ => Err("Java classes cannot be loaded: only LineMessageReader is there".to_owned()),
    }
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
    fn new(args: &ProduceArgs, given: &mut ClientSettings) -> anyhow::Result<Self> {
        let (acks, codec) = (given.take("acks"), given.take("compression.type"));
        let mut number = |key: &str| {
            let number = given.take(key).map(|text| text.parse::<u64>()).transpose();
            number.with_context(|| format!("{key} is a number"))
        };
        let linger_ms = number("linger.ms")?.unwrap_or(args.timeout);
        let batch_bytes = number("batch.size")?.map_or(args.batch_size, |n| n as usize);
        let timeout_ms = number("request.timeout.ms")?;
        let mut properties = match &args.reader_config {
            Some(file) => read_properties(file)?.into_iter().collect(),
            None => Vec::new(),
        };
        properties.extend(args.properties.iter().cloned());
        Ok(Self {
            format: LineFormat::new(&properties)?,
            acks: acks_of(
                args.request_required_acks.as_deref().or(acks.as_deref()).unwrap_or("-1"),
            )?,
            compression: compression_of(
                args.compression_codec.as_deref().or(codec.as_deref()).unwrap_or("none"),
            )?,
            linger: Duration::from_millis(linger_ms),
            batch_bytes: if args.sync { 0 } else { batch_bytes },
            timeout_ms: args.request_timeout_ms.or(timeout_ms).unwrap_or(30_000) as i32,
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

    /// Reads lines until a batch is full or no more come for a while; false at the end of the input.
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

    /// Adds a line; true when its batch is full.
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

/// Records carry the time at which they are produced.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(-1, |since| since.as_millis() as i64)
}
