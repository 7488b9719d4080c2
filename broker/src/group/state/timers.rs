//! Timeouts.

use super::{Context, Group, Phase};

impl Group {
    /// When [`Group::tick`] has something to do next.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let phase = match self.phase {
            Phase::Preparing { deadline, .. } | Phase::Completing { deadline, .. } => {
                Some(deadline)
            }
            Phase::Stable { sync_deadline } => sync_deadline,
            Phase::Empty { .. } | Phase::Dead { .. } => None,
        };
        let pending = self.pending.values().copied();
        let members = self.members.values().filter_map(super::Member::deadline);
        phase.into_iter().chain(pending).chain(members).min()
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, cx: &mut Context<'_>) {
        self.expire_pending(cx);
        self.expire_members(cx);
        match self.phase {
            Phase::Preparing { deadline, initial } if deadline <= cx.now.ms => {
                self.join_time_is_up(cx, initial);
            }
            Phase::Completing { deadline, .. } if deadline <= cx.now.ms => self.expire_syncs(cx),
            Phase::Stable { sync_deadline: Some(deadline) } if deadline <= cx.now.ms => {
                self.phase = Phase::Stable { sync_deadline: None };
                self.expire_syncs(cx);
            }
            Phase::Preparing { .. }
            | Phase::Completing { .. }
            | Phase::Stable { .. }
            | Phase::Empty { .. }
            | Phase::Dead { .. } => {}
        }
    }

    fn expire_pending(&mut self, cx: &mut Context<'_>) {
        let before = self.pending.len();
        self.pending.retain(|_, deadline| *deadline > cx.now.ms);
        if self.pending.len() != before {
            self.after_removal(cx, false);
        }
    }

    fn expire_members(&mut self, cx: &mut Context<'_>) {
        let due = |m: &&super::Member| m.deadline().is_some_and(|at| at <= cx.now.ms);
        let silent: Vec<_> = self.members.values().filter(due).map(|m| m.id.clone()).collect();
        for id in &silent {
            self.remove(cx, id);
        }
        if !silent.is_empty() {
            self.after_removal(cx, true);
        }
    }

    /// Removes members that joined the generation but never asked for their assignment.
    fn expire_syncs(&mut self, cx: &mut Context<'_>) {
        let missing: Vec<_> =
            self.members.values().filter(|m| !m.synced).map(|m| m.id.clone()).collect();
        for id in &missing {
            self.remove(cx, id);
        }
        if !missing.is_empty() {
            return self.rebalance(cx);
        }
        // All members have synced, and the write to etcd is still under way.
        if let Phase::Completing { deadline, .. } = &mut self.phase {
            *deadline = u64::MAX;
        }
    }
}
