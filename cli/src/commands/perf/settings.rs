//! The options of `barnabas perf produce`.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use barnabas_protocol::kafka::record_batch::Compression;
use clap::Args;

use crate::commands::connect::{ClientSettings, ConnectArgs, Target};
use crate::commands::produce::{acks_of, compression_of};
use crate::commands::topic::key_value;
use crate::output::Format;

/// The options of Kafka's producer performance test, and shorter ones.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  \
    barnabas perf produce --topic t --partitions 3 --num-records 1000000 --record-size 1024 --batch-size 524288\n  \
    barnabas perf produce --topic t --num-records 100000 --record-size 100 --throughput 10000 --linger-ms 5\n\n\
    At full speed batches are always full. With --throughput a batch is sent when it is full or has waited for \
    linger.ms, and its latency counts from the time when it was due. MB are 2^20 bytes of record values.")]
pub(crate) struct ProduceArgs {
    /// The topic.
    #[arg(long, short)]
    pub(super) topic: String,
    /// Number of records to produce.
    #[arg(long)]
    pub(super) num_records: u64,
    /// Size of a record's value, in bytes.
    #[arg(long, default_value_t = 100)]
    pub(super) record_size: usize,
    /// Records per second; -1 for as many as possible.
    #[arg(long, default_value_t = -1.0, allow_negative_numbers = true)]
    throughput: f64,
    /// Kafka's producer settings: bootstrap.servers, acks, batch.size, linger.ms, compression.type,
    /// max.in.flight.requests.per.connection, enable.idempotence.
    #[arg(long, visible_alias = "command-property", value_name = "KEY=VALUE", num_args = 1.., value_parser = key_value)]
    producer_props: Vec<(String, String)>,
    /// File with Kafka's producer settings.
    #[arg(long = "producer.config", value_name = "FILE")]
    producer_config: Option<PathBuf>,
    /// Size of a batch, in bytes (batch.size); 1 for one record in each request [default: 16384].
    #[arg(long)]
    batch_size: Option<usize>,
    /// With --throughput: how long a batch may wait for more records (linger.ms) [default: 5].
    #[arg(long)]
    linger_ms: Option<u64>,
    /// 0, 1, or all [default: all].
    #[arg(long, allow_hyphen_values = true)]
    acks: Option<String>,
    /// none, gzip, snappy, lz4 or zstd [default: none].
    #[arg(long)]
    compression: Option<String>,
    /// Requests in flight to each broker [default: 5].
    #[arg(long)]
    max_in_flight: Option<usize>,
    /// Create the topic with this number of partitions, if it does not exist.
    #[arg(long)]
    pub(super) partitions: Option<i32>,
    /// Number batches like an idempotent producer.
    #[arg(long)]
    idempotent: bool,
    /// Output format.
    #[arg(long, short, value_enum, default_value_t)]
    pub(super) output: Format,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// The options and settings, parsed and checked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    /// Records per second; no limit if none.
    pub(super) throughput: Option<f64>,
    pub(super) batch_bytes: usize,
    pub(super) linger: Duration,
    pub(super) acks: i16,
    pub(super) compression: Compression,
    pub(super) max_in_flight: usize,
    pub(super) idempotent: bool,
}

impl ProduceArgs {
    /// The settings, and the cluster. Options win over settings, and settings over files.
    pub(super) fn settings(&self) -> anyhow::Result<(Settings, Target)> {
        let mut given = ClientSettings::new(&self.producer_props);
        for file in self.producer_config.iter().chain(&self.connect.command_config) {
            given.add_file(file)?;
        }
        let settings = self.settings_with(&mut given)?;
        Ok((settings, self.connect.target(&mut given)?))
    }

    fn settings_with(&self, given: &mut ClientSettings) -> anyhow::Result<Settings> {
        let mut number =
            |option: Option<u64>, key: &str, default: u64| match (option, given.take(key)) {
                (Some(number), _) => Ok(number),
                (None, Some(text)) => text.parse().with_context(|| format!("{key}={text}")),
                (None, None) => Ok(default),
            };
        let in_flight_key = "max.in.flight.requests.per.connection";
        let in_flight = number(self.max_in_flight.map(|n| n as u64), in_flight_key, 5)?;
        let batch_bytes = number(self.batch_size.map(|n| n as u64), "batch.size", 16_384)?;
        let linger_ms = number(self.linger_ms, "linger.ms", 5)?;
        let (acks, codec) = (given.take("acks"), given.take("compression.type"));
        let acks = acks_of(self.acks.as_deref().or(acks.as_deref()).unwrap_or("all"))?;
        let codec = self.compression.as_deref().or(codec.as_deref()).unwrap_or("none");
        let idempotence = given.take("enable.idempotence");
        let idempotent = self.idempotent || idempotence.is_some_and(|value| value == "true");
        ensure!(in_flight > 0, "at least one request must be in flight (--max-in-flight)");
        if idempotent && (acks != -1 || in_flight > 5) {
            bail!("an idempotent producer needs acks=all and at most 5 requests in flight");
        }
        Ok(Settings {
            throughput: Some(self.throughput).filter(|rate| *rate > 0.0),
            batch_bytes: batch_bytes as usize,
            linger: Duration::from_millis(linger_ms),
            acks,
            compression: compression_of(codec)?,
            max_in_flight: in_flight as usize,
            idempotent,
        })
    }
}

impl Settings {
    /// The most records in a batch if records are spread over this many partitions: those that
    /// arrive while the batch waits.
    pub(super) fn most_records(&self, partitions: usize) -> u64 {
        self.throughput.map_or(u64::MAX, |rate| {
            ((rate * self.linger.as_secs_f64() / partitions.max(1) as f64) as u64).max(1)
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ProduceArgs,
    }

    fn parse(line: &str) -> ProduceArgs {
        let words = ["perf", "--topic", "t", "--num-records", "9"].into_iter();
        Line::parse_from(words.chain(line.split_whitespace())).args
    }

    #[test]
    fn flags_of_kafkas_tool() {
        let args = parse(
            "--throughput -1 --record-size 1024 --producer-props bootstrap.servers=h:1 acks=1 batch.size=99 linger.ms=7",
        );
        let (settings, _) = args.settings().expect("settings");
        assert_eq!((settings.acks, settings.batch_bytes, settings.throughput), (1, 99, None));
        assert_eq!(settings.linger, Duration::from_millis(7));
    }

    #[test]
    fn options_go_over_settings() {
        let args =
            parse("--acks all --batch-size 5 --idempotent --producer-props acks=0 batch.size=9");
        let (settings, _) = args.settings().expect("settings");
        assert_eq!((settings.acks, settings.batch_bytes), (-1, 5));
        assert!(settings.idempotent);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for line in [
            "--idempotent --acks 1",
            "--idempotent --max-in-flight 6",
            "--max-in-flight 0",
            "--compression zip",
            "--producer-props batch.size=many",
            "--producer-props security.protocol=SSL",
        ] {
            assert!(parse(line).settings().is_err(), "{line}");
        }
    }

    #[test]
    fn lingering_bounds_batches_at_a_steady_rate() {
        let most =
            |line, partitions| parse(line).settings().expect("settings").0.most_records(partitions);
        assert_eq!(most("", 1), u64::MAX);
        assert_eq!(most("--throughput 10000 --linger-ms 5", 1), 50);
        assert_eq!(most("--throughput 10000 --linger-ms 5", 10), 5);
        assert_eq!(most("--throughput 10000 --linger-ms 0", 1), 1);
    }
}
