//! `barnabas consume` and `kafka-console-consumer`: records to standard output.

mod format;
mod group;
mod start;

use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

use anyhow::bail;
use barnabas_protocol::kafka::record_batch::{BatchHeader, DecompressLimits, Record, RecordBatch};
use clap::{Args, Parser};

use self::format::Formatter;
use self::start::Start;
use super::connect::{ConnectArgs, block_on};
use super::topic::key_value;
use crate::client::Cluster;
use crate::client::consumer::{FetchLimits, Reader};

/// How often a group's offsets are committed.
const COMMIT_EVERY: Duration = Duration::from_secs(5);

/// Options of `barnabas consume`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  barnabas consume --topic greetings --from-beginning\n  \
    barnabas consume --topic orders --offset -10 -f '%t-%p@%o %k=%v\\n'\n  \
    barnabas consume --topic orders --offset @2026-01-01T00:00 --output json")]
pub(crate) struct ConsumeArgs {
    /// The topic.
    #[arg(long, short)]
    topic: String,
    /// This partition only.
    #[arg(long, short)]
    partition: Option<i32>,
    /// Begin with the first record there is, unless the group has a committed offset.
    #[arg(long)]
    from_beginning: bool,
    /// Where to begin: earliest, latest, an offset, -N for the last N records, @TIME (UTC).
    #[arg(long, allow_hyphen_values = true, value_parser = Start::parse)]
    offset: Option<Start>,
    /// Stop after this many records.
    #[arg(long, short = 'n')]
    max_messages: Option<u64>,
    /// Stop when no record has come for this long, in ms.
    #[arg(long)]
    timeout_ms: Option<u64>,
    /// Begin at the offsets that this group has committed, and commit what was read.
    #[arg(long, short)]
    group: Option<String>,
    /// read_uncommitted or read_committed.
    #[arg(long, default_value = "read_uncommitted")]
    isolation_level: String,
    /// What to print: print.key, print.value, print.timestamp, print.offset, print.partition, print.headers,
    /// key.separator, line.separator, headers.separator, null.literal.
    #[arg(long = "property", visible_alias = "formatter-property", value_name = "KEY=VALUE", value_parser = key_value)]
    properties: Vec<(String, String)>,
    /// Kafka's consumer settings: group.id, auto.offset.reset, isolation.level.
    #[arg(long = "consumer-property", visible_alias = "command-property", value_name = "KEY=VALUE", value_parser = key_value)]
    consumer_properties: Vec<(String, String)>,
    /// A pattern for each record: %t topic, %p partition, %o offset, %k key, %v value, %h headers,
    /// %T timestamp; \n and \t.
    #[arg(long, short)]
    format: Option<String>,
    /// `json` prints an object for each record.
    #[arg(long, value_parser = ["json"])]
    output: Option<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Debug, Parser)]
#[command(name = "kafka-console-consumer", version, max_term_width = 100)]
struct Console {
    #[command(flatten)]
    args: ConsumeArgs,
}

/// Runs `kafka-console-consumer`.
pub(crate) fn run_console(arguments: Vec<String>) -> anyhow::Result<()> {
    run(Console::parse_from(arguments).args)
}

/// Runs `barnabas consume`.
pub(crate) fn run(mut args: ConsumeArgs) -> anyhow::Result<()> {
    for (key, value) in std::mem::take(&mut args.consumer_properties) {
        match key.as_str() {
            "group.id" => args.group = Some(value),
            "auto.offset.reset" => args.from_beginning |= value == "earliest",
            "isolation.level" => args.isolation_level = value,
            other => bail!("the consumer setting {other} is not supported by this tool"),
        }
    }
    let read_committed = match args.isolation_level.as_str() {
        "read_committed" => true,
        "read_uncommitted" => false,
        other => bail!("there is no isolation level {other}"),
    };
    let formatter =
        Formatter::new(&args.properties, args.format.as_deref(), args.output.is_some())?;
    block_on(async {
        let cluster = args.connect.cluster()?;
        let limits = FetchLimits { max_bytes: 4 << 20, max_wait_ms: 250, read_committed };
        let mut session = Session::new(&cluster, &args, limits, formatter).await?;
        let outcome = tokio::select! {
            outcome = session.read() => outcome,
            _ = tokio::signal::ctrl_c() => Ok(()),
        };
        session.finish(outcome).await
    })
}

struct Session<'a> {
    cluster: &'a Cluster,
    args: &'a ConsumeArgs,
    reader: Reader<'a>,
    formatter: Formatter,
    printed: u64,
    committed: Instant,
}

impl<'a> Session<'a> {
    async fn new(
        cluster: &'a Cluster,
        args: &'a ConsumeArgs,
        limits: FetchLimits,
        formatter: Formatter,
    ) -> anyhow::Result<Self> {
        let mut reader = Reader::new(cluster, &args.topic, limits).await?;
        let partitions = match args.partition {
            Some(one) if reader.partitions().contains(&one) => vec![one],
            Some(one) => bail!("{} has no partition {one}", args.topic),
            None => reader.partitions(),
        };
        let stored = match &args.group {
            Some(group) => group::committed(cluster, group, &args.topic, &partitions).await?,
            None => Default::default(),
        };
        let default = if args.from_beginning { Start::Earliest } else { Start::Latest };
        for index in partitions {
            let offset = match (args.offset, stored.get(&index)) {
                (None, Some(stored)) => *stored,
                (start, _) => start.unwrap_or(default).resolve(&reader, index).await?,
            };
            reader.positions.insert(index, offset);
        }
        Ok(Self { cluster, args, reader, formatter, printed: 0, committed: now() })
    }

    /// Reads until there is enough, nothing more comes, or nobody reads the output.
    async fn read(&mut self) -> anyhow::Result<()> {
        let patience = self.args.timeout_ms.map(Duration::from_millis);
        let mut last = now();
        while !self.enough() {
            let before = self.printed;
            let fetched = self.reader.poll().await?;
            let mut out = io::BufWriter::new(io::stdout().lock());
            for data in fetched {
                let records = data.records.map(|records| records.to_bytes()).unwrap_or_default();
                for batch in RecordBatch::split_all(records) {
                    self.print(&mut out, data.partition_index, &batch?)?;
                }
            }
            out.flush()?;
            drop(out);
            if self.printed > before {
                last = now();
            } else if patience.is_some_and(|patience| last.elapsed() >= patience) {
                return Ok(());
            }
            if self.committed.elapsed() >= COMMIT_EVERY {
                self.commit().await?;
            }
        }
        Ok(())
    }

    fn enough(&self) -> bool {
        self.args.max_messages.is_some_and(|max| self.printed >= max)
    }

    fn print(
        &mut self,
        out: &mut dyn Write,
        index: i32,
        batch: &RecordBatch,
    ) -> anyhow::Result<()> {
        let position = self.reader.positions[&index];
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
                self.write(out, index, &batch.header, &record)?;
                self.reader.positions.insert(index, offset + 1);
            }
        }
        let next = batch.header.next_offset().0.max(position);
        self.reader.positions.insert(index, next);
        Ok(())
    }

    fn write(
        &mut self,
        out: &mut dyn Write,
        index: i32,
        header: &BatchHeader,
        record: &Record,
    ) -> io::Result<()> {
        self.printed += 1;
        self.formatter.write(out, &self.args.topic, index, header, record)
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        self.committed = now();
        if let Some(group) = &self.args.group {
            group::commit(self.cluster, group, &self.args.topic, &self.reader.positions).await?;
        }
        Ok(())
    }

    async fn finish(&mut self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        let closed = |error: &anyhow::Error| {
            error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
        };
        match outcome {
            Err(error) if !closed(&error) => return Err(error),
            _ => {}
        }
        self.commit().await?;
        eprintln!("Processed a total of {} messages", self.printed);
        Ok(())
    }
}

#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
