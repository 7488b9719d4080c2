//! Moves groups to other offsets: a dry run first, and only groups that nobody is in.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use barnabas_client::offsets::{Committer, EARLIEST, LATEST, commit, committed};
use barnabas_client::{ByPartition, Cluster, PartitionSet};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::json;

use super::plan::{self, Plans, clamp};
use super::selection::Selection;
use super::{Groups, admin};
use crate::output;

/// Where to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Earliest,
    Latest,
    Current,
    Offset(i64),
    ShiftBy(i64),
    /// In ms since 1970.
    Time(i64),
    File(PathBuf),
}

/// Which partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All for which the group has committed.
    All,
    Topics(Selection),
    /// Those of the file.
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Table,
    Csv,
    Json,
}

#[derive(Clone, Debug)]
pub(super) struct Reset {
    pub(super) groups: Groups,
    pub(super) scope: Scope,
    pub(super) target: Target,
    pub(super) execute: bool,
    pub(super) form: Form,
}

impl Reset {
    pub(super) async fn run(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let (mut plans, mut active) = (Plans::new(), Vec::new());
        for group in self.groups.names(cluster).await? {
            let described = admin::describe(cluster, &group).await?;
            if !described.is_inactive() {
                let state = described.state_name();
                active.push(format!(
                    "Assignments can only be reset if the group '{group}' is inactive, but the current state is {state}."
                ));
                continue;
            }
            let offsets = self.plan(cluster, &group).await?;
            if self.execute && !offsets.is_empty() {
                commit(cluster, &group, &Committer::default(), &offsets).await?;
            }
            plans.insert(group, offsets);
        }
        self.print(&plans)?;
        if !active.is_empty() {
            bail!("{}", active.join("\n"));
        }
        Ok(())
    }

    async fn plan(&self, cluster: &Cluster, group: &str) -> anyhow::Result<ByPartition<i64>> {
        let partitions = match &self.scope {
            Scope::All => committed(cluster, group, None).await?.set(),
            Scope::Topics(selection) => selection.find_all(cluster).await?,
            Scope::File => PartitionSet::default(),
        };
        let same = |offset: i64| {
            partitions.iter().map(|(topic, index, ())| (topic.clone(), index, offset)).collect()
        };
        match &self.target {
            Target::Earliest => all(cluster, &partitions, EARLIEST).await,
            Target::Latest => all(cluster, &partitions, LATEST).await,
            Target::Offset(offset) => inside(cluster, &same(*offset)).await,
            Target::Time(ms) => {
                let mut found = all(cluster, &partitions, *ms).await?;
                let late: PartitionSet = found
                    .iter()
                    .filter(|(_, _, offset)| **offset < 0)
                    .map(|(topic, index, _)| (topic.clone(), index))
                    .collect();
                for (topic, index, ()) in late.iter() {
                    output::note(format_args!(
                        "WARN {topic}-{index} has no record as late as that: going to its end"
                    ));
                }
                extend(&mut found, &all(cluster, &late, LATEST).await?);
                Ok(found)
            }
            Target::Current => {
                let mut kept = committed(cluster, group, Some(&partitions)).await?;
                let ends = all(cluster, &partitions.without(&kept), LATEST).await?;
                extend(&mut kept, &ends);
                Ok(kept)
            }
            Target::ShiftBy(by) => {
                let mut shifted = committed(cluster, group, Some(&partitions)).await?;
                if let Some((topic, index, ())) = partitions.without(&shifted).iter().next() {
                    bail!(
                        "Cannot shift offset for partition {topic}-{index} since there is no current committed offset"
                    );
                }
                shifted.retain(|_, _, offset| {
                    *offset = offset.saturating_add(*by);
                    true
                });
                inside(cluster, &shifted).await
            }
            Target::File(file) => {
                let text =
                    std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
                let only = match &self.groups {
                    Groups::Named(names) if names.len() == 1 => Some(names[0].as_str()),
                    _ => None,
                };
                let plans = plan::parse(&text, only)?;
                let plan = plans.get(group);
                let plan =
                    plan.with_context(|| format!("No reset plan for group {group} found"))?;
                inside(cluster, plan).await
            }
        }
    }

    fn print(&self, plans: &Plans) -> anyhow::Result<()> {
        match self.form {
            Form::Csv => {
                let several = !matches!(&self.groups, Groups::Named(names) if names.len() == 1);
                output::line(plan::to_csv(plans, several))?;
            }
            Form::Json => {
                let rows: Vec<_> = plans
                    .iter()
                    .flat_map(|(group, offsets)| {
                        offsets.iter().map(move |(topic, index, offset)| {
                            json!({"group": group, "topic": &**topic, "partition": index,
                                "new_offset": offset})
                        })
                    })
                    .collect();
                let done = json!({"executed": self.execute, "offsets": rows});
                output::line(serde_json::to_string_pretty(&done)?)?;
            }
            Form::Table => {
                output::line(format_args!(
                    "\n{:<30} {:<30} {:<10} {:<15}",
                    "GROUP", "TOPIC", "PARTITION", "NEW-OFFSET"
                ))?;
                for (group, offsets) in plans {
                    for (topic, index, offset) in offsets.iter() {
                        let topic = &**topic;
                        output::line(format_args!(
                            "{group:<30} {topic:<30} {index:<10} {offset:<15}"
                        ))?;
                    }
                }
            }
        }
        Ok(())
    }
}

fn extend(offsets: &mut ByPartition<i64>, more: &ByPartition<i64>) {
    offsets.extend(more.iter().map(|(topic, index, offset)| (topic.clone(), index, *offset)));
}

/// The offset that each partition has for a timestamp.
async fn all(
    cluster: &Cluster,
    partitions: &PartitionSet,
    timestamp: i64,
) -> anyhow::Result<ByPartition<i64>> {
    let found = admin::log_offsets(cluster, partitions, timestamp).await?;
    if let Some((topic, index, ())) = partitions.without(&found).iter().next() {
        bail!("there is no partition {topic}-{index}");
    }
    Ok(found)
}

/// Offsets that the partitions have.
async fn inside(cluster: &Cluster, wanted: &ByPartition<i64>) -> anyhow::Result<ByPartition<i64>> {
    let partitions = wanted.set();
    let (first, end) =
        (all(cluster, &partitions, EARLIEST).await?, all(cluster, &partitions, LATEST).await?);
    let mut offsets = wanted.clone();
    offsets.retain(|topic, index, offset| {
        let bound = |bounds: &ByPartition<i64>| bounds.get(topic, index).copied().unwrap_or(*offset);
        let (new, why) = clamp(*offset, bound(&first), bound(&end));
        if let Some(why) = why {
            output::note(format_args!(
                "WARN New offset ({offset}) is {why} offset for topic partition {topic}-{index}. Value will be set to {new}"
            ));
        }
        *offset = new;
        true
    });
    Ok(offsets)
}

/// Reads `2026-01-01T00:00:00.000`, with or without an offset from UTC.
pub(super) fn datetime(text: &str) -> anyhow::Result<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_millisecond());
    }
    let local: DateTime = text.parse().with_context(|| format!("{text} is not a time"))?;
    Ok(local.to_zoned(TimeZone::UTC)?.timestamp().as_millisecond())
}

/// The time so long before now: `P1DT2H`.
pub(super) fn before_now(text: &str) -> anyhow::Result<i64> {
    let span: Span = text.parse().with_context(|| format!("{text} is not a duration"))?;
    let now = Timestamp::from_millisecond(now_ms())?.to_zoned(TimeZone::UTC);
    Ok(now.checked_sub(span)?.timestamp().as_millisecond())
}

#[allow(clippy::disallowed_methods)]
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_kafka_writes_them() {
        for text in ["1970-01-01T00:00:01.000", "1970-01-01T00:00:01Z", "1970-01-01T01:00:01+01:00"]
        {
            assert_eq!(datetime(text).expect(text), 1000, "{text}");
        }
        assert!(datetime("yesterday").is_err());
        let back = now_ms() - before_now("P1DT1H").expect("a duration");
        assert!((back - 25 * 3_600_000).abs() < 60_000, "{back}");
        assert!(before_now("1 day or two").is_err());
    }
}
