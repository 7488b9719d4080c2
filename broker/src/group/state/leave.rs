//! LeaveGroup, and every other way out of a group.

use super::{Command, Context, Group, Leaver, Phase, Refused};
use crate::group::error::GroupError;

impl Group {
    /// Removes members, with one result for each. The others rebalance once.
    ///
    /// # Errors
    /// When the group is being deleted.
    pub(crate) fn leave(
        &mut self,
        cx: &mut Context<'_>,
        leavers: &[Leaver],
    ) -> Result<Vec<Result<(), GroupError>>, GroupError> {
        if matches!(self.phase, Phase::Dead { .. }) {
            return Err(GroupError::NotAvailable);
        }
        let before = (self.members.len(), self.pending.len());
        let results = leavers.iter().map(|leaver| self.leave_one(cx, leaver)).collect();
        if before != (self.members.len(), self.pending.len()) {
            self.after_removal(cx, before.0 != self.members.len());
        }
        Ok(results)
    }

    fn leave_one(&mut self, cx: &mut Context<'_>, leaver: &Leaver) -> Result<(), GroupError> {
        let by_instance = leaver.instance.as_ref().and_then(|i| self.statics.get(i)).cloned();
        if leaver.member_id.is_empty() {
            let id = by_instance.ok_or(GroupError::UnknownMember)?;
            self.remove(cx, &id);
            return Ok(());
        }
        if self.pending.remove(&leaver.member_id).is_some() {
            return Ok(());
        }
        self.check_member(&leaver.member_id, leaver.instance.as_ref())?;
        self.remove(cx, &leaver.member_id);
        Ok(())
    }

    /// Removes a member and answers its parked requests. The rest of the group stays as it is.
    pub(super) fn remove(&mut self, cx: &mut Context<'_>, id: &str) {
        self.pending.remove(id);
        let Some(mut member) = self.members.remove(id) else { return };
        if let Some(instance) = &member.instance {
            self.statics.remove(instance);
        }
        let error = GroupError::UnknownMember;
        if let Some(reply) = member.take_join() {
            let refused = Refused { error, member_id: member.id.clone() };
            cx.out.push(Command::Joined(reply, Err(refused)));
        }
        if let Some(reply) = member.awaiting_sync {
            cx.out.push(Command::Synced(reply, Err(error)));
        }
        if self.is_leader(id) {
            let next = self.members.values().find(|m| m.awaiting_join.is_some());
            let next = next.or_else(|| self.members.values().next());
            self.leader = next.map(|m| m.id.clone());
        }
    }

    /// Rebalances after members were removed, or completes the rebalance that waited for them.
    pub(super) fn after_removal(&mut self, cx: &mut Context<'_>, was_member: bool) {
        match self.phase {
            Phase::Completing { .. } | Phase::Stable { .. } if was_member => self.rebalance(cx),
            Phase::Preparing { .. } => self.complete_if_all_joined(cx),
            Phase::Completing { .. }
            | Phase::Stable { .. }
            | Phase::Empty { .. }
            | Phase::Dead { .. } => {}
        }
    }
}
