//! `barnabas cluster restored` and `mark-restored`: what became of a restore of etcd.

use anyhow::bail;
use barnabas_coordinator_client::{Listing, Marks};
use barnabas_protocol::state::ids::BrokerId;
use barnabas_protocol::state::values::{PartitionState, RecoveryState, Restored};
use barnabas_protocol::state::{Keys, StateKey, from_json};
use clap::Args;
use serde_json::{Value, json};

use crate::commands::connect::block_on;
use crate::commands::etcd::EtcdArgs;
use crate::output::{self, Format};

/// Options of `barnabas cluster restored`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  barnabas cluster restored --config server.properties -o json")]
pub(super) struct RestoredArgs {
    /// How to print.
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    etcd: EtcdArgs,
}

/// Options of `barnabas cluster mark-restored`.
#[derive(Debug, Args)]
#[command(
    after_help = "Brokers notice a restore by themselves. This is for when they do not: every partition is \
    without a leader for a moment, until its logs are asked.\n\n\
    Example:\n  barnabas cluster mark-restored --config server.properties --yes"
)]
pub(super) struct MarkRestoredArgs {
    /// Do it.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    etcd: EtcdArgs,
}

/// Runs `barnabas cluster restored`.
pub(super) fn show(args: &RestoredArgs) -> anyhow::Result<()> {
    block_on(async {
        let etcd = args.etcd.connect().await?;
        let marks = etcd.client.read_marks(&etcd.keys).await?;
        let listing = etcd.client.list_between(etcd.keys.brokers(), etcd.keys.groups()).await?;
        let report = Report::new(&etcd.keys, &listing, &marks)?;
        match args.output {
            Format::Table => output::line(report.text())?,
            Format::Json => output::line(format_args!("{:#}", report.json()))?,
        }
        Ok(())
    })
}

/// Runs `barnabas cluster mark-restored`.
pub(super) fn mark(args: &MarkRestoredArgs) -> anyhow::Result<()> {
    block_on(async {
        if !args.yes {
            bail!("every partition will be without a leader for a moment; add --yes to do it");
        }
        let etcd = args.etcd.connect().await?;
        let marks = etcd.client.read_marks(&etcd.keys).await?;
        let cause = (BrokerId(-1), "marked by an operator".to_owned());
        match etcd.client.raise_restored(&etcd.keys, &marks, 0, cause).await? {
            Some(count) => output::line(format_args!("etcd counts as restored {count} time(s)"))?,
            None => bail!("a broker has counted a restore at this moment; nothing was changed"),
        }
        Ok(())
    })
}

/// Where a cluster stands after restores.
struct Report {
    count: i64,
    reason: Option<String>,
    /// A restore that nobody has counted yet.
    uncounted: Option<String>,
    /// `topic-partition`, and the brokers whose logs decide.
    waiting: Vec<(String, Vec<i32>)>,
    strays: usize,
}

impl Report {
    fn new(keys: &Keys, listing: &Listing, marks: &Marks) -> anyhow::Result<Self> {
        let uncounted = marks.behind(true);
        let mut report =
            Self { count: marks.count, reason: None, uncounted, waiting: Vec::new(), strays: 0 };
        for kv in &listing.entries {
            match keys.parse(&kv.key) {
                Some(StateKey::Restored) => {
                    report.reason = Some(from_json::<Restored>(&kv.value)?.reason);
                }
                Some(StateKey::PartitionState { topic, partition }) => {
                    let state: PartitionState = from_json(&kv.value)?;
                    let restored = state.recovery_state == i32::from(RecoveryState::Restored);
                    if state.restored < marks.count || (restored && state.leader < 0) {
                        report.waiting.push((format!("{topic}-{partition}"), state.replicas));
                    }
                }
                Some(StateKey::Stray { .. }) => report.strays += 1,
                _ => {}
            }
        }
        Ok(report)
    }

    fn text(&self) -> String {
        let mut lines = vec![match (&self.reason, self.count) {
            (Some(reason), count) => format!("etcd was restored {count} time(s); last: {reason}"),
            (None, _) => "etcd was never restored".to_owned(),
        }];
        if let Some(uncounted) = &self.uncounted {
            lines.push(format!("The next controller will count a restore: {uncounted}"));
        }
        match self.waiting.first() {
            None => lines.push("No partition waits for its logs to be asked".to_owned()),
            Some((example, brokers)) => lines.push(format!(
                "{} partition(s) wait for brokers that have their logs, for example {example} for {brokers:?}",
                self.waiting.len()
            )),
        }
        if self.strays > 0 {
            lines.push(format!(
                "{} log(s) are unknown to the cluster; see `barnabas log strays list`",
                self.strays
            ));
        }
        lines.join("\n")
    }

    fn json(&self) -> Value {
        let waiting = self
            .waiting
            .iter()
            .map(|(partition, brokers)| json!({ "partition": partition, "brokers": brokers }));
        json!({
            "restored": self.count,
            "reason": self.reason,
            "uncounted": self.uncounted,
            "partitions_waiting": waiting.collect::<Vec<_>>(),
            "stray_logs": self.strays,
        })
    }
}
