//! The rebalance: from one generation to the next.

use bytes::Bytes;

use super::{Command, Context, Group, Initial, Joined, JoinedMember, Kept, Phase};
use crate::group::error::GroupError;

impl Group {
    /// Starts a rebalance unless one is being prepared, and completes it if all members have
    /// joined.
    pub(super) fn rebalance(&mut self, cx: &mut Context<'_>) {
        match self.phase {
            Phase::Preparing { .. } => {}
            Phase::Dead { .. } => return,
            Phase::Empty { .. } => {
                let delay = cx.settings.initial_rebalance_delay_ms;
                let most = u64::try_from(self.rebalance_timeout_ms()).unwrap_or(0);
                let remaining_ms = most.saturating_sub(delay);
                self.phase = Phase::Preparing {
                    deadline: cx.now.ms.saturating_add(delay),
                    initial: Some(Initial { remaining_ms, member_added: false }),
                };
            }
            Phase::Completing { .. } | Phase::Stable { .. } => {
                if matches!(self.phase, Phase::Completing { .. }) {
                    self.fail_syncs(cx, GroupError::RebalanceInProgress);
                }
                // A static member that came back has joined already.
                for member in self.members.values_mut() {
                    member.awaiting_join = member.take_join();
                }
                let deadline = cx.after(self.rebalance_timeout_ms());
                self.phase = Phase::Preparing { deadline, initial: None };
                if self.members.is_empty() {
                    // No members, so no rebalance timeout to wait for, not even for pending ids.
                    return self.complete_join(cx);
                }
            }
        }
        self.complete_if_all_joined(cx);
    }

    /// The group was read from etcd. If `group.max.size` is smaller now, a rebalance shrinks the
    /// group.
    pub(crate) fn loaded(&mut self, cx: &mut Context<'_>) {
        if self.members.len() > cx.settings.max_size {
            self.rebalance(cx);
        }
    }

    /// Completes the rebalance if all members have joined. The first one of an empty group always
    /// waits for its delay.
    pub(super) fn complete_if_all_joined(&mut self, cx: &mut Context<'_>) {
        let Phase::Preparing { initial: None, .. } = self.phase else { return };
        let joined = self.members.values().all(|m| m.awaiting_join.is_some());
        if joined && self.pending.is_empty() {
            self.complete_join(cx);
        }
    }

    /// The time for joining is over: extends the initial delay if members joined during it, else
    /// begins the generation.
    pub(super) fn join_time_is_up(&mut self, cx: &mut Context<'_>, initial: Option<Initial>) {
        match initial {
            Some(Initial { remaining_ms, member_added: true }) if remaining_ms > 0 => {
                let delay = cx.settings.initial_rebalance_delay_ms.min(remaining_ms);
                let initial = Initial { remaining_ms: remaining_ms - delay, member_added: false };
                self.phase = Phase::Preparing {
                    deadline: cx.now.ms.saturating_add(delay),
                    initial: Some(initial),
                };
            }
            Some(_) | None => self.complete_join(cx),
        }
    }

    /// Begins the next generation with the members that joined. Static members stay even if they
    /// did not.
    fn complete_join(&mut self, cx: &mut Context<'_>) {
        let gone = |m: &super::Member| m.awaiting_join.is_none() && m.instance.is_none();
        self.members.retain(|_, member| !gone(member));
        if self.members.is_empty() {
            return self.become_empty(cx);
        }
        if !self.elect_leader() {
            // Only absent static members are left. Their session timeouts decide.
            let deadline = cx.after(self.rebalance_timeout_ms());
            self.phase = Phase::Preparing { deadline, initial: None };
            return;
        }
        self.generation = next_generation(self.generation);
        self.protocol = self.select_protocol();
        let deadline = cx.after(self.rebalance_timeout_ms());
        self.phase = Phase::Completing { deadline, storing: false };
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let joined = self.joined(&id, false);
            let Some(member) = self.members.get_mut(&id) else { continue };
            member.expires_at = cx.after(member.session_timeout_ms);
            member.is_new = false;
            member.synced = false;
            if let Some(reply) = member.awaiting_join.take() {
                cx.out.push(Command::Joined(reply, Ok(joined)));
            }
        }
    }

    /// No members are left.
    fn become_empty(&mut self, cx: &mut Context<'_>) {
        self.generation = next_generation(self.generation);
        self.protocol = None;
        self.leader = None;
        self.phase = Phase::Empty { since_ms: Some(cx.now.wall_ms) };
        let kept = Kept::Generation(self.generation);
        cx.out.push(Command::Persist(Box::new(self.to_value(cx.now)), kept));
    }

    /// Keeps the leader if it joined, else takes another member that did.
    fn elect_leader(&mut self) -> bool {
        let joined = |m: &super::Member| m.awaiting_join.is_some();
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        if leader.is_some_and(joined) {
            return true;
        }
        let next = self.members.values().find(|m| joined(m)).map(|m| m.id.clone());
        let found = next.is_some();
        if found {
            self.leader = next;
        }
        found
    }

    /// The present generation as a reply to `member_id`, with the list of members if it is the
    /// leader.
    pub(super) fn joined(&self, member_id: &str, skip_assignment: bool) -> Joined {
        let member = |m: &super::Member| JoinedMember {
            member_id: m.id.clone(),
            instance: m.instance.clone(),
            metadata: m.metadata(self.protocol.as_ref()),
        };
        let members = if self.is_leader(member_id) {
            self.members.values().map(member).collect()
        } else {
            Vec::new()
        };
        Joined {
            generation: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            skip_assignment,
            member_id: member_id.into(),
            members,
        }
    }

    /// Answers all parked syncs with an error and drops the assignment.
    pub(super) fn fail_syncs(&mut self, cx: &mut Context<'_>, error: GroupError) {
        for member in self.members.values_mut() {
            member.assignment = Bytes::new();
            if let Some(reply) = member.awaiting_sync.take() {
                member.expires_at = cx.after(member.session_timeout_ms);
                cx.out.push(Command::Synced(reply, Err(error)));
            }
        }
    }
}

/// Generations start again at 0 after 2^31 rebalances, since negative ones have a meaning of their
/// own.
fn next_generation(generation: i32) -> i32 {
    generation.checked_add(1).unwrap_or(1)
}
