//! What the controller does without being asked: elections after brokers came or went, topics that
//! were cut off in the middle, and `min.insync.replicas` in the states of partitions.
//!
//! It looks at what changed since it last looked. All topics are visited only when a term begins,
//! when brokers come or go, and when a default changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};

use super::apply::Outcome;
use super::plan::{ChangeSet, broker_change, leftovers, min_isr, restored};
use crate::metadata::{Image, TopicName};

/// Pauses before what failed is tried again: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The upkeep of one term.
#[derive(Debug)]
pub(super) struct Upkeep {
    /// `min.insync.replicas` that this broker was started with.
    configured_min_isr: i32,
    /// The view that was last looked at.
    seen: Arc<Image>,
    /// `min.insync.replicas` of topics that do not override it, in that view.
    default_min_isr: Option<i32>,
    /// The topics that have to be looked at.
    due: BTreeSet<TopicName>,
    /// What the partitions were last adjusted to.
    adjusted: Option<Basis>,
    /// What the sets of the last plan are about, in their order.
    planned: Vec<About>,
    /// The last plan left partitions without a leader, because etcd was restored.
    withdrawn: bool,
    failures: u32,
}

/// What leaders are elected by, besides the states of the partitions.
#[derive(Debug, PartialEq, Eq)]
struct Basis {
    registrations: BTreeMap<BrokerId, BrokerEpoch>,
    /// How often etcd was restored.
    restored: i64,
}

/// What a set is about.
#[derive(Clone, Debug)]
enum About {
    Topic(TopicName),
    Brokers,
}

impl Upkeep {
    pub(super) fn new(configured_min_isr: i32) -> Self {
        Self {
            configured_min_isr,
            seen: Arc::default(),
            default_min_isr: None,
            due: BTreeSet::new(),
            adjusted: None,
            planned: Vec::new(),
            withdrawn: false,
            failures: 0,
        }
    }

    /// What has to be written now. Nothing else may be planned until the outcomes are settled.
    pub(super) fn plan(&mut self, view: &Arc<Image>) -> Vec<ChangeSet> {
        let default_min_isr = min_isr::default(view, self.configured_min_isr);
        let changed = view.topics_changed_since(&self.seen);
        report_damage(view, &changed);
        if changed.iter().any(|name| broker_change::wants_election(view, name)) {
            // A topic came back without its leaders, or a partition was adopted.
            self.adjusted = None;
        }
        self.due.extend(changed);
        if self.default_min_isr.replace(default_min_isr) != Some(default_min_isr) {
            self.due.extend(view.topics.keys().cloned());
        }
        self.seen = Arc::clone(view);
        let mut sets = self.adjust(view);
        self.withdrawn = sets.iter().any(|(_, set)| restored::withdraws(set));
        // An election may write the same states: their settings follow in the next plan.
        let leveled = sets.is_empty();
        for name in &self.due {
            let left_over = leftovers::plan(view, name);
            let levels = level(view, name, default_min_isr).filter(|_| leveled);
            let about_topic = |set| (About::Topic(name.clone()), set);
            sets.extend(left_over.into_iter().chain(levels).map(about_topic));
        }
        if leveled {
            self.due.clear();
        }
        let (planned, sets) = sets.into_iter().unzip();
        self.planned = planned;
        sets
    }

    /// Adjusts the partitions if the brokers are others than before, or etcd was restored.
    fn adjust(&mut self, view: &Image) -> Vec<(About, ChangeSet)> {
        let registrations = broker_change::registrations(view);
        let basis = Basis { registrations, restored: view.restored.count };
        if self.adjusted.as_ref() == Some(&basis) {
            return Vec::new();
        }
        self.adjusted = Some(basis);
        broker_change::plan(view).into_iter().map(|set| (About::Brokers, set)).collect()
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

/// Corrects `min.insync.replicas` in the states of a topic's partitions.
fn level(
    view: &Image,
    name: &TopicName,
    default_min_isr: i32,
) -> impl Iterator<Item = ChangeSet> + use<> {
    let changes: Vec<_> = view.topics.get(name).map_or_else(Vec::new, |topic| {
        let min_isr = min_isr::of_topic(&topic.configs.values, default_min_isr);
        min_isr::level(topic, min_isr).collect()
    });
    changes.into_iter().map(|change| vec![change].into())
}

fn report_damage(view: &Image, names: &BTreeSet<TopicName>) {
    for name in names {
        if let Some(damage) = leftovers::damage(view, name) {
            tracing::error!(topic = %name, "{damage}");
        }
    }
}
