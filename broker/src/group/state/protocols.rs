//! Which assignor a generation uses.

use barnabas_protocol::kafka::Str;

use super::{Group, Phase, Protocol};

impl Group {
    /// Whether a member with these protocols can be in the group.
    pub(super) fn fits(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.members.is_empty() || matches!(self.phase, Phase::Empty { .. }) {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let common = |p: &Protocol| self.members.values().all(|m| m.supports(&p.name));
        self.protocol_type.as_deref() == Some(protocol_type) && protocols.iter().any(common)
    }

    /// The protocol that all support and most prefer; the leader's preference breaks a tie.
    pub(super) fn select_protocol(&self) -> Option<Str> {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        let voters = || self.members.values();
        let by = leader.or_else(|| voters().next())?;
        let candidates: Vec<&Str> = by
            .protocols
            .iter()
            .map(|p| &p.name)
            .filter(|name| voters().all(|m| m.supports(name)))
            .collect();
        let votes = |candidate: &Str| {
            let vote = |m: &&super::Member| {
                m.protocols.iter().map(|p| &p.name).find(|name| candidates.contains(name))
                    == Some(candidate)
            };
            voters().filter(vote).count()
        };
        // `max_by_key` takes the last of equals, hence from the least preferred on.
        candidates.iter().rev().max_by_key(|c| votes(c)).map(|c| (*c).clone())
    }
}
