//! The partitions that a group gives to this member.

use std::sync::Arc;

use barnabas_client::consumer::Consumer;
use barnabas_client::group::{Member, MemberConfig, Topics, View};
use barnabas_client::{ByPartition, Cluster};

use super::partitions::{Beginning, moved, remember};
use super::settings::Settings;

pub(super) struct Membership {
    /// None once it has left.
    member: Option<Member>,
    /// What was last acted on.
    view: View,
    committed: ByPartition<i64>,
}

impl Membership {
    pub(super) fn join(cluster: Arc<Cluster>, config: MemberConfig, topics: Topics) -> Self {
        let member = Some(Member::join(cluster, config, topics));
        Self { member, view: View::default(), committed: ByPartition::default() }
    }

    pub(super) async fn changed(&mut self) -> View {
        match &mut self.member {
            Some(member) => member.changed().await,
            None => std::future::pending().await,
        }
    }

    pub(super) fn alive(&self) {
        self.member.iter().for_each(Member::alive);
    }

    /// Gives up and takes on what the group says.
    pub(super) async fn take(
        &mut self,
        cluster: &Cluster,
        consumer: &mut Consumer,
        settings: &Settings,
        mut view: View,
    ) -> anyhow::Result<()> {
        loop {
            if let Some(failure) = view.failure {
                return Err(failure.into());
            }
            self.give_up(consumer, settings, &view).await;
            let mut added = view.held.set();
            added.retain(|topic, index, ()| !consumer.positions().contains(topic, index));
            self.view = view;
            if added.is_empty() {
                return Ok(());
            }
            // Meanwhile the group may change its mind.
            tokio::select! {
                beginning = Beginning::find(cluster, settings, None, &added) => {
                    let beginning = beginning?;
                    beginning.seek(consumer);
                    let committed = beginning.committed.iter();
                    self.committed.extend(committed.map(|(t, index, at)| (t.clone(), index, *at)));
                    return Ok(());
                }
                newer = self.changed() => view = newer,
            }
        }
    }

    /// Stops reading what is no longer held, and commits it if the group waits for that.
    async fn give_up(&mut self, consumer: &mut Consumer, settings: &Settings, view: &View) {
        let held = &self.view.held;
        let mut gone = consumer.positions().clone();
        gone.retain(|topic, index, _| {
            let now = view.held.get(topic, index);
            // Of another generation: somebody else had it meanwhile.
            now.is_none() || now != held.get(topic, index)
        });
        let partitions = gone.set();
        consumer.drop_partitions(&partitions);
        if view.release.is_some() && settings.commits {
            let view = View { committer: view.committer.clone(), ..self.view.clone() };
            self.commit_as(&view, &gone).await;
        }
        self.committed.retain(|topic, index, _| !partitions.contains(topic, index));
        if let (Some(number), Some(member)) = (view.release, &self.member) {
            member.released(number).await;
        }
    }

    pub(super) async fn commit(&mut self, positions: &ByPartition<i64>) {
        let view = self.view.clone();
        self.commit_as(&view, positions).await;
    }

    async fn commit_as(&mut self, view: &View, positions: &ByPartition<i64>) {
        let offsets = moved(positions, &self.committed);
        let Some(member) = self.member.as_ref().filter(|_| !offsets.is_empty()) else { return };
        remember(member.commit(view, &offsets).await, &offsets, &mut self.committed);
    }

    pub(super) async fn leave(&mut self) {
        if let Some(member) = self.member.take() {
            member.leave().await;
        }
    }
}
