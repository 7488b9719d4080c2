//! Who leads a partition and who is in sync, after brokers came, went or came back.

use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch};

use super::restored::{self, AfterRestore};
use crate::metadata::{Image, IsrMember, PartitionImage};

/// The state that the partition should have now, or `None` if it has it already (or nobody can
/// lead).
///
/// - ISR members whose registration is gone leave the ISR. The last ones stay (all that went at
///   once): each of them has every committed record, so whichever returns first may lead. Until
///   then there is no leader.
/// - The leader stays while it is in sync. Else the first replica in sync leads, with the next
///   leader epoch.
/// - A broker that comes back is in the ISR only through the leader, unless it was among those last
///   ones. Of several that came back the one that was shut down cleanly leads.
pub(super) fn elect(view: &Image, state: &PartitionImage) -> Option<PartitionImage> {
    match restored::judge(view, state) {
        AfterRestore::Believed => {}
        AfterRestore::Waits => return None,
        AfterRestore::Becomes(next) => return Some(next),
    }
    let in_sync: Vec<_> = state.isr.iter().copied().filter(|m| current(view, *m)).collect();
    let elected = match state.leader {
        Some(leader) if in_sync.iter().any(|member| member.id == leader) => {
            PartitionImage { isr: in_sync, ..state.clone() }
        }
        _ if !in_sync.is_empty() => {
            let leader = first_in(&state.replicas, |id| in_sync.iter().any(|m| m.id == id));
            led_by(state, leader, in_sync)
        }
        _ => match returned(view, state) {
            Some(member) => led_by(state, Some(member.id), vec![member]),
            None if state.leader.is_some() => led_by(state, None, state.isr.clone()),
            None => return None,
        },
    };
    (elected != *state).then_some(elected)
}

/// The member is in the life in which it joined, and may lead.
fn current(view: &Image, member: IsrMember) -> bool {
    view.broker_epoch(member.id) == Some(member.epoch) && view.eligible(member.id)
}

fn first_in(replicas: &[BrokerId], wanted: impl Fn(BrokerId) -> bool) -> Option<BrokerId> {
    replicas.iter().copied().find(|id| wanted(*id))
}

/// The best of the last ISR members that is back in a new life: with its registration of now.
fn returned(view: &Image, partition: &PartitionImage) -> Option<IsrMember> {
    let clean = |member: &IsrMember| {
        view.brokers.get(&member.id).is_some_and(|b| b.previous_epoch == Some(member.epoch))
    };
    let preference = |id: BrokerId| partition.replicas.iter().position(|replica| *replica == id);
    let back = partition.isr.iter().filter(|member| view.eligible(member.id));
    let best = back.min_by_key(|member| (!clean(member), preference(member.id)))?;
    Some(IsrMember { id: best.id, epoch: view.broker_epoch(best.id)? })
}

/// A change of the leader: every one, also to none, has its own epoch.
fn led_by(state: &PartitionImage, leader: Option<BrokerId>, isr: Vec<IsrMember>) -> PartitionImage {
    let leader_epoch = LeaderEpoch(state.leader_epoch.0 + 1);
    PartitionImage { leader, leader_epoch, isr, ..state.clone() }
}
