//! Static members (KIP-345): a client that restarts takes its member's place, mostly without a rebalance.

use barnabas_protocol::kafka::Str;

use super::{Command, Context, Group, Join, Phase, Refused, ReplyId};
use crate::group::error::GroupError;

impl Group {
    /// The instance came back without its member id: it gets a new one, the old one is fenced.
    pub(super) fn replace_static(
        &mut self,
        cx: &mut Context<'_>,
        old: &Str,
        join: Join,
        reply: ReplyId,
    ) {
        let id = join.new_member_id.clone();
        let can_skip = join.can_skip_assignment;
        let Some(mut member) = self.members.remove(old) else { return };
        if let Some(earlier) = member.awaiting_join.take() {
            let refused = Refused { error: GroupError::FencedInstance, member_id: old.clone() };
            cx.out.push(Command::Joined(earlier, Err(refused)));
        }
        if let Some(earlier) = member.awaiting_sync.take() {
            cx.out.push(Command::Synced(earlier, Err(GroupError::FencedInstance)));
        }
        if let Some(instance) = &member.instance {
            self.statics.insert(instance.clone(), id.clone());
        }
        let led = self.is_leader(old);
        if led {
            self.leader = Some(id.clone());
        }
        member.id = id.clone();
        member.expires_at = cx.after(join.session_timeout_ms);
        self.members.insert(id.clone(), member);
        if self.keeps_its_place(&id, join.clone()) {
            let mut joined = self.joined(&id, led && can_skip);
            if led && !can_skip {
                // It would assign, and nobody would hear of it: let it believe that another one leads.
                joined.leader = old.clone();
                joined.members = Vec::new();
            }
            cx.out.push(Command::Persist(Box::new(self.to_value(cx.now))));
            cx.out.push(Command::Joined(reply, Ok(joined)));
            return;
        }
        self.park(cx, &id, join, reply);
        self.rebalance(cx);
    }

    /// In a stable group nothing changes as long as the same protocol is chosen.
    fn keeps_its_place(&mut self, id: &Str, join: Join) -> bool {
        if !matches!(self.phase, Phase::Stable { .. }) {
            return false;
        }
        if let Some(member) = self.members.get_mut(id) {
            member.update(join);
        }
        self.select_protocol() == self.protocol
    }
}
