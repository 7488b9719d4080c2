//! The value of a group in etcd.

use std::collections::BTreeMap;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::state::StateValue;
use barnabas_protocol::state::values::{GroupMember, GroupProtocol, GroupState};

use super::{Context, Group, Member, Now, Phase, Protocol};

impl Group {
    /// The group as it is now. Parked requests, pending ids and timers do not survive a restart.
    pub(super) fn to_value(&self, now: Now) -> GroupState {
        let text = |text: &Option<Str>| text.as_deref().unwrap_or_default().to_owned();
        GroupState {
            version: GroupState::VERSION,
            generation: self.generation,
            protocol_type: text(&self.protocol_type),
            protocol: text(&self.protocol),
            leader: text(&self.leader),
            members: self.members.values().map(to_member).collect(),
            state_timestamp_ms: now.wall_ms,
        }
    }

    /// Restores a group: stable if it has members, whose session timeouts start now.
    pub(crate) fn restore(cx: &Context<'_>, value: GroupState) -> Self {
        let some = |text: String| (!text.is_empty()).then(|| Str::from(text));
        let members: BTreeMap<Str, Member> = value
            .members
            .into_iter()
            .map(|m| from_member(cx, m))
            .map(|m| (m.id.clone(), m))
            .collect();
        let instance = |m: &Member| Some((m.instance.clone()?, m.id.clone()));
        let phase = if members.is_empty() {
            Phase::Empty { since_ms: Some(value.state_timestamp_ms) }
        } else {
            Phase::Stable { sync_deadline: None }
        };
        Self {
            phase,
            generation: value.generation,
            protocol_type: some(value.protocol_type),
            protocol: some(value.protocol),
            leader: some(value.leader),
            statics: members.values().filter_map(instance).collect(),
            members,
            pending: BTreeMap::new(),
        }
    }
}

fn to_member(member: &Member) -> GroupMember {
    let protocol =
        |p: &Protocol| GroupProtocol { name: p.name.to_string(), metadata: p.metadata.to_vec() };
    GroupMember {
        member_id: member.id.to_string(),
        group_instance_id: member.instance.as_ref().map(ToString::to_string),
        client_id: member.client_id.to_string(),
        client_host: member.client_host.to_string(),
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        session_timeout_ms: member.session_timeout_ms,
        protocols: member.protocols.iter().map(protocol).collect(),
        assignment: member.assignment.to_vec(),
    }
}

fn from_member(cx: &Context<'_>, member: GroupMember) -> Member {
    let protocol = |p: GroupProtocol| Protocol { name: p.name.into(), metadata: p.metadata.into() };
    Member {
        id: member.member_id.into(),
        instance: member.group_instance_id.map(Str::from),
        client_id: member.client_id.into(),
        client_host: member.client_host.into(),
        session_timeout_ms: member.session_timeout_ms,
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        protocols: member.protocols.into_iter().map(protocol).collect(),
        assignment: member.assignment.into(),
        awaiting_join: None,
        awaiting_sync: None,
        awaiting_place: None,
        synced: true,
        is_new: false,
        expires_at: cx.after(member.session_timeout_ms),
    }
}
