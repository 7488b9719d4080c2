//! Static members (KIP-345): a client that restarts replaces its former member, mostly without a
//! rebalance. It learns its new id once that is in etcd. Otherwise a restart of the broker would
//! bring back the old id and fence the new one.

use barnabas_protocol::kafka::Str;

use super::member::Place;
use super::{Command, Context, Group, Join, Kept, Phase, Refused, ReplyId};
use crate::group::error::GroupError;

impl Group {
    /// An instance joins without its member id. It gets a new id, and the old one is fenced.
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
        if let Some(earlier) = member.take_join() {
            let refused = Refused { error: GroupError::FencedInstance, member_id: old.clone() };
            cx.out.push(Command::Joined(earlier, Err(refused)));
        }
        if let Some(earlier) = member.awaiting_sync.take() {
            cx.out.push(Command::Synced(earlier, Err(GroupError::FencedInstance)));
        }
        if let Some(instance) = &member.instance {
            self.statics.insert(instance.clone(), id.clone());
        }
        if self.is_leader(old) {
            self.leader = Some(id.clone());
        }
        member.id = id.clone();
        // If its client gives up waiting, the next join of the instance replaces it. So it need not
        // expire as a new member does.
        member.is_new = false;
        member.expires_at = cx.after(join.session_timeout_ms);
        self.members.insert(id.clone(), member);
        if self.keeps_its_place(&id, join.clone()) {
            if let Some(member) = self.members.get_mut(&id) {
                member.awaiting_place = Some(Place { reply, old_id: old.clone(), can_skip });
            }
            let state = Box::new(self.to_value(cx.now));
            cx.out.push(Command::Persist(state, Kept::Replacement(id)));
            return;
        }
        self.park(cx, &id, join, reply);
        self.rebalance(cx);
    }

    /// The new id is in etcd, or could not be written. In that case the client finds the
    /// coordinator again and joins once more.
    pub(super) fn replacement_persisted(
        &mut self,
        cx: &mut Context<'_>,
        id: &Str,
        result: Result<(), GroupError>,
    ) {
        let place = self.members.get_mut(id).and_then(|member| member.awaiting_place.take());
        let Some(Place { reply, old_id, can_skip }) = place else { return };
        self.heard_of(cx, id);
        if let Err(error) = result {
            let refused = Refused { error, member_id: Str::default() };
            return cx.out.push(Command::Joined(reply, Err(refused)));
        }
        let leads = self.is_leader(id);
        let mut joined = self.joined(id, leads && can_skip);
        if leads && !can_skip {
            // An old client would send an assignment that nobody asks for, so it is told that
            // another member leads.
            joined.leader = old_id;
            joined.members = Vec::new();
        }
        cx.out.push(Command::Joined(reply, Ok(joined)));
    }

    /// Takes over the values of the join. Returns whether the group may stay as it is: it is
    /// stable, and the choice of the protocol does not change.
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
