//! Heartbeats and offset commits: checks of the caller.

use barnabas_protocol::kafka::Str;

use super::{Caller, Context, Group, Phase};
use crate::group::error::GroupError;

impl Group {
    /// Whether the group has this member, under this instance id if it has one.
    pub(super) fn check_member(
        &self,
        member_id: &str,
        instance: Option<&Str>,
    ) -> Result<(), GroupError> {
        if let Some(instance) = instance {
            let current = self.statics.get(instance).ok_or(GroupError::UnknownMember)?;
            if &**current != member_id {
                return Err(GroupError::FencedInstance);
            }
        }
        if self.members.contains_key(member_id) { Ok(()) } else { Err(GroupError::UnknownMember) }
    }

    /// Whether the caller is a member of this generation.
    pub(super) fn check_caller(&self, caller: &Caller) -> Result<(), GroupError> {
        if matches!(self.phase, Phase::Dead { .. }) {
            return Err(GroupError::NotAvailable);
        }
        self.check_member(&caller.member_id, caller.instance.as_ref())?;
        if caller.generation == self.generation {
            Ok(())
        } else {
            Err(GroupError::IllegalGeneration)
        }
    }

    /// Puts off the removal of the member.
    ///
    /// # Errors
    /// `RebalanceInProgress` tells the member to join again.
    pub(crate) fn heartbeat(
        &mut self,
        cx: &mut Context<'_>,
        caller: &Caller,
    ) -> Result<(), GroupError> {
        self.check_caller(caller)?;
        self.heard_of(cx, &caller.member_id);
        match self.phase {
            Phase::Empty { .. } => Err(GroupError::UnknownMember),
            Phase::Dead { .. } => Err(GroupError::NotAvailable),
            Phase::Preparing { .. } => Err(GroupError::RebalanceInProgress),
            // Clients send heartbeats as soon as they have joined.
            Phase::Completing { .. } | Phase::Stable { .. } => Ok(()),
        }
    }

    /// Checks whether the caller may commit offsets. A commit of a member counts as a heartbeat.
    /// Callers that are no members (generation -1 and no ids: administrators, and consumers with
    /// manual assignment) may commit while the group is empty.
    ///
    /// # Errors
    /// The reason why the caller may not.
    pub(crate) fn check_commit(
        &mut self,
        cx: &mut Context<'_>,
        caller: &Caller,
    ) -> Result<(), GroupError> {
        let outsider =
            caller.generation < 0 && caller.member_id.is_empty() && caller.instance.is_none();
        match self.phase {
            Phase::Dead { .. } => Err(GroupError::NotAvailable),
            Phase::Empty { .. } if caller.generation < 0 => Ok(()),
            _ if outsider => Err(GroupError::UnknownMember),
            Phase::Completing { .. } => {
                self.check_caller(caller)?;
                Err(GroupError::RebalanceInProgress)
            }
            Phase::Empty { .. } | Phase::Preparing { .. } | Phase::Stable { .. } => {
                self.check_caller(caller)?;
                self.heard_of(cx, &caller.member_id);
                Ok(())
            }
        }
    }
}
