//! What the coordinator's answers mean.

use std::collections::BTreeMap;
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::join_group::JoinGroupResponseMember;
use barnabas_protocol::kafka::messages::{HeartbeatResponse, JoinGroupResponse, SyncGroupResponse};

use super::{FIRST_PAUSE, LONGEST_PAUSE, Membership, Phase, share_out};
use crate::ClientError;
use crate::group::assign::Candidate;
use crate::group::wire::{Assignment, Subscription};
use crate::group::{Assignor, GroupError};

/// Why there is no answer, or not the one that was hoped for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::group) enum Failure {
    /// The coordinator refuses.
    Code(ErrorCode),
    /// It cannot be reached, or does not answer.
    Unreachable,
    /// It cannot be understood.
    Protocol(String),
}

impl From<&ClientError> for Failure {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::Refused { code, .. } => Self::Code(*code),
            error if error.is_retriable() => Self::Unreachable,
            error => Self::Protocol(error.to_string()),
        }
    }
}

type Outcome<T> = Result<T, Failure>;

impl Membership {
    /// Where the coordinator is, is known by now.
    pub(in crate::group) fn coordinator_found(&mut self, now: Duration, outcome: Outcome<()>) {
        self.busy = false;
        match outcome {
            Ok(()) => {
                self.knows_coordinator = true;
                self.next_heartbeat = now;
            }
            Err(failure) => self.failed(now, &failure),
        }
    }

    pub(in crate::group) fn joined(&mut self, now: Duration, outcome: Outcome<JoinGroupResponse>) {
        self.busy = false;
        let answer = match outcome {
            // The first time, the coordinator gives the member an id to join with.
            Ok(answer) if answer.error_code == ErrorCode::MemberIdRequired => {
                self.member_id = answer.member_id.detach();
                return self.rejoin("the coordinator has given the member its id");
            }
            Ok(answer) if answer.error_code == ErrorCode::None => answer,
            Ok(answer) => return self.failed(now, &Failure::Code(answer.error_code)),
            Err(failure) => return self.failed(now, &failure),
        };
        if !matches!(self.phase, Phase::Joining) {
            return;
        }
        self.pause = FIRST_PAUSE;
        self.member_id = answer.member_id.detach();
        self.generation = answer.generation_id;
        let chosen = answer.protocol_name.as_deref().unwrap_or_default();
        let Some(assignor) = Assignor::parse(chosen) else {
            let text = format!("the group has chosen {chosen}, which this client does not have");
            return self.fail(GroupError::Assignor(text));
        };
        self.assignor = Some(assignor);
        self.phase = if answer.leader == answer.member_id && !answer.skip_assignment {
            match candidates(&answer) {
                Ok(candidates) => Phase::Assigning(assignor, candidates),
                Err(error) => return self.fail(error),
            }
        } else {
            Phase::Syncing(Vec::new())
        };
    }

    /// How many partitions the topics have that the members want.
    pub(in crate::group) fn described(
        &mut self,
        now: Duration,
        outcome: Outcome<BTreeMap<Str, i32>>,
    ) {
        self.busy = false;
        match (outcome, &self.phase) {
            (Ok(counts), Phase::Assigning(assignor, candidates)) => {
                self.phase = Phase::Syncing(share_out(*assignor, candidates, &counts));
                self.shared_out = Some(counts);
            }
            (Ok(_), _) => {}
            // Tried again: the others wait for the assignment.
            (Err(_), _) => self.back_off(now),
        }
    }

    pub(in crate::group) fn synced(&mut self, now: Duration, outcome: Outcome<SyncGroupResponse>) {
        self.busy = false;
        let answer = match outcome {
            Ok(answer) if answer.error_code == ErrorCode::None => answer,
            Ok(answer) => return self.failed(now, &Failure::Code(answer.error_code)),
            Err(failure) => return self.failed(now, &failure),
        };
        if !matches!(self.phase, Phase::Syncing(_)) {
            return;
        }
        let assigned = match Assignment::decode(answer.assignment) {
            Ok(assignment) => assignment.partitions,
            Err(error) => return self.fail(GroupError::Assignor(error.to_string())),
        };
        let given_up = self.held.set().without(&assigned);
        for (topic, index, ()) in assigned.iter() {
            if !self.held.contains(topic, index) {
                self.held.insert(topic.clone(), index, self.generation);
            }
        }
        self.last = (assigned, self.generation);
        self.phase = Phase::Stable;
        self.next_heartbeat = now + self.config.heartbeat_interval;
        if !given_up.is_empty() {
            self.release(&given_up);
        } else if self.topics != self.joined_topics {
            self.rejoin("the subscription has changed");
        }
    }

    pub(in crate::group) fn heartbeat_answered(
        &mut self,
        now: Duration,
        outcome: Outcome<HeartbeatResponse>,
    ) {
        self.busy = false;
        match outcome {
            Ok(answer) if answer.error_code == ErrorCode::None => self.pause = FIRST_PAUSE,
            Ok(answer) if answer.error_code == ErrorCode::RebalanceInProgress => {
                // What is being given up is given up first.
                if matches!(self.phase, Phase::Stable) {
                    self.rejoin("the group is rebalancing");
                }
            }
            Ok(answer) => self.failed(now, &Failure::Code(answer.error_code)),
            Err(failure) => self.failed(now, &failure),
        }
    }

    fn failed(&mut self, now: Duration, failure: &Failure) {
        if !matches!(self.phase, Phase::Stable) {
            self.phase = Phase::Out;
        }
        match failure {
            Failure::Unreachable
            | Failure::Code(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable) => {
                self.knows_coordinator = false;
                self.back_off(now);
            }
            Failure::Code(ErrorCode::UnknownMemberId) => {
                self.member_id = Str::default();
                self.lose();
            }
            // The id may still be good.
            Failure::Code(ErrorCode::IllegalGeneration) => self.lose(),
            Failure::Code(ErrorCode::RebalanceInProgress) => {
                self.rejoin("the group is rebalancing")
            }
            Failure::Code(ErrorCode::FencedInstanceId) => {
                let name = self.config.instance_id.clone().unwrap_or_default();
                self.fail(GroupError::Fenced(name));
            }
            Failure::Code(ErrorCode::InconsistentGroupProtocol) => {
                let names: Vec<_> = self.config.assignors.iter().map(|one| one.name()).collect();
                let text = format!("none of {} is used by all members", names.join(", "));
                self.fail(GroupError::Assignor(text));
            }
            Failure::Code(code) if code.is_retriable() => self.back_off(now),
            Failure::Code(code) => self.fail(GroupError::Refused(*code)),
            Failure::Protocol(text) => self.fail(GroupError::Protocol(text.clone())),
        }
    }

    fn back_off(&mut self, now: Duration) {
        self.retry_at = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn fail(&mut self, error: GroupError) {
        self.lose();
        self.failure = Some(error);
    }
}

fn candidates(answer: &JoinGroupResponse) -> Result<Vec<Candidate>, GroupError> {
    let candidate = |member: &JoinGroupResponseMember| {
        let subscription = Subscription::decode(member.metadata.clone())
            .map_err(|error| GroupError::Assignor(error.to_string()))?;
        Ok(Candidate {
            member_id: member.member_id.detach(),
            instance_id: member.group_instance_id.as_ref().map(Str::detach),
            subscription,
        })
    };
    answer.members.iter().map(candidate).collect()
}
