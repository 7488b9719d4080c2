//! A broker that has nothing to do: how fast it is there, what it holds, what connections cost it.

use std::thread::sleep;
use std::time::Duration;

use super::Context;
use crate::client::Client;
use crate::peers::Broker;
use crate::proc::{Memory, Usage};
use crate::report::Sample;

/// How long to wait before an idle broker is looked at, so that its start is over.
const REST: Duration = Duration::from_secs(5);
/// How long it is looked at.
const LOOK: Duration = Duration::from_secs(20);

/// An empty broker, just started.
#[derive(Debug)]
pub(crate) struct Idle;

impl Idle {
    pub(super) fn measure(&self, broker: &mut Broker) -> anyhow::Result<Sample> {
        let mut sample = Sample::default();
        sample.put("start ms, empty folder", broker.started_in.as_secs_f64() * 1e3);
        broker.stop()?;
        broker.restart()?;
        sample.put("start ms, again", broker.started_in.as_secs_f64() * 1e3);
        sleep(REST);
        let before = Usage::of(broker.pid())?;
        sleep(LOOK);
        let used = Usage::of(broker.pid())? - before;
        sample.put("% of a processor", used.cpu_s() / LOOK.as_secs_f64() * 100.0);
        let memory = Memory::of(broker.pid())?;
        sample.put("RSS MB", memory.resident / 1e6);
        sample.put("RSS without files MB", memory.own / 1e6);
        Ok(sample)
    }
}

/// Connections that have asked for the versions once and then say nothing.
#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) count: u32,
}

impl Connections {
    pub(super) fn measure(&self, context: &Context, broker: &Broker) -> anyhow::Result<Sample> {
        let count = ((f64::from(self.count) * context.scale) as u32).max(1);
        sleep(REST);
        let before = Memory::of(broker.pid())?;
        let used = Usage::of(broker.pid())?;
        let connect = |_| Client::connect(broker.port());
        let open = (0..count).map(connect).collect::<anyhow::Result<Vec<_>>>()?;
        let used = Usage::of(broker.pid())? - used;
        sleep(Duration::from_secs(1));
        let after = Memory::of(broker.pid())?;
        let idle = Usage::of(broker.pid())?;
        sleep(LOOK / 2);
        let idle = Usage::of(broker.pid())? - idle;
        let mut sample = Sample::default();
        sample.put("KB/connection", (after.resident - before.resident) / 1e3 / f64::from(count));
        sample.put("CPU-µs/connect", used.cpu_s() * 1e6 / f64::from(count));
        sample.put("% of a processor, all idle", idle.cpu_s() / LOOK.as_secs_f64() * 200.0);
        drop(open);
        Ok(sample)
    }
}
