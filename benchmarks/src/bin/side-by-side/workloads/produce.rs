//! Producing as fast as the broker takes it.

use super::{Context, Generator, Per, cost, sample};
use crate::client::NewTopic;
use crate::load::Load;
use crate::peers::Broker;
use crate::report::Sample;

/// A load on a topic of its own, which is deleted afterwards.
#[derive(Debug)]
pub(crate) struct Produce {
    pub(crate) load: Load,
    pub(crate) partitions: i32,
    /// Of the topic, `key=value` each.
    pub(crate) configs: &'static [&'static str],
    pub(crate) per: Per,
    pub(crate) generator: Generator,
}

impl Produce {
    pub(super) fn measure(&self, context: &Context, broker: &Broker) -> anyhow::Result<Sample> {
        let name = context.topic();
        let mut client = broker.client()?;
        let topic =
            NewTopic { name: name.clone(), partitions: self.partitions, configs: self.configs };
        client.create(&[topic])?;
        let load = context.scaled(self.load);
        let (outcome, used) =
            cost(broker, || context.generate(broker, &name, load, self.generator))?;
        let mut sample = sample(broker, self.per, &outcome, &used)?;
        if self.generator == Generator::Perf {
            sample.put("p50 ms", outcome.p50_ms);
            sample.put("p99 ms", outcome.p99_ms);
            sample.put("p99.9 ms", outcome.p999_ms);
        }
        if self.per == Per::Gigabyte {
            sample.put("disk bytes per byte", used.written / outcome.bytes);
        }
        client.delete(&name)?;
        Ok(sample)
    }
}
