//! JoinGroup.

use barnabas_protocol::kafka::Str;

use super::{Command, Context, Group, Initial, Join, Member, Phase, Refused, ReplyId};
use crate::group::error::GroupError;

/// How long a member may wait for its first generation before it is removed, as in Kafka.
const NEW_MEMBER_TIMEOUT_MS: i32 = 5 * 60 * 1000;

impl Group {
    /// Handles a join. The reply comes at once or with the next generation.
    pub(crate) fn join(&mut self, cx: &mut Context<'_>, join: Join, reply: ReplyId) {
        if let Err(refused) = self.try_join(cx, join, reply) {
            cx.out.push(Command::Joined(reply, Err(refused)));
        }
    }

    fn try_join(
        &mut self,
        cx: &mut Context<'_>,
        join: Join,
        reply: ReplyId,
    ) -> Result<(), Refused> {
        let refuse = |error| Refused { error, member_id: join.member_id.clone() };
        if matches!(self.phase, Phase::Dead { .. }) {
            return Err(refuse(GroupError::NotAvailable));
        }
        if !self.has_room_for(cx, &join.member_id) {
            self.remove(cx, &join.member_id);
            self.after_removal(cx, false);
            return Err(Refused { error: GroupError::MaxSizeReached, member_id: Str::default() });
        }
        if !self.fits(&join.protocol_type, &join.protocols) {
            return Err(refuse(GroupError::InconsistentProtocol));
        }
        if join.member_id.is_empty() {
            return self.join_new(cx, join, reply);
        }
        // Pending ids are given to dynamic members only: with an instance id they match no member.
        if join.instance.is_none() && self.pending.remove(&join.member_id).is_some() {
            let id = join.member_id.clone();
            self.add(cx, id, join, reply);
            return Ok(());
        }
        self.check_member(&join.member_id, join.instance.as_ref()).map_err(refuse)?;
        self.join_again(cx, join, reply).map_err(|(error, member_id)| Refused { error, member_id })
    }

    /// Kafka's rule for `group.max.size`: a group that is too large shrinks at its next rebalance.
    fn has_room_for(&self, cx: &Context<'_>, member_id: &str) -> bool {
        let most = cx.settings.max_size;
        let member = self.members.get(member_id);
        match self.phase {
            Phase::Empty { .. } | Phase::Dead { .. } => true,
            Phase::Preparing { .. } => {
                let awaiting = self.members.values().filter(|m| m.awaiting_join.is_some()).count();
                member.is_some_and(|m| m.awaiting_join.is_some()) || awaiting < most
            }
            Phase::Completing { .. } | Phase::Stable { .. } => {
                member.is_some() || self.members.len() < most
            }
        }
    }

    fn join_new(
        &mut self,
        cx: &mut Context<'_>,
        join: Join,
        reply: ReplyId,
    ) -> Result<(), Refused> {
        let id = join.new_member_id.clone();
        if let Some(instance) = join.instance.clone() {
            match self.statics.get(&instance).cloned() {
                Some(old) => self.replace_static(cx, &old, join, reply),
                None => self.add(cx, id, join, reply),
            }
        } else if join.needs_member_id {
            self.pending.insert(id.clone(), cx.after(join.session_timeout_ms));
            return Err(Refused { error: GroupError::MemberIdRequired, member_id: id });
        } else {
            self.add(cx, id, join, reply);
        }
        Ok(())
    }

    /// Adds a member and starts a rebalance, or goes on with the present one.
    fn add(&mut self, cx: &mut Context<'_>, id: Str, join: Join, reply: ReplyId) {
        if let Phase::Preparing { initial: Some(Initial { member_added, .. }), .. } =
            &mut self.phase
        {
            *member_added = true;
        }
        if self.members.is_empty() {
            self.protocol_type = Some(join.protocol_type.clone());
        }
        if self.leader.is_none() {
            self.leader = Some(id.clone());
        }
        if let Some(instance) = &join.instance {
            self.statics.insert(instance.clone(), id.clone());
        }
        let mut member = Member::new(id.clone(), join, cx.after(NEW_MEMBER_TIMEOUT_MS));
        member.awaiting_join = Some(reply);
        self.members.insert(id, member);
        self.rebalance(cx);
    }

    /// A member of the group joins again.
    fn join_again(
        &mut self,
        cx: &mut Context<'_>,
        join: Join,
        reply: ReplyId,
    ) -> Result<(), (GroupError, Str)> {
        let id = join.member_id.clone();
        let same = self.members.get(&id).is_some_and(|m| m.protocols == join.protocols);
        match self.phase {
            Phase::Empty { .. } | Phase::Dead { .. } => {
                return Err((GroupError::UnknownMember, id));
            }
            // The reply to its join was lost.
            Phase::Completing { .. } if same => {
                cx.out.push(Command::Joined(reply, Ok(self.joined(&id, false))));
            }
            // A follower with the same subscription. A leader that joins again asks for a new
            // assignment.
            Phase::Stable { .. } if same && !self.is_leader(&id) => {
                self.heard_of(cx, &id);
                cx.out.push(Command::Joined(reply, Ok(self.joined(&id, false))));
            }
            Phase::Preparing { .. } | Phase::Completing { .. } | Phase::Stable { .. } => {
                self.park(cx, &id, join, reply);
                self.rebalance(cx);
            }
        }
        Ok(())
    }

    /// Parks the join of a member. If an earlier join of it is parked, that one is answered with an
    /// error: the client does not wait for it any more.
    pub(super) fn park(&mut self, cx: &mut Context<'_>, id: &Str, join: Join, reply: ReplyId) {
        let Some(member) = self.members.get_mut(id) else { return };
        member.update(join);
        if let Some(earlier) = member.awaiting_join.replace(reply) {
            let error = GroupError::RebalanceInProgress;
            let refused = Refused { error, member_id: id.clone() };
            cx.out.push(Command::Joined(earlier, Err(refused)));
        }
    }
}
