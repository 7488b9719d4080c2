//! Consumers at the end of the log while a producer writes at a steady rate, and how long records
//! take to them.

use super::{Context, Per, cost, sample};
use crate::client::NewTopic;
use crate::load::{Load, Outcome, Perf};
use crate::peers::Broker;
use crate::report::Sample;

/// Partitions of the topic.
const PARTITIONS: i32 = 10;

/// One producer, and consumers that all read everything.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) load: Load,
    pub(crate) consumers: u32,
}

impl Tail {
    pub(super) fn measure(&self, context: &Context, broker: &Broker) -> anyhow::Result<Sample> {
        let topic = create(context, broker)?;
        let load = context.scaled(self.load);
        let (outcome, used) = cost(broker, || self.fan_out(context, broker, &topic, load))?;
        let mut sample = sample(broker, Per::Gigabyte, &outcome, &used)?;
        sample.put("p99 ms of producing", outcome.p99_ms);
        broker.client()?.delete(&topic)?;
        Ok(sample)
    }

    /// What all consumers together read, in the time of the slowest; latency is the producer's.
    fn fan_out(
        &self,
        context: &Context,
        broker: &Broker,
        topic: &str,
        load: Load,
    ) -> anyhow::Result<Outcome> {
        let bootstrap = broker.bootstrap();
        let perf =
            |what, args: &[String]| Perf::start(&context.program, &bootstrap, what, topic, args);
        let args = [format!("--messages={}", load.records), "--timeout=60000".to_owned()];
        let consumers: Vec<_> =
            (0..self.consumers).map(|_| perf("consume", &args)).collect::<Result<_, _>>()?;
        let produced = perf("produce", &load.perf_args())?.finish()?;
        let mut all = Outcome { p99_ms: produced.p99_ms, ..Outcome::default() };
        for consumer in consumers {
            let read = consumer.finish()?;
            all.seconds = all.seconds.max(read.seconds);
            all.records += read.records;
            all.bytes += read.bytes;
        }
        Ok(all)
    }
}

/// Records from a producer to one consumer at a rate that is well below the most.
#[derive(Debug)]
pub(crate) struct EndToEnd {
    pub(crate) load: Load,
}

impl EndToEnd {
    pub(super) fn measure(&self, context: &Context, broker: &Broker) -> anyhow::Result<Sample> {
        let topic = create(context, broker)?;
        let load = context.scaled(self.load);
        let (outcome, used) = cost(broker, || {
            let bootstrap = broker.bootstrap();
            let args = load.perf_args();
            Perf::start(&context.program, &bootstrap, "end-to-end", &topic, &args)?.finish()
        })?;
        let mut latencies = Sample::default();
        latencies.put("p50 ms", outcome.p50_ms);
        latencies.put("p99 ms", outcome.p99_ms);
        latencies.put("p99.9 ms", outcome.p999_ms);
        latencies.extend(sample(broker, Per::Gigabyte, &outcome, &used)?);
        broker.client()?.delete(&topic)?;
        Ok(latencies)
    }
}

fn create(context: &Context, broker: &Broker) -> anyhow::Result<String> {
    let name = context.topic();
    let topic = NewTopic { name: name.clone(), partitions: PARTITIONS, configs: &[] };
    broker.client()?.create(&[topic])?;
    Ok(name)
}
