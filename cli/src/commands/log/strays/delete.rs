//! `barnabas log strays delete`: has the brokers delete their logs of a topic.

use anyhow::bail;
use barnabas_coordinator_client::{Expect, Txn};
use barnabas_protocol::state::values::DeletedTopic;
use barnabas_protocol::state::{Keys, StateValue, to_json};
use clap::Args;
use serde_json::json;

use super::survey::{RestoreCount, Survey, Topic};
use super::{TopicArgs, write};
use crate::commands::etcd::EtcdArgs;
use crate::output::{self, Format};

/// States whose deletions share a transaction.
const STATES_PER_TXN: usize = 100;

/// Options of `barnabas log strays delete`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  barnabas log strays delete --topic orders --config server.properties --yes"
)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    topics: TopicArgs,
    /// Do it. Without this, the command only says what would be deleted.
    #[arg(long)]
    yes: bool,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    etcd: EtcdArgs,
}

pub(super) async fn run(args: &DeleteArgs) -> anyhow::Result<()> {
    let etcd = args.etcd.connect().await?;
    let (survey, _) = Survey::read(&etcd).await?;
    let mut plans = Vec::new();
    for topic in args.topics.select(&survey)? {
        plans.push((topic, txns(&etcd.keys, topic, survey.restored)?));
    }
    let mut deleted = Vec::new();
    for (topic, txns) in plans {
        if args.yes {
            write(&etcd, txns).await?;
        }
        let (name, id) = (&topic.name, topic.id.to_kafka_string());
        let records: i64 =
            topic.logs.iter().map(|log| log.value.log_end - log.value.log_start).sum();
        if matches!(args.output, Format::Table) {
            let what =
                format!("{} log(s) of {name} ({id}) with {records} offsets", topic.logs.len());
            match args.yes {
                true => output::line(format_args!("deleted {what}"))?,
                false => output::line(format_args!("would delete {what}; add --yes to do it"))?,
            }
        }
        deleted.push(
            json!({ "topic": name, "topic_id": id, "logs": topic.logs.len(), "offsets": records }),
        );
    }
    if matches!(args.output, Format::Json) {
        let report = json!({ "deleted": deleted, "dry_run": !args.yes });
        output::line(format_args!("{report:#}"))?;
    }
    Ok(())
}

/// The transactions: the tombstone, on which the brokers act, and then what is left of the topic in
/// etcd.
pub(super) fn txns(keys: &Keys, topic: &Topic, restored: RestoreCount) -> anyhow::Result<Vec<Txn>> {
    let Topic { id, name, logs, here, .. } = topic;
    if here.key_of(*id).is_some() {
        bail!(
            "{name} exists, only some of its logs are stray; adopt them, or delete the whole topic with \
             `barnabas topic delete`"
        );
    }
    let mut brokers: Vec<_> = logs.iter().map(|log| log.broker.0).collect();
    brokers.sort_unstable();
    brokers.dedup();
    let tombstone = keys.deleted_topic(*id);
    let value = DeletedTopic { version: DeletedTopic::VERSION, name: name.clone(), brokers };
    let guarded = || {
        Txn::new()
            .expect(keys.restored(), restored.unchanged)
            .expect(keys.topic(name), here.expect_key())
    };
    let first = guarded().expect(tombstone.clone(), Expect::Absent).put(tombstone, to_json(&value));
    let mut txns = vec![first];
    let own: Vec<_> =
        here.states.iter().filter(|(index, _)| here.state_of(*id, **index).is_some()).collect();
    for chunk in own.chunks(STATES_PER_TXN) {
        let delete = |txn: Txn, (index, state): &(&_, &super::survey::State)| {
            let key = keys.partition_state(name, **index);
            txn.expect(key.clone(), Expect::ModRevision(state.revision)).delete(key)
        };
        txns.push(chunk.iter().fold(guarded(), delete));
    }
    Ok(txns)
}
