//! Topics and partitions as they are named on a command line: `topic` or `topic:0,1,2`.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use barnabas_client::{Cluster, PartitionSet};
use barnabas_protocol::kafka::Str;

use super::admin::partitions_of;

/// Which partitions a command is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// All partitions of these.
    whole: BTreeSet<String>,
    chosen: PartitionSet,
}

impl Selection {
    pub(super) fn parse(texts: &[String]) -> anyhow::Result<Self> {
        let mut selection = Self::default();
        for text in texts {
            let Some((topic, partitions)) = text.split_once(':') else {
                selection.whole.insert(text.clone());
                continue;
            };
            for partition in partitions.split(',') {
                let index: i32 = partition.parse().with_context(|| {
                    format!("Invalid partition '{partition}' specified in topic arg '{text}'")
                })?;
                selection.chosen.insert(Str::from(topic), index, ());
            }
        }
        Ok(selection)
    }

    /// The partitions, and the topics of which there are none because they do not exist.
    pub(super) async fn find(
        &self,
        cluster: &Cluster,
    ) -> anyhow::Result<(PartitionSet, Vec<String>)> {
        let (mut found, missing) = partitions_of(cluster, &self.whole).await?;
        found.extend(self.chosen.iter().map(|(topic, index, ())| (topic.clone(), index, ())));
        Ok((found, missing))
    }

    /// The partitions; all topics must exist.
    pub(super) async fn find_all(&self, cluster: &Cluster) -> anyhow::Result<PartitionSet> {
        let (found, missing) = self.find(cluster).await?;
        if let Some(topic) = missing.first() {
            bail!("topic {topic} does not exist");
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_with_and_without_partitions() {
        let texts = ["a".to_owned(), "b:0,2".to_owned()];
        let selection = Selection::parse(&texts).expect("valid");
        assert_eq!(selection.whole, BTreeSet::from(["a".to_owned()]));
        assert_eq!(selection.chosen, [("b".into(), 0), ("b".into(), 2)].into_iter().collect());
        for wrong in ["b:", "b:x", "b:1,,2"] {
            assert!(Selection::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
