//! `barnabas log strays adopt`: writes the keys that the cluster lacks, from what the brokers know.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};
use barnabas_coordinator_client::{Expect, Listing, Txn};
use barnabas_protocol::state::ids::PartitionIndex;
use barnabas_protocol::state::values::{
    Config, PartitionState, RecoveryState, Replica, Topic as TopicValue, Writer,
};
use barnabas_protocol::state::{Keys, StateValue, to_json};
use clap::Args;
use serde_json::json;

use super::survey::{Log, Place, RestoreCount, Survey, Topic};
use super::{TopicArgs, write};
use crate::commands::etcd::EtcdArgs;
use crate::output::{self, Format};

/// Options of `barnabas log strays adopt`.
#[derive(Debug, Args)]
#[command(
    after_help = "The topic keeps its id and its records. Where its configuration is lost, it keeps its \
    records for ever; set retention.ms and the like with the command config afterwards.\n\n\
    Example:\n  barnabas log strays adopt --topic orders --config server.properties"
)]
pub(super) struct AdoptArgs {
    #[command(flatten)]
    topics: TopicArgs,
    /// Another name for the topic, where its own belongs to a new topic by now.
    #[arg(long = "as", value_name = "NAME", conflicts_with = "all")]
    new_name: Option<String>,
    /// Adopt a topic although no running broker has a log of some partitions: these begin empty.
    #[arg(long)]
    allow_missing: bool,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    etcd: EtcdArgs,
}

pub(super) async fn run(args: &AdoptArgs) -> anyhow::Result<()> {
    let etcd = args.etcd.connect().await?;
    let (survey, listing) = Survey::read(&etcd).await?;
    let topics = args.topics.select(&survey)?;
    ensure!(args.new_name.is_none() || topics.len() == 1, "--as names one topic");
    // All are planned before any is written.
    let mut plans = Vec::new();
    for topic in topics {
        let plan = Adoption::new(&etcd.keys, topic, survey.restored, args, &listing)?;
        plans.push((topic, plan));
    }
    let mut adopted = Vec::new();
    for (topic, plan) in plans {
        let (name, partitions, empty) = (plan.name.clone(), plan.count, plan.missing.clone());
        write(&etcd, plan.txns(&etcd.keys)).await?;
        let id = topic.id.to_kafka_string();
        if matches!(args.output, Format::Table) {
            output::line(format_args!("adopted {name} ({id}) with {partitions} partition(s)"))?;
            if !empty.is_empty() {
                output::note(format_args!("{name}: partitions {empty:?} begin empty"));
            }
        }
        adopted.push(
            json!({ "topic": name, "topic_id": id, "partitions": partitions, "empty": empty }),
        );
    }
    if matches!(args.output, Format::Json) {
        output::line(format_args!("{:#}", json!({ "adopted": adopted })))?;
    }
    Ok(())
}

/// How one topic is adopted.
pub(super) struct Adoption<'a> {
    topic: &'a Topic,
    name: String,
    place: Place,
    restored: RestoreCount,
    /// How many partitions the topic has then.
    count: i32,
    /// Partitions without a state, and the logs that there are of them.
    without_state: BTreeMap<PartitionIndex, Vec<&'a Log>>,
    /// Those of which no broker has a log.
    missing: Vec<i32>,
}

impl<'a> Adoption<'a> {
    fn new(
        keys: &Keys,
        topic: &'a Topic,
        restored: RestoreCount,
        args: &AdoptArgs,
        listing: &Listing,
    ) -> anyhow::Result<Self> {
        let name = args.new_name.clone().unwrap_or_else(|| topic.name.clone());
        let place = match &args.new_name {
            None => topic.here.clone(),
            Some(new) => Place::of(keys, listing, new)?,
        };
        Self::plan(topic, name, place, restored, args.allow_missing)
    }

    /// Plans without I/O.
    pub(super) fn plan(
        topic: &'a Topic,
        name: String,
        place: Place,
        restored: RestoreCount,
        allow_missing: bool,
    ) -> anyhow::Result<Self> {
        ensure!(
            barnabas_broker::controller::is_valid_topic_name(&name),
            "{name:?} cannot be the name of a topic"
        );
        if let Some(other) = place.taken_from(topic.id) {
            bail!(
                "the name {name} belongs to another topic by now ({}); adopt this one under another name with --as",
                other.topic_id
            );
        }
        let is_foreign = |index: &PartitionIndex| place.state_of(topic.id, *index).is_none();
        if let Some(index) = place.states.keys().find(|index| is_foreign(index)) {
            bail!(
                "etcd holds the state of partition {index} of another topic called {name}; delete that key first"
            );
        }
        let known = place.key_of(topic.id).map_or(0, |key| key.partitions);
        let last = topic.logs.iter().map(|log| log.partition.0.saturating_add(1)).max();
        let last = last.max(place.states.keys().map(|index| index.0.saturating_add(1)).max());
        let count = known.max(topic.partitions).max(last.unwrap_or(0));
        let mut without_state = BTreeMap::<_, Vec<&Log>>::new();
        for index in (0..count).map(PartitionIndex) {
            if place.state_of(topic.id, index).is_none() {
                let logs = topic.logs.iter().filter(|log| log.partition == index);
                without_state.insert(index, logs.collect());
            }
        }
        let missing: Vec<_> =
            without_state.iter().filter(|(_, logs)| logs.is_empty()).map(|(i, _)| i.0).collect();
        if !missing.is_empty() && !allow_missing {
            bail!(
                "no running broker has a log of partitions {missing:?} of {name}; start the brokers that had them, or \
                 begin these partitions empty with --allow-missing"
            );
        }
        Ok(Self { topic, name, place, restored, count, without_state, missing })
    }

    /// The transactions: the states first, and at the end the topic's key, which makes the topic
    /// exist.
    pub(super) fn txns(self, keys: &Keys) -> Vec<Txn> {
        let mut txns: Vec<Txn> = Vec::new();
        for (index, logs) in &self.without_state {
            let room = txns.pop_if(|txn| txn.expects() + 1 + logs.len() <= Txn::MAX_OPS);
            let key = keys.partition_state(&self.name, *index);
            let mut grown = room.unwrap_or_else(|| self.guarded(keys));
            grown = grown.expect(key.clone(), Expect::Absent).put(key, self.state(logs));
            for log in logs {
                // The broker that reported the log is still registered, and still has it.
                let (report, revision) = &log.report;
                grown = grown.expect(report.clone(), Expect::ModRevision(*revision));
            }
            txns.push(grown);
        }
        // With the states, if there is room: else the topic looks damaged for a moment.
        let room = txns.pop_if(|txn| txn.expects() + 2 <= Txn::MAX_OPS);
        let mut last = room.unwrap_or_else(|| self.guarded(keys));
        let key = keys.topic(&self.name);
        let value = TopicValue {
            version: TopicValue::VERSION,
            topic_id: self.topic.id.to_kafka_string(),
            partitions: self.count,
        };
        last = last.expect(key.clone(), self.place.expect_key()).put(key, to_json(&value));
        if self.place.key.is_none() && self.place.config.is_none() {
            let config = keys.topic_config(&self.name);
            last = last.expect(config.clone(), Expect::Absent).put(config, keep_everything());
        }
        txns.push(last);
        txns
    }

    /// What each transaction rests on: the topic is not being deleted, and etcd was not restored.
    fn guarded(&self, keys: &Keys) -> Txn {
        Txn::new()
            .expect(keys.restored(), self.restored.unchanged)
            .expect(keys.deleted_topic(self.topic.id), Expect::Absent)
    }

    /// The state of a partition of which these are the logs: the controller asks them who leads.
    fn state(&self, logs: &[&Log]) -> Vec<u8> {
        // Without a log, the partition begins empty where the first one of the topic is.
        let first = self.topic.logs.first().into_iter();
        let replicas: Vec<&Log> = if logs.is_empty() { first.collect() } else { logs.to_vec() };
        let isr = replicas
            .iter()
            .map(|log| Replica { id: log.broker.0, broker_epoch: log.value.broker_epoch });
        let leader_epoch = logs.iter().map(|log| log.value.leader_epoch).max().unwrap_or(0);
        to_json(&PartitionState {
            version: PartitionState::VERSION,
            topic_id: self.topic.id.to_kafka_string(),
            replicas: replicas.iter().map(|log| log.broker.0).collect(),
            // The controller sets it right.
            min_isr: 1,
            leader: -1,
            leader_epoch: leader_epoch.max(0),
            isr: isr.collect(),
            recovery_state: RecoveryState::Restored.into(),
            restored: self.restored.count,
            writer: Some(Writer { broker_id: -1, broker_epoch: 0, sequence: 0 }),
            ..PartitionState::default()
        })
    }
}

/// The configuration of a topic whose own is lost: nothing is deleted until somebody says so.
fn keep_everything() -> Vec<u8> {
    let unlimited =
        ["retention.ms", "retention.bytes"].map(|key| (key.to_owned(), "-1".to_owned()));
    to_json(&Config { version: Config::VERSION, config: unlimited.into_iter().collect() })
}
