//! Which partitions are read, and from where: those that a group gives to this member, or those
//! that were chosen.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::bail;
use barnabas_client::consumer::Consumer;
use barnabas_client::group::{Topics, View};
use barnabas_client::{ByPartition, Cluster, PartitionSet, offsets};
use barnabas_protocol::kafka::Str;

use super::chosen::Chosen;
use super::membership::Membership;
use super::options::ConsumeArgs;
use super::settings::Settings;
use super::start::Start;
use crate::output;

pub(super) enum Partitions {
    Member(Membership),
    Chosen(Chosen),
}

impl Partitions {
    pub(super) async fn new(
        cluster: &Arc<Cluster>,
        consumer: &mut Consumer,
        args: &ConsumeArgs,
        settings: &Settings,
    ) -> anyhow::Result<Self> {
        let topics = topics(cluster, args, settings).await?;
        // As in Kafka, a partition that was chosen needs no group to give it.
        if let (Some(config), None) = (&settings.membership, args.partition) {
            if args.offset.is_some() {
                bail!(
                    "a member of a group begins where the group has committed: leave out --offset, choose a \
                     --partition, or move the group first (barnabas group reset)"
                );
            }
            let member = Membership::join(Arc::clone(cluster), config.clone(), topics);
            return Ok(Self::Member(member));
        }
        let chosen = Chosen::new(cluster, consumer, args, settings, topics).await?;
        Ok(Self::Chosen(chosen))
    }

    /// Waits until the group gives or takes partitions.
    pub(super) async fn changed(&mut self) -> View {
        match self {
            Self::Member(membership) => membership.changed().await,
            Self::Chosen(_) => std::future::pending().await,
        }
    }

    /// Does what the group says.
    pub(super) async fn take(
        &mut self,
        cluster: &Cluster,
        consumer: &mut Consumer,
        settings: &Settings,
        view: View,
    ) -> anyhow::Result<()> {
        match self {
            Self::Member(membership) => membership.take(cluster, consumer, settings, view).await,
            Self::Chosen(_) => Ok(()),
        }
    }

    /// What has to be done from time to time.
    pub(super) async fn tick(
        &mut self,
        cluster: &Cluster,
        consumer: &mut Consumer,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        match self {
            Self::Member(membership) => {
                membership.alive();
                Ok(())
            }
            Self::Chosen(chosen) => chosen.refresh(cluster, consumer, settings).await,
        }
    }

    /// Commits how far reading has come.
    pub(super) async fn commit(
        &mut self,
        cluster: &Cluster,
        positions: &ByPartition<i64>,
        settings: &Settings,
    ) {
        if !settings.commits {
            return;
        }
        match self {
            Self::Member(membership) => membership.commit(positions).await,
            Self::Chosen(chosen) => chosen.commit(cluster, positions, settings).await,
        }
    }

    pub(super) async fn leave(&mut self) {
        if let Self::Member(membership) = self {
            membership.leave().await;
        }
    }
}

async fn topics(
    cluster: &Cluster,
    args: &ConsumeArgs,
    settings: &Settings,
) -> anyhow::Result<Topics> {
    match (&args.topic, args.pattern()?) {
        (None, Some(pattern)) => Ok(Topics::Matching(Arc::new(move |name| pattern.is_match(name)))),
        (topic, _) => {
            let topic = topic.as_deref().unwrap_or_default();
            cluster.topic(topic, settings.creates_topics).await?;
            Ok(Topics::Named(BTreeSet::from([Str::from(topic)])))
        }
    }
}

/// Where to begin.
#[derive(Default)]
pub(super) struct Beginning {
    pub(super) positions: ByPartition<i64>,
    /// What the group has committed, where it has.
    pub(super) committed: ByPartition<i64>,
}

impl Beginning {
    /// At `start`, else where the group has committed, else at the default.
    pub(super) async fn find(
        cluster: &Cluster,
        settings: &Settings,
        start: Option<Start>,
        partitions: &PartitionSet,
    ) -> anyhow::Result<Self> {
        let committed = match (&settings.group, start) {
            (Some(group), None) => offsets::committed(cluster, group, Some(partitions)).await?,
            _ => ByPartition::default(),
        };
        let missing = partitions.without(&committed);
        let mut positions = committed.clone();
        if let Some((topic, index, ())) = missing.iter().next() {
            let Some(start) = start.or(settings.default_start) else {
                bail!(
                    "there is no committed offset of {topic}-{index}, and auto.offset.reset is none"
                );
            };
            let found = start.resolve(cluster, &missing).await?;
            positions.extend(found.iter().map(|(topic, index, at)| (topic.clone(), index, *at)));
        }
        Ok(Self { positions, committed })
    }

    pub(super) fn seek(&self, consumer: &mut Consumer) {
        for (topic, index, offset) in self.positions.iter() {
            consumer.seek(topic.clone(), index, *offset);
        }
    }
}

/// Those that have moved since the last commit.
pub(super) fn moved(
    positions: &ByPartition<i64>,
    committed: &ByPartition<i64>,
) -> ByPartition<i64> {
    let mut moved = positions.clone();
    moved.retain(|topic, index, offset| committed.get(topic, index) != Some(offset));
    moved
}

/// Remembers, or tells of the failure: what was not committed is read again by whoever reads next.
pub(super) fn remember(
    outcome: Result<(), impl std::fmt::Display>,
    offsets: &ByPartition<i64>,
    committed: &mut ByPartition<i64>,
) {
    match outcome {
        Ok(()) => {
            committed.extend(offsets.iter().map(|(topic, index, at)| (topic.clone(), index, *at)))
        }
        Err(error) => output::note(format_args!("WARN offsets were not committed: {error}")),
    }
}
