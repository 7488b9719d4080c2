//! What a member of a group does next. Pure: no clock, no I/O; `now` is the time since the member
//! started.
//!
//! ```text
//!        ┌──────────── rejoin: somebody came or went ───────────┐
//!        ▼                                                      │
//! Out ──(give up partitions)──▶ Joining ──▶ [Assigning] ──▶ Syncing ──▶ Stable
//!  ▲                               │ leader only: share out       │        │
//!  └───────────────────────────────┴──────────── failed ──────────┴────────┘
//! ```
//! With an eager assignor a member gives up all partitions before it joins; with a cooperative one
//! it keeps them, gives up those that the leader takes from it afterwards, and joins once more so
//! that others get them (KIP-429).

mod answers;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::join_group::JoinGroupRequestProtocol;
use barnabas_protocol::kafka::messages::sync_group::SyncGroupRequestAssignment;
use barnabas_protocol::kafka::messages::{HeartbeatRequest, JoinGroupRequest, SyncGroupRequest};

pub(super) use self::answers::Failure;
use super::assign::Candidate;
use super::wire::{Assignment, Subscription};
use super::{Assignor, GroupError, MemberConfig, View};
use crate::offsets::Committer;
use crate::{ByPartition, PartitionSet};

/// The first pause after a failure, doubled up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The protocol of consumers, as opposed to other users of groups.
const PROTOCOL_TYPE: Str = Str::from_static("consumer");

/// What to do next. Until the answer to a request is there, nothing else is asked for.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// Find out where the coordinator is.
    FindCoordinator,
    Join(JoinGroupRequest),
    /// Find out how many partitions these topics have.
    Describe(BTreeSet<Str>),
    Sync(SyncGroupRequest),
    Heartbeat(HeartbeatRequest),
    /// Tell the coordinator that this member goes.
    Leave(Str),
    /// Nothing before this time.
    Wait(Option<Duration>),
    /// The membership has ended.
    End,
}

#[derive(Debug)]
enum Phase {
    /// Not in the group, or about to join again.
    Out,
    Joining,
    /// As the leader: finding out about the topics.
    Assigning(Assignor, Vec<Candidate>),
    /// With the assignments, as the leader.
    Syncing(Vec<SyncGroupRequestAssignment>),
    Stable,
}

#[derive(Debug)]
pub(super) struct Membership {
    config: MemberConfig,
    topics: BTreeSet<Str>,
    /// What the coordinator was told.
    joined_topics: BTreeSet<Str>,
    phase: Phase,
    /// An answer is on its way.
    busy: bool,
    knows_coordinator: bool,
    member_id: Str,
    /// -1 outside of the group.
    generation: i32,
    /// What the group has chosen.
    assignor: Option<Assignor>,
    held: ByPartition<i32>,
    /// The partitions of the last assignment, and its generation, for the sticky assignor.
    last: (PartitionSet, i32),
    /// The number of the release that is waited for.
    releasing: Option<u64>,
    releases: u64,
    /// The counts of partitions by which this member, as the leader, has shared out.
    shared_out: Option<BTreeMap<Str, i32>>,
    /// Why to join again.
    reason: &'static str,
    retry_at: Duration,
    pause: Duration,
    next_heartbeat: Duration,
    last_poll: Duration,
    failure: Option<GroupError>,
}

impl Membership {
    pub(super) fn new(config: MemberConfig, topics: BTreeSet<Str>) -> Self {
        Self {
            config,
            topics,
            joined_topics: BTreeSet::new(),
            phase: Phase::Out,
            busy: false,
            knows_coordinator: false,
            member_id: Str::default(),
            generation: -1,
            assignor: None,
            held: ByPartition::default(),
            last: (PartitionSet::default(), -1),
            releasing: None,
            releases: 0,
            shared_out: None,
            reason: "",
            retry_at: Duration::ZERO,
            pause: FIRST_PAUSE,
            next_heartbeat: Duration::ZERO,
            last_poll: Duration::ZERO,
            failure: None,
        }
    }

    pub(super) fn view(&self) -> View {
        let committer = Committer {
            generation: self.generation,
            member_id: self.member_id.clone(),
            instance_id: self.config.instance_id.clone(),
        };
        View {
            held: self.held.clone(),
            release: self.releasing,
            committer: (self.generation >= 0).then_some(committer),
            failure: self.failure.clone(),
        }
    }

    /// The consumer was last seen at work at this time.
    pub(super) fn polled(&mut self, at: Duration) {
        self.last_poll = self.last_poll.max(at);
    }

    /// The consumer has let go of what it no longer holds.
    pub(super) fn released(&mut self, number: u64) {
        if self.releasing == Some(number) {
            self.releasing = None;
            // It has given something up after an assignment, so that others can have it.
            if matches!(self.phase, Phase::Stable) {
                self.rejoin("partitions were given up");
            }
        }
    }

    /// What the topics are by now that are wanted, and how many partitions all of them have that
    /// the group wants.
    pub(super) fn topics_are(&mut self, topics: BTreeSet<Str>, counts: &BTreeMap<Str, i32>) {
        self.topics = topics;
        if !matches!(self.phase, Phase::Stable) {
            return;
        }
        let changed = |(topic, count): (&Str, &i32)| counts.get(topic).is_some_and(|c| c != count);
        if self.topics != self.joined_topics {
            self.rejoin("the subscription has changed");
        } else if self.shared_out.iter().flatten().any(changed) {
            self.rejoin("the number of partitions has changed");
        }
    }

    /// The topics whose partitions this member, as the leader, has shared out.
    pub(super) fn watched(&self) -> impl Iterator<Item = &Str> {
        self.shared_out.iter().flat_map(BTreeMap::keys)
    }

    /// Ends the membership; returns the member id if the coordinator has to know. A static member
    /// keeps its place.
    pub(super) fn leave(&mut self) -> Option<Str> {
        let id = std::mem::take(&mut self.member_id);
        self.lose();
        (self.config.instance_id.is_none() && !id.is_empty()).then_some(id)
    }

    fn is_cooperative(&self) -> bool {
        self.config.assignors.iter().all(|one| *one == Assignor::CooperativeSticky)
    }

    fn rejoin(&mut self, reason: &'static str) {
        self.phase = Phase::Out;
        self.reason = reason;
    }

    /// Is no longer in the group: somebody else has the partitions.
    fn lose(&mut self) {
        self.generation = -1;
        self.held = ByPartition::default();
        self.releasing = None;
        self.shared_out = None;
        self.phase = Phase::Out;
    }

    /// Gives up partitions: the consumer has to let go of them.
    fn release(&mut self, partitions: &PartitionSet) {
        self.held.retain(|topic, index, _| !partitions.contains(topic, index));
        self.releases += 1;
        self.releasing = Some(self.releases);
    }

    pub(super) fn next(&mut self, now: Duration) -> Step {
        if self.failure.is_some() {
            return Step::End;
        }
        if self.is_idle(now) {
            return self.pause_membership();
        }
        if self.busy {
            return Step::Wait(Some(self.poll_deadline()));
        }
        if now < self.retry_at {
            return Step::Wait(Some(self.retry_at.min(self.poll_deadline())));
        }
        let step = if self.knows_coordinator { self.act(now) } else { Step::FindCoordinator };
        self.busy = !matches!(step, Step::Wait(_) | Step::End);
        step
    }

    fn poll_deadline(&self) -> Duration {
        self.last_poll.saturating_add(self.config.poll_interval)
    }

    fn is_idle(&self, now: Duration) -> bool {
        now >= self.poll_deadline()
    }

    /// The consumer is stuck: lets others have its partitions until it comes back.
    fn pause_membership(&mut self) -> Step {
        match self.leave() {
            Some(id) if self.knows_coordinator => Step::Leave(id),
            _ => Step::Wait(None),
        }
    }

    fn act(&mut self, now: Duration) -> Step {
        match &mut self.phase {
            Phase::Out if self.releasing.is_some() => self.heartbeat(now),
            Phase::Out => self.join(now),
            Phase::Stable => self.heartbeat(now),
            Phase::Assigning(_, candidates) => {
                let wanted = candidates.iter().flat_map(|one| one.subscription.topics.clone());
                Step::Describe(wanted.collect())
            }
            Phase::Syncing(assignments) => {
                let assignments = std::mem::take(assignments);
                Step::Sync(self.sync(assignments))
            }
            // Its answer is awaited.
            Phase::Joining => Step::Wait(None),
        }
    }

    fn join(&mut self, now: Duration) -> Step {
        let cooperative = self.is_cooperative();
        let mut given_up = self.held.set();
        given_up.retain(|topic, _, ()| !cooperative || !self.topics.contains(topic));
        if !given_up.is_empty() {
            self.release(&given_up);
            return self.heartbeat(now);
        }
        self.phase = Phase::Joining;
        self.joined_topics = self.topics.clone();
        self.shared_out = None;
        let millis = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
        Step::Join(JoinGroupRequest {
            group_id: self.config.group.clone(),
            session_timeout_ms: millis(self.config.session_timeout),
            rebalance_timeout_ms: millis(self.config.poll_interval),
            member_id: self.member_id.clone(),
            group_instance_id: self.config.instance_id.clone(),
            protocol_type: PROTOCOL_TYPE,
            protocols: self.config.assignors.iter().map(|one| self.protocol(*one)).collect(),
            reason: Some(Str::from_static(self.reason)),
        })
    }

    fn protocol(&self, assignor: Assignor) -> JoinGroupRequestProtocol {
        let subscription = Subscription {
            topics: self.topics.iter().cloned().collect(),
            user_data: assignor.user_data(&self.last.0, self.last.1),
            owned: self.held.set(),
            generation: self.generation,
        };
        // Names that are too long for the format are not those of topics.
        let metadata = subscription.encode().unwrap_or_default();
        JoinGroupRequestProtocol { name: Str::from_static(assignor.name()), metadata }
    }

    fn sync(&self, assignments: Vec<SyncGroupRequestAssignment>) -> SyncGroupRequest {
        SyncGroupRequest {
            group_id: self.config.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.instance_id.clone(),
            protocol_type: Some(PROTOCOL_TYPE),
            protocol_name: self.assignor.map(|one| Str::from_static(one.name())),
            assignments,
        }
    }

    fn heartbeat(&mut self, now: Duration) -> Step {
        if self.generation < 0 {
            return Step::Wait(Some(self.poll_deadline()));
        }
        if now < self.next_heartbeat {
            return Step::Wait(Some(self.next_heartbeat.min(self.poll_deadline())));
        }
        self.next_heartbeat = now + self.config.heartbeat_interval;
        Step::Heartbeat(HeartbeatRequest {
            group_id: self.config.group.clone(),
            generation_id: self.generation,
            member_id: self.member_id.clone(),
            group_instance_id: self.config.instance_id.clone(),
        })
    }
}

/// Shares out the partitions among the members of a generation.
fn share_out(
    assignor: Assignor,
    candidates: &[Candidate],
    counts: &BTreeMap<Str, i32>,
) -> Vec<SyncGroupRequestAssignment> {
    let assignments = assignor.assign(counts, candidates).into_iter();
    let entry = |(member_id, partitions)| SyncGroupRequestAssignment {
        member_id,
        assignment: Assignment { partitions }.encode().unwrap_or_default(),
    };
    assignments.map(entry).collect()
}
