//! What is measured: the list of workloads, as data, and how each kind is run against one broker.

mod produce;
mod read;

use crate::load::{Load, Outcome, Perf};
use crate::peers::Broker;
use crate::proc::{Memory, Usage};
use crate::report::Sample;

pub(crate) use produce::Produce;
pub(crate) use read::Read;

/// What runs the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generator {
    /// `barnabas perf`: the lightest.
    Perf,
    /// librdkafka, as kcat.
    Kcat,
}

/// What cost is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    Gigabyte,
    MillionRecords,
    Request,
}

/// Something to measure.
#[derive(Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    /// For people, in a line.
    pub(crate) about: &'static str,
    pub(crate) plan: Plan,
}

/// How it is done.
#[derive(Debug)]
pub(crate) enum Plan {
    Produce(Produce),
    Read(Read),
}

impl Plan {
    /// Gets a fresh broker ready; not measured.
    pub(crate) fn prepare(&self, context: &Context, broker: &Broker) -> anyhow::Result<()> {
        match self {
            Self::Produce(_) => Ok(()),
            Self::Read(read) => read.prepare(context, broker),
        }
    }

    /// Measures once. The first time on each broker is to warm it up, and does not count.
    pub(crate) fn measure(&self, context: &Context, broker: &mut Broker) -> anyhow::Result<Sample> {
        match self {
            Self::Produce(produce) => produce.measure(context, broker),
            Self::Read(read) => read.measure(context, broker),
        }
    }
}

/// What a run of a workload has to know besides its broker.
#[derive(Debug)]
pub(crate) struct Context {
    /// The `barnabas` binary, for `barnabas perf`.
    pub(crate) program: std::path::PathBuf,
    /// The share of each workload's load that is to be run: 1.0 for all.
    pub(crate) scale: f64,
    /// A number of its own for each measurement, to name topics.
    pub(crate) turn: std::cell::Cell<u32>,
}

impl Context {
    /// A name that no topic has yet.
    fn topic(&self) -> String {
        self.turn.set(self.turn.get() + 1);
        format!("load-{}", self.turn.get())
    }

    fn scaled(&self, load: Load) -> Load {
        Load { records: ((load.records as f64 * self.scale) as u64).max(1), ..load }
    }

    fn generate(
        &self,
        broker: &Broker,
        topic: &str,
        load: Load,
        generator: Generator,
    ) -> anyhow::Result<Outcome> {
        match generator {
            Generator::Perf => {
                let args = load.perf_args();
                Perf::start(&self.program, &broker.bootstrap(), "produce", topic, &args)?.finish()
            }
            Generator::Kcat => load.kcat(&broker.bootstrap(), topic),
        }
    }
}

/// Runs `work` and takes down what it cost the broker.
fn cost(
    broker: &Broker,
    work: impl FnOnce() -> anyhow::Result<Outcome>,
) -> anyhow::Result<(Outcome, Usage)> {
    let before = Usage::settled(broker.pid())?;
    let outcome = work()?;
    Ok((outcome, Usage::settled(broker.pid())? - before))
}

/// The numbers of one run.
fn sample(broker: &Broker, per: Per, outcome: &Outcome, used: &Usage) -> anyhow::Result<Sample> {
    let mut sample = Sample::default();
    let (units, rate, cpu, system) = match per {
        Per::Gigabyte => {
            sample.put("MB/s", outcome.bytes / 1e6 / outcome.seconds);
            (outcome.bytes / 1e9, None, "CPU-s/GB", "of it in the kernel, s/GB")
        }
        Per::MillionRecords => (
            outcome.records / 1e6,
            Some("records/s"),
            "CPU-s/M records",
            "of it in the kernel, s/M records",
        ),
        Per::Request => (
            outcome.records / 1e6,
            Some("requests/s"),
            "CPU-µs/request",
            "of it in the kernel, µs/request",
        ),
    };
    if let Some(rate) = rate {
        sample.put(rate, outcome.records / outcome.seconds);
    }
    sample.put(cpu, used.cpu_s() / units);
    sample.put(system, used.system_s / units);
    let memory = Memory::of(broker.pid())?;
    sample.put("RSS MB", memory.resident / 1e6);
    sample.put("RSS without files MB", memory.own / 1e6);
    Ok(sample)
}

/// All workloads, in the order in which they run.
pub(crate) fn all() -> Vec<Workload> {
    let bulk = Load {
        records: 2_000_000,
        record_bytes: 1024,
        batch_bytes: 512 << 10,
        linger_ms: 20,
        in_flight: 5,
        rate: None,
    };
    let small =
        Load { records: 10_000_000, record_bytes: 100, batch_bytes: 16_384, linger_ms: 5, ..bulk };
    let single = Load { records: 100_000, batch_bytes: 1, linger_ms: 0, in_flight: 1000, ..small };
    let produce = |load, per, generator| {
        Plan::Produce(Produce { load, partitions: 10, configs: &[], per, generator })
    };
    let read = |cold, generator| Plan::Read(Read { load: bulk, cold, generator });
    let workload = |name, about, plan| Workload { name, about, plan };
    use Generator::{Kcat, Perf};
    use Per::{Gigabyte, MillionRecords, Request};
    vec![
        workload(
            "produce-1k",
            "1 KiB records in batches of 512 KiB, 10 partitions, acks=1",
            produce(bulk, Gigabyte, Perf),
        ),
        workload(
            "produce-1k-librdkafka",
            "the same through librdkafka (linger 20 ms, batches up to 1 MB)",
            produce(Load { batch_bytes: 1_000_000, ..bulk }, Gigabyte, Kcat),
        ),
        workload(
            "produce-100b",
            "100 B records in batches of 16 KiB, 10 partitions, acks=1",
            produce(small, MillionRecords, Perf),
        ),
        workload(
            "produce-100b-librdkafka",
            "100 B records through librdkafka, linger 5 ms",
            produce(Load { batch_bytes: 1_000_000, ..small }, MillionRecords, Kcat),
        ),
        workload(
            "unbatched",
            "one 100 B record in each request, 1000 in flight, 10 partitions, acks=1",
            produce(single, Request, Perf),
        ),
        workload(
            "unbatched-librdkafka",
            "the same through librdkafka (linger 0)",
            produce(single, Request, Kcat),
        ),
        workload(
            "fetch-warm",
            "catch-up read of 2 GB of 1 KiB records, read before",
            read(false, Perf),
        ),
        workload(
            "fetch-cold",
            "catch-up read of 2 GB after a restart, not in the page cache",
            read(true, Perf),
        ),
        workload(
            "fetch-warm-librdkafka",
            "catch-up read of 2 GB through librdkafka",
            read(false, Kcat),
        ),
    ]
}
