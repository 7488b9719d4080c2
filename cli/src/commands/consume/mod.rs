//! `barnabas consume` and `kafka-console-consumer`: records to standard output.

mod deserializer;
mod format;
mod group;
mod options;
mod start;

use std::future;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use barnabas_client::Cluster;
use barnabas_client::consumer::{FetchLimits, Reader};
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::PartitionData;
use barnabas_protocol::kafka::record_batch::{DecompressLimits, RecordBatch};
use clap::Parser;
use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;

pub(crate) use self::options::ConsumeArgs;
use self::options::Settings;
use super::connect::{block_on, parse_as_kafka};
use super::topic::pattern;
use crate::output;

/// How often a group's offsets are committed.
const COMMIT_EVERY: Duration = Duration::from_secs(5);
/// How long a broker may wait for records.
const MAX_WAIT_MS: i32 = 250;

/// Print the records of a topic.
#[derive(Debug, Parser)]
#[command(name = "kafka-console-consumer", version, max_term_width = 100)]
struct Console {
    #[command(flatten)]
    args: ConsumeArgs,
}

/// Runs `kafka-console-consumer`.
pub(crate) fn run_console(arguments: Vec<String>) -> anyhow::Result<()> {
    run(parse_as_kafka::<Console>(arguments).args)
}

/// Runs `barnabas consume`.
pub(crate) fn run(args: ConsumeArgs) -> anyhow::Result<()> {
    let (settings, cluster) = args.settings()?;
    block_on(async {
        let mut session = Session::new(&cluster, &args, settings).await?;
        let outcome = tokio::select! {
            outcome = session.read() => outcome,
            _ = tokio::signal::ctrl_c() => Ok(()),
            () = nobody_reads() => Ok(()),
        };
        session.finish(outcome).await
    })
}

/// Waits until the other end of the pipe is gone that the records go into (`| head -1`): without a record to write,
/// that would not be noticed.
async fn nobody_reads() {
    let pipe = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    match pipe {
        // An error of the other end is all that is waited for: nothing is written through this.
        Ok(pipe) if pipe.ready(Interest::ERROR).await.is_ok() => {}
        // A file, or closed from the start.
        _ => future::pending().await,
    }
}

struct Session<'a> {
    cluster: &'a Cluster,
    args: &'a ConsumeArgs,
    settings: Settings,
    readers: Vec<Reader<'a>>,
    printed: u64,
    committed: Instant,
}

impl<'a> Session<'a> {
    async fn new(
        cluster: &'a Cluster,
        args: &'a ConsumeArgs,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let topics = match (&args.topic, &args.include) {
            (Some(topic), _) => vec![topic.clone()],
            (None, include) => {
                let include = include.as_deref().unwrap_or_default();
                let topics = pattern::included(cluster, include).await?;
                if topics.is_empty() {
                    bail!("no topic matches {include}");
                }
                topics
            }
        };
        let limits = FetchLimits {
            max_bytes: 4 << 20,
            max_wait_ms: MAX_WAIT_MS / topics.len() as i32,
            read_committed: settings.read_committed,
        };
        let mut session =
            Self { cluster, args, settings, readers: Vec::new(), printed: 0, committed: now() };
        for topic in topics {
            let mut reader = Reader::new(cluster, &topic, limits).await?;
            session.place(&mut reader).await?;
            session.readers.push(reader);
        }
        Ok(session)
    }

    /// Finds where to begin in each partition.
    async fn place(&self, reader: &mut Reader<'_>) -> anyhow::Result<()> {
        let topic = reader.topic().to_owned();
        let partitions = match self.args.partition {
            Some(one) if reader.partitions().contains(&one) => vec![one],
            Some(one) => bail!("{topic} has no partition {one}"),
            None => reader.partitions(),
        };
        let stored = match &self.settings.group {
            Some(group) => group::committed(self.cluster, group, &topic, &partitions).await?,
            None => Default::default(),
        };
        for index in partitions {
            let offset = match (self.args.offset, stored.get(&index)) {
                (None, Some(stored)) => *stored,
                (start, _) => {
                    start.unwrap_or(self.settings.default_start).resolve(reader, index).await?
                }
            };
            reader.positions.insert(index, offset);
        }
        Ok(())
    }

    /// Reads until there is enough, nothing more comes, or nobody reads the output.
    async fn read(&mut self) -> anyhow::Result<()> {
        let patience = self.args.timeout_ms.map(Duration::from_millis);
        let mut last = now();
        while !self.enough() {
            let before = self.printed;
            for at in 0..self.readers.len() {
                let fetched = self.poll(at).await?;
                let mut out = io::BufWriter::new(io::stdout().lock());
                for data in fetched {
                    self.print_all(&mut out, at, data)?;
                }
                out.flush()?;
            }
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

    /// Fetches for one reader. A broker that goes away is waited for, and offsets that it does not have (any more) are
    /// given up for those where reading begins by default, as Kafka's consumers do.
    async fn poll(&mut self, at: usize) -> anyhow::Result<Vec<PartitionData>> {
        let reader = &mut self.readers[at];
        let mut fetched = match reader.poll().await {
            Err(error) if error.is_retriable() => {
                let error = anyhow::Error::from(error);
                output::note(format_args!("WARN {error:#}; trying again"));
                reader.refresh().await?;
                return Ok(Vec::new());
            }
            fetched => fetched?,
        };
        for data in fetched.extract_if(.., |d| d.error_code == ErrorCode::OffsetOutOfRange) {
            let (index, start) = (data.partition_index, self.settings.default_start);
            let offset = start.resolve(reader, index).await?;
            let gone = reader.positions.insert(index, offset).unwrap_or_default();
            let topic = reader.topic();
            output::note(format_args!(
                "WARN {topic}-{index} does not have offset {gone}, reading goes on at {offset}"
            ));
        }
        Ok(fetched)
    }

    fn enough(&self) -> bool {
        self.args.max_messages.is_some_and(|max| self.printed >= max)
    }

    fn print_all(
        &mut self,
        out: &mut dyn Write,
        at: usize,
        data: PartitionData,
    ) -> anyhow::Result<()> {
        let records = data.records.map(|records| records.to_bytes()).unwrap_or_default();
        for batch in RecordBatch::split_all(records) {
            self.print(out, at, data.partition_index, &batch?)?;
        }
        Ok(())
    }

    fn print(
        &mut self,
        out: &mut dyn Write,
        at: usize,
        index: i32,
        batch: &RecordBatch,
    ) -> anyhow::Result<()> {
        let position = self.readers[at].positions[&index];
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
                let reader = &mut self.readers[at];
                reader.positions.insert(index, offset + 1);
                let formatter = &self.settings.formatter;
                match formatter.write(out, reader.topic(), index, &batch.header, &record) {
                    Err(error)
                        if self.args.skip_message_on_error && !output::reader_left(&error) =>
                    {
                        output::note(format_args!("ERROR offset {offset} is left out: {error:#}"));
                    }
                    written => written.with_context(|| format!("{}-{index}", reader.topic()))?,
                }
            }
        }
        let next = batch.header.next_offset().0.max(position);
        self.readers[at].positions.insert(index, next);
        Ok(())
    }

    async fn commit(&mut self) -> anyhow::Result<()> {
        self.committed = now();
        if let Some(group) = self.settings.group.as_ref().filter(|_| self.settings.commits) {
            for reader in &self.readers {
                group::commit(self.cluster, group, reader.topic(), &reader.positions).await?;
            }
        }
        Ok(())
    }

    async fn finish(&mut self, outcome: anyhow::Result<()>) -> anyhow::Result<()> {
        match outcome {
            Err(error) if !output::reader_left(&error) => return Err(error),
            _ => {}
        }
        self.commit().await?;
        output::note(format_args!("Processed a total of {} messages", self.printed));
        Ok(())
    }
}

#[allow(clippy::disallowed_methods)]
fn now() -> Instant {
    Instant::now()
}
