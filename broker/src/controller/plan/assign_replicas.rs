//! Which brokers hold a new partition: as the client says, or spread evenly over brokers and racks.

use std::collections::BTreeSet;

use barnabas_protocol::state::ids::BrokerId;

use crate::metadata::{Image, IsrMember};

/// A broker that may hold replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate<'a> {
    id: BrokerId,
    rack: Option<&'a str>,
}

/// Chooses replicas for `count` partitions. Leaders go round the live brokers from `start` on (pass
/// something random, so that small topics do not all start at the first broker); followers prefer
/// racks not used yet. Brokers that are known but down get replicas only where the live ones do not
/// suffice.
///
/// # Errors
/// Kafka's words for INVALID_REPLICATION_FACTOR.
pub(super) fn automatic(
    view: &Image,
    count: usize,
    replication_factor: usize,
    start: usize,
) -> Result<Vec<Vec<BrokerId>>, String> {
    let live = by_rack(view);
    let down: Vec<_> = view.broker_states.keys().filter(|id| !view.alive(**id)).copied().collect();
    let registered = live.len() + down.len();
    if replication_factor > registered {
        return Err(format!(
            "Unable to replicate the partition {replication_factor} time(s): The target replication factor of \
             {replication_factor} cannot be reached because only {registered} broker(s) are registered or some brokers \
             have all their log directories cordoned."
        ));
    }
    if live.is_empty() {
        return Err(format!(
            "Unable to replicate the partition {replication_factor} time(s): All brokers are currently fenced."
        ));
    }
    let place = |partition: usize| {
        let mut replicas = on_live(&live, start.wrapping_add(partition), replication_factor);
        let missing = replication_factor - replicas.len();
        replicas.extend(down.iter().cycle().skip(partition % down.len().max(1)).take(missing));
        replicas
    };
    Ok((0..count).map(place).collect())
}

/// The live brokers, neighbours in different racks as far as possible.
fn by_rack(view: &Image) -> Vec<Candidate<'_>> {
    let eligible = view.brokers.values().filter(|broker| view.eligible(broker.id));
    let mut racks = std::collections::BTreeMap::<Option<&str>, Vec<BrokerId>>::new();
    for broker in eligible {
        racks.entry(broker.rack.as_deref()).or_default().push(broker.id);
    }
    let longest = racks.values().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .flat_map(|n| racks.iter().filter_map(move |(rack, ids)| Some((*rack, *ids.get(n)?))))
        .map(|(rack, id)| Candidate { id, rack })
        .collect()
}

/// Replicas for the partition number `turn`: the leader by turn, the followers from a distance that
/// grows each round, so that the partitions of a dead broker are spread over all others.
fn on_live(live: &[Candidate<'_>], turn: usize, replication_factor: usize) -> Vec<BrokerId> {
    let count = live.len();
    let leader = turn % count;
    let shift = (turn / count) % (count - 1).max(1);
    let others: Vec<_> =
        (0..count - 1).map(|n| &live[(leader + 1 + (shift + n) % (count - 1)) % count]).collect();
    let mut racks = BTreeSet::from([live[leader].rack]);
    let (fresh, used): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|other| other.rack.is_some() && racks.insert(other.rack));
    let followers = fresh.into_iter().chain(used).map(|other| other.id);
    std::iter::once(live[leader].id).chain(followers).take(replication_factor).collect()
}

/// Checks the replicas that a client gives for one partition; `replication_factor` is that of the
/// partitions before.
///
/// # Errors
/// Kafka's words for INVALID_REPLICA_ASSIGNMENT.
pub(crate) fn check_manual(
    view: &Image,
    replicas: &[BrokerId],
    replication_factor: Option<usize>,
) -> Result<(), String> {
    if replicas.is_empty() {
        return Err("The manual partition assignment includes an empty replica list.".to_owned());
    }
    let mut sorted = replicas.to_vec();
    sorted.sort_unstable();
    let known = |id: &BrokerId| view.alive(*id) || view.broker_states.contains_key(id);
    if let Some(unknown) = sorted.iter().find(|id| !known(id)) {
        return Err(format!(
            "The manual partition assignment includes broker {unknown}, but no such broker is registered."
        ));
    }
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        let id = twice[0];
        return Err(format!(
            "The manual partition assignment includes the broker {id} more than once."
        ));
    }
    match replication_factor {
        Some(expected) if expected != replicas.len() => Err(format!(
            "The manual partition assignment includes a partition with {} replica(s), but this is not consistent with \
             previous partitions, which have {expected} replica(s).",
            replicas.len()
        )),
        _ => Ok(()),
    }
}

/// The first ISR of a partition on these replicas: all that are live, the first of them leads.
/// Empty where none is.
pub(super) fn first_isr(view: &Image, replicas: &[BrokerId]) -> Vec<IsrMember> {
    let live = replicas.iter().filter(|id| view.eligible(**id));
    live.filter_map(|id| Some(IsrMember { id: *id, epoch: view.broker_epoch(*id)? })).collect()
}
