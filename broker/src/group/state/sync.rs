//! SyncGroup, and what follows when the assignment is in etcd.

use super::{Command, Context, Group, Kept, Phase, ReplyId, SyncGroup, Synced};
use crate::group::error::GroupError;

impl Group {
    /// Handles a sync: a member asks for its assignment, and the leader sends those of all members.
    pub(crate) fn sync(&mut self, cx: &mut Context<'_>, sync: SyncGroup, reply: ReplyId) {
        if let Err(error) = self.try_sync(cx, sync, reply) {
            cx.out.push(Command::Synced(reply, Err(error)));
        }
    }

    fn try_sync(
        &mut self,
        cx: &mut Context<'_>,
        sync: SyncGroup,
        reply: ReplyId,
    ) -> Result<(), GroupError> {
        self.check_caller(&sync.caller)?;
        let differs = |given: &Option<_>, ours: &Option<_>| given.is_some() && given != ours;
        if differs(&sync.protocol_type, &self.protocol_type)
            || differs(&sync.protocol, &self.protocol)
        {
            return Err(GroupError::InconsistentProtocol);
        }
        let id = sync.caller.member_id;
        match self.phase {
            Phase::Empty { .. } => return Err(GroupError::UnknownMember),
            Phase::Dead { .. } => return Err(GroupError::NotAvailable),
            Phase::Preparing { .. } => return Err(GroupError::RebalanceInProgress),
            Phase::Completing { deadline, storing } => {
                let Some(member) = self.members.get_mut(&id) else {
                    return Err(GroupError::UnknownMember);
                };
                member.synced = true;
                if let Some(earlier) = member.awaiting_sync.replace(reply) {
                    let error = GroupError::RebalanceInProgress;
                    cx.out.push(Command::Synced(earlier, Err(error)));
                }
                if self.is_leader(&id) && !storing {
                    self.phase = Phase::Completing { deadline, storing: true };
                    self.assign(sync.assignments);
                    let kept = Kept::Generation(self.generation);
                    cx.out.push(Command::Persist(Box::new(self.to_value(cx.now)), kept));
                }
            }
            Phase::Stable { .. } => {
                self.heard_of(cx, &id);
                if let Some(member) = self.members.get_mut(&id) {
                    member.synced = true;
                }
                let synced = self.synced(&id);
                cx.out.push(Command::Synced(reply, Ok(synced)));
            }
        }
        Ok(())
    }

    /// Sets the assignments. Members that the leader left out get an empty one.
    fn assign(&mut self, assignments: Vec<(super::Str, bytes::Bytes)>) {
        for member in self.members.values_mut() {
            member.assignment = bytes::Bytes::new();
        }
        for (id, assignment) in assignments {
            if let Some(member) = self.members.get_mut(&id) {
                member.assignment = assignment;
            }
        }
    }

    fn synced(&self, member_id: &str) -> Synced {
        Synced {
            protocol_type: self.protocol_type.clone(),
            protocol: self.protocol.clone(),
            assignment: self
                .members
                .get(member_id)
                .map(|m| m.assignment.clone())
                .unwrap_or_default(),
        }
    }

    /// The state is in etcd, or could not be written. Does nothing if the group has moved on
    /// meanwhile.
    pub(crate) fn persisted(
        &mut self,
        cx: &mut Context<'_>,
        kept: &Kept,
        result: Result<(), GroupError>,
    ) {
        match kept {
            Kept::Generation(generation) => self.generation_persisted(cx, *generation, result),
            Kept::Replacement(id) => self.replacement_persisted(cx, id, result),
        }
    }

    fn generation_persisted(
        &mut self,
        cx: &mut Context<'_>,
        generation: i32,
        result: Result<(), GroupError>,
    ) {
        let Phase::Completing { deadline, storing: true } = self.phase else { return };
        if generation != self.generation {
            return;
        }
        if let Err(error) = result {
            self.fail_syncs(cx, error);
            return self.rebalance(cx);
        }
        self.phase = Phase::Stable { sync_deadline: Some(deadline) };
        let ids: Vec<_> = self.members.keys().cloned().collect();
        for id in ids {
            let synced = self.synced(&id);
            let Some(member) = self.members.get_mut(&id) else { continue };
            if let Some(reply) = member.awaiting_sync.take() {
                member.expires_at = cx.after(member.session_timeout_ms);
                cx.out.push(Command::Synced(reply, Ok(synced)));
            }
        }
    }
}
