//! What the controller does without being asked: elections after brokers came or went, or where an
//! unclean one was allowed; topics that were cut off in the middle; and `min.insync.replicas` in
//! the states of partitions.
//!
//! It looks at what changed since it last looked. All topics are visited only when a term begins,
//! when brokers come or go, and when a default changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::state::ids::BrokerId;

use super::apply::Outcome;
use super::plan::broker_change::{self, Leaderless};
use super::plan::elect_leader::Missing;
use super::plan::{ChangeSet, leftovers, min_isr, restored, unclean};
use crate::metadata::{Image, Revision, TopicName};

/// Pauses before what failed is tried again: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Reasons for which partitions have no leader that are reported at a time.
const REPORTED: usize = 10;

/// The upkeep of one term.
#[derive(Debug)]
pub(super) struct Upkeep {
    /// What this broker was started with.
    configured: TopicDefaults,
    /// The view that was last looked at.
    seen: Arc<Image>,
    /// What holds in that view.
    defaults: Option<TopicDefaults>,
    /// The topics that have to be looked at.
    due: BTreeSet<TopicName>,
    /// What the partitions were last adjusted to.
    adjusted: Option<Basis>,
    /// The partitions without a leader are still to be reported.
    unreported: bool,
    /// What the sets of the last plan are about, in their order.
    planned: Vec<About>,
    /// The last plan left partitions without a leader, because etcd was restored.
    withdrawn: bool,
    failures: u32,
}

/// What leaders are elected by, besides the states of the partitions.
#[derive(Debug, PartialEq, Eq)]
struct Basis {
    registrations: BTreeMap<BrokerId, Revision>,
    /// How often etcd was restored.
    restored: i64,
}

/// What holds for topics that do not override it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TopicDefaults {
    /// `min.insync.replicas`
    pub(super) min_isr: i32,
    /// `unclean.leader.election.enable`
    pub(super) unclean: bool,
}

/// What a set is about.
#[derive(Clone, Debug)]
enum About {
    Topic(TopicName),
    Brokers,
}

impl Upkeep {
    pub(super) fn new(configured: TopicDefaults) -> Self {
        Self {
            configured,
            seen: Arc::default(),
            defaults: None,
            due: BTreeSet::new(),
            adjusted: None,
            unreported: false,
            planned: Vec::new(),
            withdrawn: false,
            failures: 0,
        }
    }

    /// What has to be written now. Nothing else may be planned until the outcomes are settled.
    pub(super) fn plan(&mut self, view: &Arc<Image>) -> Vec<ChangeSet> {
        let defaults = TopicDefaults {
            min_isr: min_isr::default(view, self.configured.min_isr),
            unclean: unclean::default(view, self.configured.unclean),
        };
        let changed = view.topics_changed_since(&self.seen);
        report_damage(view, &changed);
        if changed.iter().any(|name| broker_change::wants_election(view, name)) {
            // A topic came back without its leaders, or a partition was adopted.
            self.adjusted = None;
        }
        self.due.extend(changed);
        if self.defaults.replace(defaults) != Some(defaults) {
            self.due.extend(view.topics.keys().cloned());
        }
        self.seen = Arc::clone(view);
        let mut sets = self.adjust(view, defaults.unclean);
        self.withdrawn = sets.iter().any(|(_, set)| restored::withdraws(set));
        // An election may write the same states: what else is due follows in the next plan.
        let settled = sets.is_empty();
        if settled && std::mem::take(&mut self.unreported) {
            report_leaderless(view);
        }
        for name in &self.due {
            let about_topic = |set| (About::Topic(name.clone()), set);
            sets.extend(leftovers::plan(view, name).into_iter().map(about_topic));
            if settled {
                sets.extend(states(view, name, defaults).into_iter().map(about_topic));
            }
        }
        if settled {
            self.due.clear();
        }
        let (planned, sets) = sets.into_iter().unzip();
        self.planned = planned;
        sets
    }

    /// Adjusts the partitions if the brokers are others than before, or etcd was restored.
    fn adjust(&mut self, view: &Image, unclean: bool) -> Vec<(About, ChangeSet)> {
        let registrations = broker_change::registrations(view);
        let basis = Basis { registrations, restored: view.restored.count };
        if self.adjusted.as_ref() == Some(&basis) {
            return Vec::new();
        }
        self.adjusted = Some(basis);
        self.unreported = true;
        broker_change::plan(view, unclean).into_iter().map(|set| (About::Brokers, set)).collect()
    }

    /// Takes over what became of the sets of the last plan.
    pub(super) fn settle(&mut self, outcomes: &[Outcome]) {
        let mut failed = false;
        let withdrawn = std::mem::take(&mut self.withdrawn);
        let adjusted = self.planned.iter().filter(|about| matches!(about, About::Brokers)).count();
        for (about, outcome) in self.planned.drain(..).zip(outcomes) {
            if matches!(outcome, Outcome::Written(_)) {
                continue;
            }
            failed = true;
            match about {
                About::Topic(name) => drop(self.due.insert(name)),
                About::Brokers => self.adjusted = None,
            }
        }
        if let Some(brokers) = &self.adjusted
            && adjusted > 0
        {
            let brokers = brokers.registrations.len();
            tracing::info!(brokers, changes = adjusted, "partitions adjusted to brokers");
        }
        if withdrawn {
            // Their leaders are elected next.
            self.adjusted = None;
        }
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
    }

    /// When to try again what failed, if something did.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let doublings = self.failures.checked_sub(1)?.min(10);
        Some(FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE))
    }
}

/// What is due in the states of a topic's partitions: elections that its configuration allows now,
/// or, where there are none, its `min.insync.replicas`.
fn states(view: &Image, name: &TopicName, defaults: TopicDefaults) -> Vec<ChangeSet> {
    let Some(topic) = view.topics.get(name) else { return Vec::new() };
    let elections: Vec<_> = broker_change::elections(view, topic, defaults.unclean).collect();
    if !elections.is_empty() {
        return elections;
    }
    let min_isr = min_isr::of_topic(&topic.configs.values, defaults.min_isr);
    min_isr::level(topic, min_isr).map(|change| vec![change].into()).collect()
}

/// Says which partitions nobody can lead, and what helps.
fn report_leaderless(view: &Image) {
    for (missing, leaderless) in broker_change::leaderless(view).iter().take(REPORTED) {
        let Leaderless { count: partitions, example: (topic, index) } = leaderless;
        match missing {
            Missing::Brokers(brokers) => tracing::warn!(
                partitions,
                "no leader, for example for {topic}-{index}: the records are on brokers that are not there ({})",
                list(brokers)
            ),
            Missing::Data(brokers) => tracing::error!(
                partitions,
                "no leader, for example for {topic}-{index}: the records are not in the data directories that brokers {} \
                 have now. Start them with the directories that they had before (is a disk not mounted?). If those are \
                 lost, unclean.leader.election.enable=true of the topic lets a replica lead without the records",
                list(brokers)
            ),
            Missing::Comparison(brokers) => tracing::error!(
                partitions,
                "no leader, for example for {topic}-{index}: each of the brokers {} may have lost records, and comparing \
                 their logs is not available yet. unclean.leader.election.enable=true of the topic lets one of them lead",
                list(brokers)
            ),
        }
    }
}

fn list(brokers: &[BrokerId]) -> String {
    brokers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn report_damage(view: &Image, names: &BTreeSet<TopicName>) {
    for name in names {
        if let Some(damage) = leftovers::damage(view, name) {
            tracing::error!(topic = %name, "{damage}");
        }
    }
}
