//! Deletes committed offsets of topics.

use anyhow::bail;
use barnabas_client::Cluster;
use barnabas_protocol::kafka::error_code::ErrorCode;

use super::admin;
use super::selection::Selection;
use crate::output;

pub(super) async fn delete(
    cluster: &Cluster,
    group: &str,
    selection: &Selection,
    topics: &[String],
) -> anyhow::Result<()> {
    let (partitions, missing) = selection.find(cluster).await?;
    let results = match admin::delete_offsets(cluster, group, &partitions).await {
        Ok(results) => results,
        Err(error) => bail!(match error.code() {
            Some(ErrorCode::GroupIdNotFound) => format!("'{group}' does not exist."),
            Some(ErrorCode::NonEmptyGroup) => format!(
                "Deleting offsets of a consumer group '{group}' is forbidden if the group is not empty."
            ),
            _ => format!("{error}"),
        }),
    };
    let failed = !missing.is_empty() || results.iter().any(|(_, _, code)| *code != ErrorCode::None);
    if !failed {
        let topics = topics.join(", ");
        output::line(format_args!(
            "Request succeed for deleting offsets with topic {topics} group {group}"
        ))?;
    }
    let row = |topic: &str, partition: &str, status: &str| {
        output::line(format_args!("{topic:<30} {partition:<15} {status:<15}"))
    };
    output::line("")?;
    row("TOPIC", "PARTITION", "STATUS")?;
    for topic in &missing {
        row(topic, "Not Provided", "Error: the topic does not exist")?;
    }
    for (topic, index, code) in results.iter() {
        let status = match code {
            ErrorCode::None => "Successful".to_owned(),
            code => format!("Error: {}", code.message()),
        };
        row(topic, &index.to_string(), &status)?;
    }
    if failed {
        bail!("Encounter some partition level error, see the follow-up details");
    }
    Ok(())
}
