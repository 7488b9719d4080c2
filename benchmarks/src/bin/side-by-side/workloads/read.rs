//! Catching up: reading a topic from its beginning.

use std::fs;
use std::process::Command;

use anyhow::Context as _;

use super::{Context, Generator, Per, cost, sample};
use crate::client::NewTopic;
use crate::load::{Load, Outcome, Perf, kcat_read};
use crate::peers::Broker;
use crate::report::Sample;

/// What is read.
const TOPIC: &str = "history";
/// What is read first where the broker has just been started, so that a JVM is not measured while
/// it compiles.
const OTHER: &str = "warm-up";
/// Records in the latter.
const OTHER_RECORDS: u64 = 500_000;
/// Where the kernel is told to drop its page cache.
const DROP: &str = "/proc/sys/vm/drop_caches";

/// A topic of one partition, read again and again.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) load: Load,
    /// From disk: before each time the broker is started again and the page cache dropped.
    pub(crate) cold: bool,
    pub(crate) generator: Generator,
}

impl Read {
    pub(super) fn prepare(&self, context: &Context, broker: &Broker) -> anyhow::Result<()> {
        let mut client = broker.client()?;
        for (name, records) in [(TOPIC, self.load.records), (OTHER, OTHER_RECORDS)] {
            client.create(&[NewTopic { name: name.to_owned(), partitions: 1, configs: &[] }])?;
            let load = context.scaled(Load { records, ..self.load });
            context.generate(broker, name, load, Generator::Perf)?;
        }
        Ok(())
    }

    pub(super) fn measure(&self, context: &Context, broker: &mut Broker) -> anyhow::Result<Sample> {
        if self.cold {
            broker.stop()?;
            drop_page_cache()?;
            broker.restart()?;
            for _ in 0..5 {
                self.read(context, broker, OTHER, OTHER_RECORDS)?;
            }
        }
        let (outcome, used) =
            cost(broker, || self.read(context, broker, TOPIC, self.load.records))?;
        sample(broker, Per::Gigabyte, &outcome, &used)
    }

    fn read(
        &self,
        context: &Context,
        broker: &Broker,
        topic: &str,
        records: u64,
    ) -> anyhow::Result<Outcome> {
        let load = context.scaled(Load { records, ..self.load });
        let bootstrap = broker.bootstrap();
        match self.generator {
            Generator::Perf => {
                let args = [format!("--messages={}", load.records), "--fetch-size=10000000".into()];
                Perf::start(&context.program, &bootstrap, "consume", topic, &args)?.finish()
            }
            Generator::Kcat => {
                let bytes = (load.records * load.record_bytes as u64) as f64;
                kcat_read(&bootstrap, topic, load.records, bytes)
            }
        }
    }
}

/// Whether this process may.
pub(super) fn may_drop_page_cache() -> bool {
    fs::OpenOptions::new().write(true).open(DROP).is_ok()
}

/// Writes what is dirty and drops what is clean, which takes root.
fn drop_page_cache() -> anyhow::Result<()> {
    Command::new("sync").status()?;
    fs::write(DROP, "1").context("dropping the page cache takes root")
}
