//! The choice of the assignor.

use std::collections::{HashMap, HashSet};

use barnabas_protocol::kafka::Str;

use super::{Group, Member, Phase, Protocol};

impl Group {
    /// Whether a member with these protocols fits into the group.
    pub(super) fn fits(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.members.is_empty() || matches!(self.phase, Phase::Empty { .. }) {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && !common(protocols, self.members.values()).is_empty()
    }

    /// The protocol that all support and most prefer; the leader's preference breaks a tie.
    pub(super) fn select_protocol(&self) -> Option<Str> {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        let by = leader.or_else(|| self.members.values().next())?;
        let candidates = common(&by.protocols, self.members.values());
        let mut votes: HashMap<&str, usize> = HashMap::new();
        for member in self.members.values() {
            let preferred = member.protocols.iter().find(|p| candidates.contains(&*p.name));
            if let Some(preferred) = preferred {
                *votes.entry(&preferred.name).or_default() += 1;
            }
        }
        let votes = |name: &str| votes.get(name).copied().unwrap_or(0);
        let ranked =
            by.protocols.iter().map(|p| &p.name).filter(|name| candidates.contains(&***name));
        // `max_by_key` takes the last of equals, hence from the least preferred on.
        ranked.rev().max_by_key(|name| votes(name)).cloned()
    }
}

/// The names of these protocols that all members support. The cost is linear, since clients choose
/// how many there are.
fn common<'a>(
    protocols: &'a [Protocol],
    members: impl Iterator<Item = &'a Member>,
) -> HashSet<&'a str> {
    let names = protocols.iter().map(|p| &*p.name).collect::<HashSet<_>>();
    members.fold(names, |left, member| {
        member.protocols.iter().filter_map(|p| left.get(&*p.name).copied()).collect()
    })
}
