//! Which broker coordinates which shard. Pure.
//!
//! An id belongs to a shard by its hash, as it belongs to a partition of `__consumer_offsets` in
//! Kafka. A shard belongs to the live broker with the highest weight for it (rendezvous hashing),
//! so a broker that comes or goes moves only the shards that it gains or loses. Every broker
//! computes the same from the same image. Two brokers that see different images may both take a
//! shard for their own for a while: the claim in etcd decides which of them can write.

use barnabas_protocol::state::ids::{BrokerEpoch, BrokerId};

use super::claim::Claim;
use crate::metadata::Image;

/// The shard of an id: Java's hash of the string, as in Kafka.
pub(super) fn shard_of(id: &str, shards: usize) -> usize {
    let hash = id
        .encode_utf16()
        .fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)));
    // Kafka's `Utils.abs` maps the least integer to 0.
    usize::try_from(hash.checked_abs().unwrap_or(0)).unwrap_or(0) % shards
}

/// The broker of a shard: of those that may coordinate, the one with the highest weight.
pub(super) fn owner(image: &Image, shard: usize) -> Option<BrokerId> {
    let eligible = image.brokers.keys().copied().filter(|id| image.eligible(*id));
    eligible.max_by_key(|id| (weight(shard, *id), *id))
}

/// A hash of shard and broker (the finalizer of splitmix64). All versions of the broker must
/// compute the same.
fn weight(shard: usize, broker: BrokerId) -> u64 {
    let broker = u64::from(broker.0.cast_unsigned());
    let mut bits = ((shard as u64) << 32 | broker).wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// What a shard's task is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// The shard is this broker's under this registration. It will be loaded.
    Acquire(usize, BrokerEpoch),
    /// The shard is another broker's.
    Release(usize),
}

/// The shards of this broker.
#[derive(Debug)]
pub(super) struct Holdings {
    shards: Vec<Holding>,
}

/// What this broker has of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holding {
    /// Another broker coordinates it.
    Foreign,
    /// It is this broker's under that registration, and has to be claimed and loaded.
    Wanted(BrokerEpoch),
    /// This broker has claimed and loaded it.
    Held(Claim),
}

impl Holding {
    fn epoch(self) -> Option<BrokerEpoch> {
        match self {
            Self::Foreign => None,
            Self::Wanted(epoch) => Some(epoch),
            Self::Held(claim) => Some(claim.epoch),
        }
    }
}

impl Holdings {
    pub(super) fn new(shards: usize) -> Self {
        Self { shards: vec![Holding::Foreign; shards] }
    }

    /// Follows the image. `epoch` is the registration under which this broker may coordinate, if
    /// any.
    pub(super) fn follow(
        &mut self,
        image: &Image,
        broker: BrokerId,
        epoch: Option<BrokerEpoch>,
    ) -> Vec<Order> {
        let mut orders = Vec::new();
        for (shard, holding) in self.shards.iter_mut().enumerate() {
            let wanted = epoch.filter(|_| owner(image, shard) == Some(broker));
            if holding.epoch() == wanted {
                continue;
            }
            *holding = wanted.map_or(Holding::Foreign, Holding::Wanted);
            orders.push(match wanted {
                Some(epoch) => Order::Acquire(shard, epoch),
                None => Order::Release(shard),
            });
        }
        orders
    }

    /// The shards to claim and load, with the registration to do it under. All of them have the
    /// same one.
    pub(super) fn wanted(&self) -> Option<(BrokerEpoch, Vec<usize>)> {
        let wanted = |(shard, holding): (usize, &Holding)| match holding {
            Holding::Wanted(epoch) => Some((shard, *epoch)),
            Holding::Foreign | Holding::Held(_) => None,
        };
        let wanted: Vec<_> = self.shards.iter().enumerate().filter_map(wanted).collect();
        let (_, epoch) = *wanted.first()?;
        Some((epoch, wanted.into_iter().map(|(shard, _)| shard).collect()))
    }

    /// A shard was claimed and loaded.
    pub(super) fn hold(&mut self, shard: usize, claim: Claim) {
        self.shards[shard] = Holding::Held(claim);
    }

    /// A write showed that a claim is over. Returns whether the shard has to be claimed anew: it
    /// still is this broker's according to the image, and no later claim was made.
    pub(super) fn lose(&mut self, shard: usize, claim: Claim) -> bool {
        let lost = self.shards[shard] == Holding::Held(claim);
        if lost {
            self.shards[shard] = Holding::Wanted(claim.epoch);
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use barnabas_coordinator_client::ModRevision;

    use super::*;

    const EPOCH: BrokerEpoch = BrokerEpoch(20);

    fn image(brokers: &[i32]) -> Image {
        brokers.iter().fold(Image::default(), |image, id| image.with_broker(*id, 20))
    }

    fn owners(brokers: &[i32]) -> Vec<Option<BrokerId>> {
        let image = image(brokers);
        (0..50).map(|shard| owner(&image, shard)).collect()
    }

    #[test]
    fn ids_are_in_kafkas_partitions() {
        // As `Utils.abs(group.hashCode) % 50` says.
        for (group, shard) in [("", 0), ("a", 47), ("group", 47), ("test", 48), ("grüße", 23)] {
            assert_eq!(shard_of(group, 50), shard, "{group}");
        }
        // The least integer.
        assert_eq!(shard_of("polygenelubricants", 50), 0);
    }

    #[test]
    fn a_broker_that_goes_moves_only_its_own_shards() {
        let (three, two) = (owners(&[1, 2, 3]), owners(&[1, 3]));
        for (before, after) in three.iter().zip(&two) {
            let left = *before == Some(BrokerId(2));
            assert!(left || before == after, "{before:?} {after:?}");
        }
        for id in [1, 2, 3] {
            let share = three.iter().filter(|owner| **owner == Some(BrokerId(id))).count();
            assert!((8..=25).contains(&share), "broker {id} has {share} of 50 shards");
        }
        assert_eq!(owner(&Image::default(), 0), None);
    }

    /// Brokers of different versions must agree.
    #[test]
    fn the_assignment_does_not_change_between_versions() {
        let owners: Vec<_> = owners(&[1, 2, 3]).into_iter().flatten().map(|id| id.0).collect();
        assert_eq!(owners[..12], [2, 2, 3, 1, 1, 3, 1, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn shards_are_acquired_once_and_wanted_until_they_are_loaded() {
        let mut holdings = Holdings::new(3);
        let me = BrokerId(1);
        let orders = holdings.follow(&image(&[1]), me, Some(EPOCH));
        assert_eq!(orders, [0, 1, 2].map(|shard| Order::Acquire(shard, EPOCH)));
        assert_eq!(holdings.follow(&image(&[1]), me, Some(EPOCH)), []);
        assert_eq!(holdings.wanted(), Some((EPOCH, vec![0, 1, 2])));
        let claim = Claim { epoch: EPOCH, revision: ModRevision(30) };
        (0..3).for_each(|shard| holdings.hold(shard, claim));
        assert_eq!(holdings.wanted(), None);
        assert_eq!(holdings.follow(&image(&[1]), me, None), [0, 1, 2].map(Order::Release));
    }

    #[test]
    fn a_lost_claim_is_renewed_unless_there_is_a_later_one() {
        let mut holdings = Holdings::new(1);
        let me = BrokerId(1);
        holdings.follow(&image(&[1]), me, Some(EPOCH));
        let [first, second] = [30, 40].map(|at| Claim { epoch: EPOCH, revision: ModRevision(at) });
        holdings.hold(0, first);
        assert!(holdings.lose(0, first));
        assert_eq!(holdings.wanted(), Some((EPOCH, vec![0])));
        holdings.hold(0, second);
        assert!(!holdings.lose(0, first), "the second claim is not affected");
        holdings.follow(&image(&[2]), me, Some(EPOCH));
        assert!(!holdings.lose(0, second), "the shard is another broker's");
    }
}
