//! What is measured: the kinds of workloads, and what they share. `list.rs` is the list itself.

mod list;
mod many;
mod produce;
mod read;
mod still;
mod tail;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::load::{Load, Outcome, Perf};
use crate::peers::Broker;
use crate::proc::{Memory, Usage};
use crate::report::Sample;

pub(crate) use list::all;

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
    Produce(produce::Produce),
    Read(read::Read),
    Tail(tail::Tail),
    EndToEnd(tail::EndToEnd),
    Many(many::Many),
    Idle(still::Idle),
    Connections(still::Connections),
}

impl Plan {
    /// Whether each measurement wants a broker that was just started on an empty folder. Otherwise
    /// one broker serves all, and the first measurement is to warm it up.
    pub(crate) fn wants_fresh(&self) -> bool {
        matches!(self, Self::Many(_) | Self::Idle(_) | Self::Connections(_))
    }

    /// What it needs and this machine does not have.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        let is_kcat = |generator: &Generator| *generator == Generator::Kcat;
        let (kcat, root) = match self {
            Self::Produce(produce) => (is_kcat(&produce.generator), false),
            Self::Read(read) => (is_kcat(&read.generator), read.cold),
            _ => (false, false),
        };
        if kcat && !runs("kcat", "-V") {
            Some("kcat is not installed (scripts/setup.sh test)")
        } else if root && !read::may_drop_page_cache() {
            Some("only root may drop the page cache, in a machine that lets it")
        } else {
            None
        }
    }

    /// Gets a fresh broker ready; not measured.
    pub(crate) fn prepare(&self, context: &Context, broker: &Broker) -> anyhow::Result<()> {
        match self {
            Self::Read(read) => read.prepare(context, broker),
            _ => Ok(()),
        }
    }

    /// Measures once.
    pub(crate) fn measure(&self, context: &Context, broker: &mut Broker) -> anyhow::Result<Sample> {
        match self {
            Self::Produce(produce) => produce.measure(context, broker),
            Self::Read(read) => read.measure(context, broker),
            Self::Tail(tail) => tail.measure(context, broker),
            Self::EndToEnd(latency) => latency.measure(context, broker),
            Self::Many(many) => many.measure(context, broker),
            Self::Idle(idle) => idle.measure(broker),
            Self::Connections(connections) => connections.measure(context, broker),
        }
    }
}

fn runs(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What a run of a workload has to know besides its broker.
#[derive(Debug)]
pub(crate) struct Context {
    /// The `barnabas` binary, for `barnabas perf`.
    program: PathBuf,
    /// The share of each workload's load that is to be run: 1.0 for all.
    scale: f64,
    /// Records a second for the workloads that have a steady rate, if it shall not be theirs.
    rate: Option<u64>,
    /// A number for each topic, to name it.
    turn: Cell<u32>,
}

impl Context {
    /// For loads of this share and rate, made with the `barnabas` binary.
    pub(crate) fn new(program: &Path, scale: f64, rate: Option<u64>) -> Self {
        Self { program: program.to_owned(), scale, rate, turn: Cell::new(0) }
    }

    /// A name that no topic has yet.
    fn topic(&self) -> String {
        self.turn.set(self.turn.get() + 1);
        format!("load-{}", self.turn.get())
    }

    fn scaled(&self, load: Load) -> Load {
        let records = ((load.records as f64 * self.scale) as u64).max(1);
        Load { records, rate: load.rate.map(|rate| self.rate.unwrap_or(rate)), ..load }
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
