//! One partition that was chosen, or all of some topics, without joining a group.

use std::time::{Duration, Instant};

use anyhow::bail;
use barnabas_client::consumer::Consumer;
use barnabas_client::group::Topics;
use barnabas_client::offsets::Committer;
use barnabas_client::{ByPartition, ClientError, Cluster, PartitionSet, offsets};
use barnabas_protocol::kafka::Str;
use tokio::time::timeout;

use super::options::ConsumeArgs;
use super::partitions::{Beginning, moved, remember};
use super::session::now;
use super::settings::Settings;
use crate::output;

/// How long a commit may take.
const COMMIT_TIME: Duration = Duration::from_secs(5);

pub(super) struct Chosen {
    partition: Option<i32>,
    topics: Topics,
    /// When it was last looked for partitions.
    looked: Instant,
    known: PartitionSet,
    committed: ByPartition<i64>,
}

impl Chosen {
    pub(super) async fn new(
        cluster: &Cluster,
        consumer: &mut Consumer,
        args: &ConsumeArgs,
        settings: &Settings,
        topics: Topics,
    ) -> anyhow::Result<Self> {
        let (known, committed) = (PartitionSet::default(), ByPartition::default());
        let mut chosen =
            Self { partition: args.partition, topics, looked: now(), known, committed };
        let found = cluster.retry(async || chosen.look(cluster).await).await?;
        if found.is_empty() {
            match (&args.topic, args.partition) {
                (Some(topic), Some(one)) => bail!("{topic} has no partition {one}"),
                _ => output::note("WARN no topic matches yet, waiting for one"),
            }
        }
        let beginning = Beginning::find(cluster, settings, args.offset, &found).await?;
        beginning.seek(consumer);
        (chosen.known, chosen.committed) = (found, beginning.committed);
        Ok(chosen)
    }

    /// The partitions there are, of those that are wanted.
    async fn look(&self, cluster: &Cluster) -> Result<PartitionSet, ClientError> {
        let described = match &self.topics {
            Topics::Named(names) => {
                let names: Vec<&str> = names.iter().map(|name| &**name).collect();
                cluster.metadata(Some(&names)).await?.topics
            }
            Topics::Matching(matches) => {
                let mut all = cluster.metadata(None).await?.topics;
                all.retain(|topic| {
                    !topic.is_internal && topic.name.as_deref().is_some_and(|n| matches(n))
                });
                all
            }
        };
        let mut found = PartitionSet::default();
        for topic in described {
            let name = topic.name.map(|name| Str::detach(&name)).unwrap_or_default();
            let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
            let wanted = indexes.filter(|index| self.partition.is_none_or(|one| one == *index));
            found.extend(wanted.map(|index| (name.clone(), index, ())));
        }
        Ok(found)
    }

    /// Looks for new partitions and topics, if it is time for that.
    pub(super) async fn refresh(
        &mut self,
        cluster: &Cluster,
        consumer: &mut Consumer,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        if self.looked.elapsed() < settings.metadata_age {
            return Ok(());
        }
        self.looked = now();
        // A cluster that cannot be asked now is asked again the next time.
        let Ok(found) = self.look(cluster).await else { return Ok(()) };
        let added = found.without(&self.known);
        if !added.is_empty() {
            Beginning::find(cluster, settings, None, &added).await?.seek(consumer);
            self.known.extend(added.iter().map(|(topic, index, ())| (topic.clone(), index, ())));
        }
        Ok(())
    }

    pub(super) async fn commit(
        &mut self,
        cluster: &Cluster,
        positions: &ByPartition<i64>,
        settings: &Settings,
    ) {
        let offsets = moved(positions, &self.committed);
        let Some(group) = settings.group.as_ref().filter(|_| !offsets.is_empty()) else { return };
        let outsider = Committer::default();
        let committing = offsets::commit(cluster, group, &outsider, &offsets);
        let outcome = match timeout(COMMIT_TIME, committing).await {
            Ok(outcome) => outcome.map_err(|error| error.to_string()),
            Err(_) => Err("the coordinator does not answer".to_owned()),
        };
        remember(outcome, &offsets, &mut self.committed);
    }
}
