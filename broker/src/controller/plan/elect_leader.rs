//! Who leads a partition and who is in sync, after brokers came, went or came back. What a broker's
//! data directory holds decides, not its id: see `docs/adr/008-which-data-may-lead.md`.

use barnabas_protocol::state::RecoveryState;
use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch};

use super::restored::{self, AfterRestore};
use crate::metadata::{BrokerImage, Image, IsrMember, PartitionImage};

/// Who is to lead.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Choice {
    /// The leader stays; these are in sync.
    Stays(Vec<IsrMember>),
    /// Another leader with everything that was acknowledged; these are in sync.
    Clean(Vec<IsrMember>),
    /// The only data that can be had, which may lack acknowledged records.
    Recovering(IsrMember),
    /// Nobody, for now.
    Nobody,
}

/// Why a partition has no leader, by the brokers that would have to be there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Missing {
    /// They are not registered, or not ready.
    Brokers(Vec<BrokerId>),
    /// They are back, but without the data directory that they had.
    Data(Vec<BrokerId>),
    /// They are back, and each may have lost records: it is not known who has most.
    Comparison(Vec<BrokerId>),
}

/// The state that the partition should have now, or `None` if it has it already. `unclean` allows a
/// leader that lacks acknowledged records (`unclean.leader.election.enable`).
///
/// - ISR members whose registration is gone leave the ISR, and those that shut down, as long as
///   others stay. The last ones stay: each of them has every committed record.
/// - The leader stays while it is in sync. Else the first replica in sync leads, with the next
///   leader epoch.
/// - Else members lead that are back with everything they had; they all stay in the ISR, in their
///   new registrations.
/// - Else eligible leader replicas (KIP-966) likewise.
/// - Else, if all of them are back but may have lost something, the one with most records leads,
///   alone in the ISR (balanced recovery). With one replica it is that one; comparing several needs
///   replication.
/// - Else nobody leads, unless `unclean`.
pub(super) fn elect(view: &Image, state: &PartitionImage, unclean: bool) -> Option<PartitionImage> {
    match restored::judge(view, state) {
        AfterRestore::Believed => {}
        AfterRestore::Waits => return None,
        AfterRestore::Becomes(next) => return Some(next),
    }
    let elected = match choose(view, state, unclean) {
        Choice::Stays(isr) => with_isr(state, isr),
        Choice::Clean(isr) => {
            let led = |id: &&BrokerId| isr.iter().any(|m| m.id == **id) && view.eligible(**id);
            let leader = state.replicas.iter().find(led).copied();
            led_by(with_isr(state, isr), leader)
        }
        Choice::Recovering(member) => {
            let (isr, elr, recovery) = (vec![member], Vec::new(), RecoveryState::Recovering);
            led_by(PartitionImage { isr, elr, recovery, ..state.clone() }, Some(member.id))
        }
        Choice::Nobody if state.leader.is_some() => led_by(state.clone(), None),
        Choice::Nobody => return None,
    };
    (elected != *state).then_some(elected)
}

/// Why a partition with this state has no leader; `None` if it has one.
pub(super) fn missing(view: &Image, state: &PartitionImage) -> Option<Missing> {
    if state.leader.is_some() {
        return None;
    }
    let members: Vec<_> = state.isr.iter().chain(&state.elr).copied().collect();
    let ids = |wanted: &dyn Fn(&IsrMember) -> bool| -> Vec<BrokerId> {
        members.iter().filter(|member| wanted(member)).map(|member| member.id).collect()
    };
    let away = ids(&|member| able(view, member.id).is_none());
    let without_data = ids(&|m| able(view, m.id).is_some_and(|broker| !broker.held.holds(m.epoch)));
    Some(match (away.is_empty(), without_data.is_empty()) {
        (_, false) => Missing::Data(without_data),
        (false, true) => Missing::Brokers(away),
        (true, true) => Missing::Comparison(ids(&|_| true)),
    })
}

fn choose(view: &Image, state: &PartitionImage, unclean: bool) -> Choice {
    let can_read = |id: BrokerId| !state.failed.contains(&id);
    let may_lead = |id: BrokerId| view.eligible(id) && can_read(id);
    let current: Vec<_> = state.isr.iter().copied().filter(|m| is_current(view, *m)).collect();
    let lasting: Vec<_> = current.iter().copied().filter(|m| may_lead(m.id)).collect();
    // One that shuts down leads on where nobody else can.
    let in_sync = if lasting.is_empty() { current } else { lasting };
    if state.leader.is_some_and(|leader| in_sync.iter().any(|m| m.id == leader && can_read(leader)))
    {
        return Choice::Stays(in_sync);
    }
    if in_sync.iter().any(|member| may_lead(member.id)) {
        return Choice::Clean(in_sync);
    }
    for members in [&state.isr, &state.elr] {
        let mut back = complete(view, members);
        back.retain(|member| may_lead(member.id));
        if !back.is_empty() {
            return Choice::Clean(back);
        }
    }
    let renewed = |id: BrokerId| {
        let epoch = able(view, id).filter(|_| may_lead(id))?.epoch;
        Some(IsrMember { id, epoch })
    };
    let mut members = state.isr.iter().chain(&state.elr);
    let holds = |m: &IsrMember| able(view, m.id).is_some_and(|broker| broker.held.holds(m.epoch));
    if let [only] = state.replicas[..]
        && members.all(holds)
        && let Some(member) = renewed(only)
    {
        return Choice::Recovering(member);
    }
    let any = state.replicas.iter().copied().find_map(renewed);
    any.filter(|_| unclean).map_or(Choice::Nobody, Choice::Recovering)
}

/// Those that may lead and have everything that they had as members, in their present
/// registrations.
fn complete(view: &Image, members: &[IsrMember]) -> Vec<IsrMember> {
    let renewed = |member: &IsrMember| {
        let broker = able(view, member.id)?;
        let epoch = broker.epoch;
        broker.held.is_complete_for(member.epoch).then_some(IsrMember { id: member.id, epoch })
    };
    members.iter().filter_map(renewed).collect()
}

/// The broker, if it is ready and stays.
fn able(view: &Image, id: BrokerId) -> Option<&BrokerImage> {
    view.brokers.get(&id).filter(|_| view.eligible(id)).map(AsRef::as_ref)
}

/// Whether the member is in the registration in which it joined.
fn is_current(view: &Image, member: IsrMember) -> bool {
    view.broker_epoch(member.id) == Some(member.epoch)
}

/// The state with this ISR. Who leaves an ISR that gets smaller than `min.insync.replicas` has
/// every committed record until it grows again: nothing is committed meanwhile (KIP-966).
fn with_isr(state: &PartitionImage, isr: Vec<IsrMember>) -> PartitionImage {
    let enough = usize::try_from(state.min_isr).is_ok_and(|min_isr| isr.len() >= min_isr);
    let in_isr = |id: BrokerId| isr.iter().any(|member| member.id == id);
    let mut elr: Vec<IsrMember> = Vec::new();
    for member in state.elr.iter().chain(&state.isr).filter(|member| !enough && !in_isr(member.id))
    {
        elr.retain(|earlier| earlier.id != member.id);
        elr.push(*member);
    }
    PartitionImage { isr, elr, ..state.clone() }
}

/// A change of the leader: every one, also to none, has its own epoch.
fn led_by(state: PartitionImage, leader: Option<BrokerId>) -> PartitionImage {
    let leader_epoch = LeaderEpoch(state.leader_epoch.0 + 1);
    PartitionImage { leader, leader_epoch, ..state }
}
