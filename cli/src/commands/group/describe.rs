//! Members, states and lag of groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use barnabas_client::offsets::{LATEST, committed};
use barnabas_client::{ByPartition, Cluster, PartitionSet};
use serde_json::{Value, json};

use super::Groups;
use super::admin::{self, Described, GroupMember};
use crate::output;

/// What to show of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    Offsets,
    Members { verbose: bool },
    State,
}

/// How far a group is in a partition.
struct Row<'a> {
    topic: String,
    partition: i32,
    committed: Option<i64>,
    end: Option<i64>,
    member: Option<&'a GroupMember>,
}

impl Row<'_> {
    fn lag(&self) -> Option<i64> {
        Some(self.end? - self.committed?)
    }
}

pub(super) async fn run(
    cluster: &Cluster,
    groups: &Groups,
    aspects: &[Aspect],
) -> anyhow::Result<()> {
    for name in groups.names(cluster).await? {
        let group = admin::describe(cluster, &name).await?;
        if group.state.is_none() {
            // As Kafka prints it: on standard output.
            output::line(format_args!("\nError: Consumer group '{name}' does not exist."))?;
            anyhow::bail!("group {name} does not exist");
        }
        match group.state_name() {
            "Empty" => {
                output::note(format_args!("\nConsumer group '{name}' has no active members."))
            }
            "PreparingRebalance" | "CompletingRebalance" => {
                output::note(format_args!("\nWarning: Consumer group '{name}' is rebalancing."));
            }
            _ => {}
        }
        for aspect in aspects {
            match aspect {
                Aspect::Offsets => print_offsets(cluster, &group).await?,
                Aspect::Members { verbose } => print_members(&group, *verbose)?,
                Aspect::State => print_state(&group)?,
            }
        }
    }
    Ok(())
}

/// Members with the most partitions first, then what is committed and has no member.
async fn rows<'a>(cluster: &Cluster, group: &'a Described) -> anyhow::Result<Vec<Row<'a>>> {
    let committed = committed(cluster, &group.group, None).await?;
    let assigned = group.members.iter().flat_map(|member| member.partitions.iter());
    let assigned: PartitionSet =
        assigned.map(|(topic, index, ())| (topic.clone(), index)).collect();
    let free = committed.set().without(&assigned);
    let mut all = assigned;
    all.extend(free.iter().map(|(topic, index, ())| (topic.clone(), index, ())));
    let ends = admin::log_offsets(cluster, &all, LATEST).await?;

    let mut members: Vec<_> = group.members.iter().collect();
    members.sort_by_key(|member| Reverse(member.partitions.len()));
    let parts = members.iter().map(|member| (Some(*member), &member.partitions));
    let mut rows = Vec::new();
    for (member, partitions) in parts.chain([(None, &free)]) {
        rows.extend(partitions.iter().map(|(topic, index, ())| Row {
            topic: topic.to_string(),
            partition: index,
            committed: committed.get(topic, index).copied(),
            end: ends.get(topic, index).copied(),
            member,
        }));
    }
    Ok(rows)
}

fn dash() -> String {
    "-".to_owned()
}

fn or_dash(number: Option<i64>) -> String {
    number.map_or_else(dash, |number| number.to_string())
}

async fn print_offsets(cluster: &Cluster, group: &Described) -> anyhow::Result<()> {
    let rows = rows(cluster, group).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let width = |of: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0).max(15);
    let id = |row: &Row<'_>| row.member.map_or_else(dash, |member| member.id.clone());
    let host = |row: &Row<'_>| row.member.map_or_else(dash, |member| member.host.clone());
    let (groups, topics) = (group.group.len().max(15), width(&|row| row.topic.len()));
    let (ids, hosts) = (width(&|row| id(row).len()), width(&|row| host(row).len()));
    let print = |cells: [&str; 9]| {
        let [group, topic, partition, current, end, lag, id, host, client] = cells;
        output::line(format_args!(
            "{group:<groups$} {topic:<topics$} {partition:<10} {current:<15} {end:<15} {lag:<15} \
             {id:<ids$} {host:<hosts$} {client}"
        ))
    };
    output::line("")?;
    print([
        "GROUP",
        "TOPIC",
        "PARTITION",
        "CURRENT-OFFSET",
        "LOG-END-OFFSET",
        "LAG",
        "CONSUMER-ID",
        "HOST",
        "CLIENT-ID",
    ])?;
    for row in &rows {
        print([
            &group.group,
            &row.topic,
            &row.partition.to_string(),
            &or_dash(row.committed),
            &or_dash(row.end),
            &or_dash(row.lag()),
            &id(row),
            &host(row),
            row.member.map_or("-", |member| &member.client_id),
        ])?;
    }
    Ok(())
}

fn print_members(group: &Described, verbose: bool) -> anyhow::Result<()> {
    let members = &group.members;
    if members.is_empty() {
        return Ok(());
    }
    let width = |least: usize, of: &dyn Fn(&GroupMember) -> usize| {
        members.iter().map(of).max().unwrap_or(0).max(least)
    };
    let groups = group.group.len().max(15);
    let ids = width(15, &|member| member.id.len());
    let instances = width(17, &|member| member.instance_id.as_ref().map_or(0, String::len));
    let (hosts, clients) = (width(15, &|m| m.host.len()), width(15, &|m| m.client_id.len()));
    let is_static = members.iter().any(|member| member.instance_id.is_some());
    let print = |cells: [&str; 7]| {
        let [group, id, instance, host, client, count, assignment] = cells;
        let instance = if is_static { format!(" {instance:<instances$}") } else { String::new() };
        let assignment = if verbose { assignment } else { "" };
        output::line(format_args!(
            "{group:<groups$} {id:<ids$}{instance} {host:<hosts$} {client:<clients$} {count:<15} {assignment}"
        ))
    };
    output::line("")?;
    print([
        "GROUP",
        "CONSUMER-ID",
        "GROUP-INSTANCE-ID",
        "HOST",
        "CLIENT-ID",
        "#PARTITIONS",
        "ASSIGNMENT",
    ])?;
    for member in members {
        let instance = member.instance_id.as_deref().unwrap_or_default();
        let (count, assignment) = (member.partitions.len().to_string(), assignment(member));
        let (id, host, client) = (&member.id, &member.host, &member.client_id);
        print([&group.group, id, instance, host, client, &count, &assignment])?;
    }
    Ok(())
}

/// As `t(0,1), u(2)`.
fn assignment(member: &GroupMember) -> String {
    if member.partitions.is_empty() {
        return "-".to_owned();
    }
    let topic = |(name, indexes): (&barnabas_protocol::kafka::Str, &BTreeMap<i32, ()>)| {
        let indexes: Vec<String> = indexes.keys().map(i32::to_string).collect();
        format!("{name}({})", indexes.join(","))
    };
    member.partitions.topics().map(topic).collect::<Vec<_>>().join(", ")
}

fn print_state(group: &Described) -> anyhow::Result<()> {
    let (id, address) = &group.coordinator;
    let coordinator = format!("{}:{}  ({id})", address.host, address.port);
    let width = coordinator.len().max(25);
    output::line("")?;
    let print = |cells: [&str; 5]| {
        let [group, coordinator, assignor, state, members] = cells;
        output::line(format_args!(
            "{group:<width$} {coordinator:<25} {assignor:<20} {state:<15} {members}"
        ))
    };
    print(["GROUP", "COORDINATOR (ID)", "ASSIGNMENT-STRATEGY", "STATE", "#MEMBERS"])?;
    let members = group.members.len().to_string();
    Ok(print([&group.group, &coordinator, &group.assignor, group.state_name(), &members])?)
}

/// Everything about groups, for programs.
pub(super) async fn json(cluster: &Cluster, groups: &Groups) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for name in groups.names(cluster).await? {
        let group = admin::describe(cluster, &name).await?;
        if group.state.is_none() {
            anyhow::bail!("group {name} does not exist");
        }
        let offsets: Vec<Value> = rows(cluster, &group)
            .await?
            .iter()
            .map(|row| {
                json!({"topic": row.topic, "partition": row.partition, "committed": row.committed,
                    "end": row.end, "lag": row.lag(), "member": row.member.map(|member| &member.id)})
            })
            .collect();
        let members = group.members.iter().map(|member| {
            json!({"id": member.id, "instance_id": member.instance_id, "client_id": member.client_id,
                "host": member.host, "partitions": names(&member.partitions)})
        });
        let (id, address) = &group.coordinator;
        all.push(json!({"group": group.group, "state": group.state, "assignor": group.assignor,
            "coordinator": {"id": id, "address": address.to_string()},
            "members": members.collect::<Vec<_>>(), "offsets": offsets}));
    }
    Ok(output::line(serde_json::to_string_pretty(&all)?)?)
}

fn names<T>(partitions: &ByPartition<T>) -> Vec<String> {
    partitions.iter().map(|(topic, index, _)| format!("{topic}-{index}")).collect()
}

/// The lag of each group and topic, and in all.
pub(super) async fn lag(cluster: &Cluster, groups: &Groups, as_json: bool) -> anyhow::Result<()> {
    let mut all = Vec::new();
    for name in groups.names(cluster).await? {
        let group = admin::describe(cluster, &name).await?;
        let mut topics: BTreeMap<String, i64> = BTreeMap::new();
        for row in rows(cluster, &group).await? {
            *topics.entry(row.topic.clone()).or_default() += row.lag().unwrap_or(0);
        }
        all.extend(topics.into_iter().map(|(topic, lag)| (name.clone(), topic, lag)));
    }
    if as_json {
        let rows: Vec<Value> = all
            .iter()
            .map(|(group, topic, lag)| json!({"group": group, "topic": topic, "lag": lag}))
            .collect();
        return Ok(output::line(serde_json::to_string_pretty(&rows)?)?);
    }
    let groups = all.iter().map(|(group, ..)| group.len()).max().unwrap_or(0).max(15);
    let topics = all.iter().map(|(_, topic, _)| topic.len()).max().unwrap_or(0).max(15);
    output::line(format_args!("{:<groups$} {:<topics$} LAG", "GROUP", "TOPIC"))?;
    for (group, topic, lag) in &all {
        output::line(format_args!("{group:<groups$} {topic:<topics$} {lag}"))?;
    }
    Ok(())
}
