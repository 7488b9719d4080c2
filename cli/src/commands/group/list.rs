//! The groups there are.

use anyhow::bail;
use barnabas_client::Cluster;
use barnabas_protocol::kafka::messages::list_groups::ListedGroup;
use serde_json::json;

use super::admin;
use crate::output;

const STATES: [&str; 7] = [
    "PreparingRebalance",
    "CompletingRebalance",
    "Stable",
    "Dead",
    "Empty",
    "Assigning",
    "Reconciling",
];
const TYPES: [&str; 2] = ["Consumer", "Classic"];

/// A column that is shown, with only the values that are asked for; none for all.
pub(super) type Filter = Option<Vec<String>>;

/// Reads the values of a filter as Kafka does, in any case.
pub(super) fn filter(what: &str, given: Option<&str>) -> anyhow::Result<Filter> {
    let known: &[&str] = if what == "state" { &STATES } else { &TYPES };
    let Some(text) = given else { return Ok(None) };
    let wanted: Vec<String> =
        text.split(',').map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect();
    for value in &wanted {
        if !known.iter().any(|known| known.eq_ignore_ascii_case(value)) {
            bail!("Invalid {what} list '{text}'. Valid {what}s are: {}", known.join(", "));
        }
    }
    Ok(Some(wanted))
}

fn passes(filter: &Filter, value: &str) -> bool {
    filter
        .as_ref()
        .is_none_or(|all| all.is_empty() || all.iter().any(|one| one.eq_ignore_ascii_case(value)))
}

/// Prints the names, and of states and types those columns that are filtered.
pub(super) async fn run(cluster: &Cluster, states: Filter, types: Filter) -> anyhow::Result<()> {
    let groups = admin::list(cluster).await?;
    if states.is_none() && types.is_none() {
        return Ok(groups.iter().try_for_each(|group| output::line(&group.group_id))?);
    }
    let width = groups.iter().map(|group| group.group_id.len()).max().unwrap_or(0).max(15) + 10;
    let row = |group: &str, kind: &str, state: &str| {
        let kind = types.as_ref().map(|_| format!(" {kind:<20}")).unwrap_or_default();
        let state = states.as_ref().map(|_| format!(" {state:<20}")).unwrap_or_default();
        output::line(format_args!("{group:<width$}{kind}{state}"))
    };
    row("GROUP", "TYPE", "STATE")?;
    for group in &groups {
        if passes(&states, &group.group_state) && passes(&types, type_of(group)) {
            row(&group.group_id, type_of(group), &group.group_state)?;
        }
    }
    Ok(())
}

fn type_of(group: &ListedGroup) -> &str {
    match &*group.group_type {
        "consumer" => "Consumer",
        _ => "Classic",
    }
}

pub(super) async fn json(cluster: &Cluster) -> anyhow::Result<()> {
    let groups = admin::list(cluster).await?;
    let all: Vec<_> = groups
        .iter()
        .map(|one| json!({"group": &*one.group_id, "state": &*one.group_state, "type": type_of(one)}))
        .collect();
    Ok(output::line(serde_json::to_string_pretty(&all)?)?)
}
