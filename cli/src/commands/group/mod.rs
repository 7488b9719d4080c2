//! `kafka-consumer-groups` and `barnabas group`: two ways to say the same things.

mod admin;
mod describe;
pub(crate) mod kafka;
mod list;
pub(crate) mod native;
mod offsets;
mod plan;
mod reset;
mod selection;

use anyhow::bail;
use barnabas_client::Cluster;

use crate::output;

/// Which groups a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Groups {
    All,
    Named(Vec<String>),
}

impl Groups {
    async fn names(&self, cluster: &Cluster) -> anyhow::Result<Vec<String>> {
        match self {
            Self::All => Ok(admin::list_ids(cluster).await?),
            Self::Named(names) => Ok(names.clone()),
        }
    }
}

/// Deletes groups with their offsets, and says which ones could not be deleted.
async fn delete(cluster: &Cluster, groups: &Groups) -> anyhow::Result<()> {
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    for group in groups.names(cluster).await? {
        match admin::delete(cluster, &group).await {
            Ok(()) => deleted.push(group),
            Err(error) => {
                failed.push(format!("* Group '{group}' could not be deleted due to: {error}"))
            }
        }
    }
    let names = deleted.join("', '");
    if failed.is_empty() {
        output::line(format_args!(
            "Deletion of requested consumer groups ('{names}') was successful."
        ))?;
        return Ok(());
    }
    if !deleted.is_empty() {
        output::line(format_args!("These consumer groups were deleted successfully: '{names}'"))?;
    }
    bail!("Deletion of some consumer groups failed:\n{}", failed.join("\n"));
}
