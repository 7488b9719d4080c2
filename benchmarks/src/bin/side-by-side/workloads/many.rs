//! Very many partitions: creating them, writing to all, and being back after kill -9.
//!
//! The load comes from here and not from a generator, because it is spread over topics: each
//! request holds a batch for each of [`TOGETHER`] partitions, into few partitions as into many.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use barnabas_broker::env;
use barnabas_protocol::kafka::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use barnabas_protocol::kafka::messages::produce::{PartitionProduceData, TopicProduceData};
use barnabas_protocol::kafka::messages::{ListOffsetsRequest, ProduceRequest};
use barnabas_protocol::kafka::record_batch::{BatchBuilder, Compression};
use barnabas_protocol::kafka::{ErrorCode, Records, Str};
use bytes::Bytes;

use super::{Context, cost};
use crate::client::{Client, NewTopic};
use crate::load::Outcome;
use crate::peers::Broker;
use crate::proc::Memory;
use crate::report::Sample;

/// Partitions in one request, and where only few are written to.
const TOGETHER: usize = 10;
/// Connections that write.
const WRITERS: usize = 2;
/// Bytes of one record, and records in one batch.
const RECORD: usize = 1024;
const RECORDS: usize = 15;
/// ListOffsets: the end of a partition.
const LATEST: i64 = -1;
/// How long a broker may take to serve all partitions.
const SERVED_LIMIT: Duration = Duration::from_secs(600);

/// Topics on a fresh broker.
#[derive(Debug)]
pub(crate) struct Many {
    pub(crate) topics: u32,
    /// Of each topic.
    pub(crate) partitions: i32,
    /// How often each partition is written to while the rate is measured.
    pub(crate) batches: usize,
}

/// A partition.
type Place = (Str, i32);

impl Many {
    pub(super) fn measure(&self, context: &Context, broker: &mut Broker) -> anyhow::Result<Sample> {
        let count = (f64::from(self.topics) * context.scale).ceil() as u32;
        let all = topics("many", count, self.partitions);
        let few = topics("few", 1, TOGETHER as i32);
        let mut sample = Sample::default();
        broker.client()?.create(&few)?;
        wait_until_served(broker, &few, 0)?;
        // As much into ten partitions as later into all of them; the first time is to warm up.
        let places = places(&all);
        let (few, total) = (self::places(&few), places.len() * self.batches);
        let again = |of: &[Place]| of.iter().cycle().take(total).cloned().collect::<Vec<_>>();
        write(broker, &again(&few))?;
        let (usual, few_used) = cost(broker, || write(broker, &again(&few)))?;
        sample.put("MB/s into 10 partitions", usual.bytes / 1e6 / usual.seconds);

        let before = Memory::of(broker.pid())?;
        let begun = env::now();
        broker.client()?.create(&all)?;
        sample.put("s to create", begun.elapsed().as_secs_f64());
        wait_until_served(broker, &all, 0)?;
        sample.put("s until all are served", begun.elapsed().as_secs_f64());
        let created = Memory::of(broker.pid())?;
        sample.put("KB/topic, created", (created.own - before.own) / 1e3 / f64::from(count));
        // Once to each, to warm up here, too.
        write(broker, &places)?;
        let written = Memory::of(broker.pid())?;
        sample.put("KB/topic, written", (written.own - before.own) / 1e3 / f64::from(count));
        let (all_of_them, used) = cost(broker, || write(broker, &again(&places)))?;
        let rate = all_of_them.bytes / all_of_them.seconds;
        sample.put("MB/s into all", rate / 1e6);
        sample.put("of the rate into 10", rate * usual.seconds / usual.bytes);
        sample.put("CPU-s/GB into 10 partitions", few_used.cpu_s() / usual.bytes * 1e9);
        sample.put("CPU-s/GB into all", used.cpu_s() / all_of_them.bytes * 1e9);

        broker.kill();
        let begun = env::now();
        broker.restart()?;
        sample.put("s to serve after kill -9", begun.elapsed().as_secs_f64());
        let end = ((self.batches + 1) * RECORDS) as i64;
        wait_until_served(broker, &all, end)?;
        sample.put("s to have all partitions back", begun.elapsed().as_secs_f64());
        Ok(sample)
    }
}

fn topics(prefix: &str, count: u32, partitions: i32) -> Vec<NewTopic> {
    let topic = |n| NewTopic { name: format!("{prefix}-{n}"), partitions, configs: &[] };
    (0..count).map(topic).collect()
}

fn places(topics: &[NewTopic]) -> Vec<Place> {
    let of = |topic: &NewTopic| {
        let name = Str::from(topic.name.as_str());
        (0..topic.partitions).map(move |index| (name.clone(), index))
    };
    topics.iter().flat_map(of).collect()
}

/// Writes one batch to each of these partitions, which may come again after [`TOGETHER`] others.
fn write(broker: &Broker, places: &[Place]) -> anyhow::Result<Outcome> {
    let batch = &batch()?;
    let port = broker.port();
    let begun = env::now();
    let share = places.len().div_ceil(WRITERS);
    thread::scope(|scope| {
        let writer = |part| scope.spawn(move || write_part(port, part, batch));
        let writers: Vec<_> = places.chunks(share).map(writer).collect();
        writers
            .into_iter()
            .try_for_each(|w| w.join().map_err(|_| anyhow::anyhow!("a writer failed"))?)
    })?;
    let bytes = (places.len() * RECORDS * RECORD) as f64;
    let records = (places.len() * RECORDS) as f64;
    Ok(Outcome { seconds: begun.elapsed().as_secs_f64(), records, bytes, ..Outcome::default() })
}

fn write_part(port: u16, places: &[Place], batch: &Bytes) -> anyhow::Result<()> {
    let mut client = Client::connect(port)?;
    for part in places.chunks(TOGETHER) {
        let request = ProduceRequest {
            acks: 1,
            timeout_ms: 60_000,
            topic_data: by_topic(part, batch),
            ..ProduceRequest::default()
        };
        let answer = client.call(&request)?;
        for result in answer.responses.iter().flat_map(|topic| &topic.partition_responses) {
            ensure!(result.error_code == ErrorCode::None, "produce: {:?}", result.error_code);
        }
    }
    Ok(())
}

/// As a request has it: partitions under their topic.
fn by_topic(places: &[Place], batch: &Bytes) -> Vec<TopicProduceData> {
    let mut topics: Vec<TopicProduceData> = Vec::new();
    for (name, index) in places {
        if topics.last().is_none_or(|topic| topic.name != *name) {
            topics.push(TopicProduceData { name: name.clone(), partition_data: Vec::new() });
        }
        let Some(topic) = topics.last_mut() else { continue };
        let records = Some(Records::from(batch.clone()));
        topic.partition_data.push(PartitionProduceData { index: *index, records });
    }
    topics
}

fn batch() -> anyhow::Result<Bytes> {
    let mut builder = BatchBuilder::new(Compression::None);
    for _ in 0..RECORDS {
        builder.push(env::wall_clock_ms(), None, Some(&[b'x'; RECORD]), &[]);
    }
    Ok(builder.build()?)
}

/// Waits until every partition tells that this is its end.
fn wait_until_served(broker: &Broker, topics: &[NewTopic], end: i64) -> anyhow::Result<()> {
    let begun = env::now();
    let partition = |partition_index| ListOffsetsPartition {
        partition_index,
        timestamp: LATEST,
        ..ListOffsetsPartition::default()
    };
    let topic = |topic: &NewTopic| ListOffsetsTopic {
        name: Str::from(topic.name.as_str()),
        partitions: (0..topic.partitions).map(partition).collect(),
    };
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics: topics.iter().map(topic).collect(),
        ..ListOffsetsRequest::default()
    };
    let mut client = broker.client()?;
    loop {
        let answer = client.call(&request)?;
        let mut all = answer.topics.iter().flat_map(|topic| &topic.partitions);
        if all.all(|found| found.error_code == ErrorCode::None && found.offset == end) {
            return Ok(());
        }
        let first = answer
            .topics
            .iter()
            .flat_map(|topic| &topic.partitions)
            .find(|found| found.offset != end);
        let first = first.context("an error without a partition")?;
        ensure!(
            begun.elapsed() < SERVED_LIMIT,
            "not served: {:?} at {}",
            first.error_code,
            first.offset
        );
        thread::sleep(Duration::from_millis(50));
    }
}
