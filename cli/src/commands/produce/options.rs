//! The options of `barnabas produce` and `kafka-console-producer`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use barnabas_client::Cluster;
use barnabas_protocol::kafka::record_batch::Compression;
use clap::Args;

use super::line::LineFormat;
use crate::commands::connect::{ClientSettings, ConnectArgs, read_properties};
use crate::commands::topic::{key_value, property};
use crate::output;

#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  echo 'hello' | barnabas produce --topic greetings\n  \
    printf 'alice:1\\nbob:2\\n' | barnabas produce --topic t --property parse.key=true --property key.separator=:")]
pub(crate) struct ProduceArgs {
    /// The topic.
    #[arg(long, short)]
    pub(super) topic: String,
    /// Send to this partition; by default, it follows from the key, or is another for each batch.
    #[arg(long, short)]
    pub(super) partition: Option<i32>,
    /// How lines are parsed: parse.key, key.separator, parse.headers, headers.delimiter,
    /// headers.separator, headers.key.separator, null.marker, ignore.error.
    #[arg(long = "property", visible_alias = "reader-property", value_name = "KEY=VALUE", value_parser = property)]
    properties: Vec<(String, String)>,
    /// File with such properties.
    #[arg(long = "reader-config", value_name = "FILE")]
    reader_config: Option<PathBuf>,
    /// Only Kafka's LineMessageReader.
    #[arg(long, value_name = "CLASS", value_parser = line_reader, hide = true)]
    line_reader: Option<String>,
    /// Kafka's producer settings: acks, compression.type, linger.ms, batch.size,
    /// request.timeout.ms.
    #[arg(long = "producer-property", visible_alias = "command-property", value_name = "KEY=VALUE", value_parser = key_value)]
    producer_properties: Vec<(String, String)>,
    /// File with Kafka's producer settings.
    #[arg(long = "producer.config", value_name = "FILE")]
    producer_config: Option<PathBuf>,
    /// Compression: none, gzip (if no codec is given), snappy, lz4 or zstd.
    #[arg(long, value_name = "CODEC", num_args = 0..=1, default_missing_value = "gzip")]
    compression_codec: Option<String>,
    /// Acknowledgements to wait for: 0, 1, or -1 (all).
    #[arg(long, value_name = "ACKS", allow_hyphen_values = true)]
    request_required_acks: Option<String>,
    /// Size of a batch, in bytes.
    #[arg(long, visible_alias = "max-partition-memory-bytes", default_value_t = 16_384)]
    batch_size: usize,
    /// Milliseconds to wait for more lines before a batch is sent.
    #[arg(long, default_value_t = 5)]
    timeout: u64,
    /// Send each line on its own.
    #[arg(long)]
    sync: bool,
    /// Milliseconds that a broker may take to acknowledge a batch (request.timeout.ms).
    #[arg(long)]
    request_timeout_ms: Option<u64>,
    #[command(flatten)]
    connect: ConnectArgs,
    // Last, because its heading is also that of what comes after it.
    #[command(flatten)]
    tuning: Tuning,
}

/// Options that tune the client of Kafka's tool. This client has nothing to tune, and warns so.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options without effect, for commands written for Kafka")]
struct Tuning {
    /// Has no effect: a batch is retried for half a minute.
    #[arg(long, value_name = "MS")]
    max_block_ms: Option<u64>,
    /// Has no effect: a batch is retried for half a minute.
    #[arg(long, value_name = "N")]
    message_send_max_retries: Option<u32>,
    /// Has no effect: a batch is retried for half a minute.
    #[arg(long, value_name = "MS")]
    retry_backoff_ms: Option<u64>,
    /// Has no effect: each partition has one batch in memory.
    #[arg(long, value_name = "BYTES")]
    max_memory_bytes: Option<u64>,
    /// Has no effect: the operating system sizes buffers.
    #[arg(long, value_name = "BYTES")]
    socket_buffer_size: Option<u64>,
    /// Has no effect: leaders are looked up for each batch.
    #[arg(long, value_name = "MS")]
    metadata_expiry_ms: Option<u64>,
}

/// Accepts Kafka's line reader under the names of all its versions.
fn line_reader(class: &str) -> Result<String, String> {
    match class.rsplit(['.', '$']).next() {
        Some("LineMessageReader") => Ok(class.to_owned()),
        _ => Err("Java classes cannot be loaded, only LineMessageReader is built in".to_owned()),
    }
}

impl Tuning {
    fn warn(&self) {
        let options = [
            ("--max-block-ms", self.max_block_ms.is_some()),
            ("--message-send-max-retries", self.message_send_max_retries.is_some()),
            ("--retry-backoff-ms", self.retry_backoff_ms.is_some()),
            ("--max-memory-bytes", self.max_memory_bytes.is_some()),
            ("--socket-buffer-size", self.socket_buffer_size.is_some()),
            ("--metadata-expiry-ms", self.metadata_expiry_ms.is_some()),
        ];
        for (option, _) in options.iter().filter(|(_, given)| *given) {
            output::note(format_args!("WARN {option} has no effect here"));
        }
    }
}

/// The options and settings, parsed and checked.
pub(super) struct Settings {
    pub(super) format: LineFormat,
    pub(super) acks: i16,
    pub(super) compression: Compression,
    pub(super) linger: Duration,
    pub(super) batch_bytes: usize,
    pub(super) timeout_ms: i32,
}

impl ProduceArgs {
    /// The settings, and the cluster to produce to.
    pub(super) fn settings(&self) -> anyhow::Result<(Settings, Cluster)> {
        self.tuning.warn();
        let mut given = ClientSettings::new(&self.producer_properties);
        for file in self.producer_config.iter().chain(&self.connect.command_config) {
            given.add_file(file)?;
        }
        let (acks, codec) = (given.take("acks"), given.take("compression.type"));
        let mut number = |key: &str| {
            let number = given.take(key).map(|text| text.parse::<u64>()).transpose();
            number.with_context(|| format!("{key} must be a number"))
        };
        let linger_ms = number("linger.ms")?.unwrap_or(self.timeout);
        let batch_bytes = number("batch.size")?.map_or(self.batch_size, |n| n as usize);
        let timeout_ms = number("request.timeout.ms")?;
        let acks = self.request_required_acks.as_deref().or(acks.as_deref());
        let codec = self.compression_codec.as_deref().or(codec.as_deref());
        let settings = Settings {
            format: self.line_format()?,
            acks: acks_of(acks.unwrap_or("-1"))?,
            compression: compression_of(codec.unwrap_or("none"))?,
            linger: Duration::from_millis(linger_ms),
            batch_bytes: if self.sync { 0 } else { batch_bytes },
            timeout_ms: self.request_timeout_ms.or(timeout_ms).unwrap_or(30_000) as i32,
        };
        Ok((settings, self.connect.cluster_with(&mut given)?))
    }

    fn line_format(&self) -> anyhow::Result<LineFormat> {
        let mut properties = match &self.reader_config {
            Some(file) => read_properties(file)?.into_iter().collect(),
            None => Vec::new(),
        };
        properties.extend(self.properties.iter().cloned());
        LineFormat::new(&properties)
    }
}

/// Parses Kafka's names for acknowledgements.
pub(crate) fn acks_of(text: &str) -> anyhow::Result<i16> {
    Ok(match text {
        "0" => 0,
        "1" => 1,
        "-1" | "all" => -1,
        other => bail!("acks must be 0, 1 or -1 (all), not {other}"),
    })
}

/// Parses Kafka's name for a codec.
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
