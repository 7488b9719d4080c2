//! Whether a registration continues the earlier ones of its data directory: pure.
//!
//! `/brokers/lives/<id>` names the last registration with each data directory. A directory that
//! does not know its own is an older copy: another one has gone on in the meantime.

use barnabas_coordinator_client::LeaseId;
use barnabas_protocol::state::StateValue;
use barnabas_protocol::state::values::{Absence, BrokerLives, BrokerRegistration, DirectoryLife};
use uuid::Uuid;

use super::Life;

/// Data directories of one broker that are remembered.
const DIRECTORIES: usize = 16;

/// Gaps in the chain of one directory that are remembered.
const ABSENCES: usize = 8;

/// How a registration relates to the earlier ones of its broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::membership) enum Continuity {
    /// The first one of a broker.
    First,
    /// The broker had this directory before, too.
    Continues,
    /// The broker had another directory in between.
    Returns,
    /// The broker had another directory, and never had this one.
    Replaced,
    /// Another copy of this directory was registered since.
    Stale,
    /// The broker had this directory, but etcd does not know it (any more).
    Forgotten,
}

impl Continuity {
    /// What a directory that knows `life` is to a broker with these lives.
    pub(in crate::membership) fn of(
        life: &Life,
        directory: Uuid,
        lives: Option<&BrokerLives>,
    ) -> Self {
        let directory = directory.to_string();
        let lives = lives.map_or(&[][..], |lives| &lives.directories[..]);
        let own = lives.iter().find(|life| life.data_dir_id == directory);
        let is_newest = lives.last().is_some_and(|newest| newest.data_dir_id == directory);
        match own {
            Some(own) if !life.knows(LeaseId(own.lease_id)) => Self::Stale,
            // After a registration of unknown epoch, the lives in between are not known either.
            Some(own) if is_newest && life.ends_with(LeaseId(own.lease_id)) => Self::Continues,
            Some(_) => Self::Returns,
            None if life.last.is_some() => Self::Forgotten,
            None if lives.is_empty() => Self::First,
            None => Self::Replaced,
        }
    }
}

/// Fills in what a registration says about its data directory. 0 is its own epoch, which is not
/// known before.
pub(in crate::membership) fn registration_claims(
    life: &Life,
    continuity: Continuity,
    registration: &mut BrokerRegistration,
) {
    let continues = matches!(continuity, Continuity::Continues | Continuity::Returns);
    let Some(claim) = life.claim.as_ref().filter(|_| continues) else { return };
    registration.directory_since = claim.directory_since.0;
    registration.lossless_since = claim.lossless_since.map_or(0, |epoch| epoch.0);
    let absence =
        |gap: &crate::metadata::Absence| Absence { after: gap.after.0, before: gap.before.0 };
    registration.absences = claim.absences.iter().map(absence).collect();
    if let (Continuity::Returns, Some(last)) = (continuity, life.last) {
        registration.absences.push(Absence { after: last.epoch.0, before: 0 });
    }
    if registration.absences.len() > ABSENCES {
        let forgotten = registration.absences.remove(0);
        registration.directory_since = forgotten.before;
        if registration.lossless_since != 0 {
            registration.lossless_since = registration.lossless_since.max(forgotten.before);
        }
    }
}

/// The lives of a broker, with this registration as the newest.
pub(in crate::membership) fn lives_with(
    lives: Option<BrokerLives>,
    newest: DirectoryLife,
) -> BrokerLives {
    let mut directories = lives.map(|lives| lives.directories).unwrap_or_default();
    directories.retain(|life| life.data_dir_id != newest.data_dir_id);
    directories.push(newest);
    let excess = directories.len().saturating_sub(DIRECTORIES);
    directories.drain(..excess);
    BrokerLives { version: BrokerLives::VERSION, directories }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::state::ids::BrokerEpoch;

    use super::*;
    use crate::metadata::HeldData;

    const OURS: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    /// Lives with these directories and leases, the newest last.
    fn lives(of: &[(Uuid, i64)]) -> Option<BrokerLives> {
        of.iter().fold(None, |lives, (directory, lease_id)| {
            let data_dir_id = directory.to_string();
            let life =
                DirectoryLife { data_dir_id, incarnation: String::new(), lease_id: *lease_id };
            Some(lives_with(lives, life))
        })
    }

    /// A directory that was registered with this lease as epoch 9, since epoch 3 and lossless since
    /// 5.
    fn life(lease: i64) -> Life {
        let held = HeldData { lossless_since: BrokerEpoch(5), ..HeldData::since(BrokerEpoch(3)) };
        Life::default().registered(BrokerEpoch(9), LeaseId(lease), &held)
    }

    fn claims(life: &Life, continuity: Continuity) -> (i64, i64, Vec<Absence>) {
        let mut value = BrokerRegistration::default();
        registration_claims(life, continuity, &mut value);
        (value.directory_since, value.lossless_since, value.absences)
    }

    #[test]
    fn the_last_registration_decides() {
        let of = |life: &Life, of: &[(Uuid, i64)]| Continuity::of(life, OURS, lives(of).as_ref());
        assert_eq!(of(&Life::default(), &[]), Continuity::First);
        assert_eq!(of(&Life::default(), &[(OTHER, 60)]), Continuity::Replaced);
        assert_eq!(of(&life(70), &[(OURS, 70)]), Continuity::Continues);
        let unanswered = life(70).trying(LeaseId(71));
        assert_eq!(of(&unanswered, &[(OURS, 71)]), Continuity::Returns);
        assert_eq!(of(&unanswered, &[(OTHER, 60), (OURS, 71)]), Continuity::Returns);
        assert_eq!(of(&life(70), &[(OURS, 70), (OTHER, 80)]), Continuity::Returns);
        // Another copy went on, with or without another directory after it.
        assert_eq!(of(&life(70), &[(OURS, 75)]), Continuity::Stale);
        assert_eq!(of(&life(70), &[(OURS, 75), (OTHER, 80)]), Continuity::Stale);
        assert_eq!(of(&Life::default(), &[(OURS, 75)]), Continuity::Stale);
        // etcd has lost it.
        assert_eq!(of(&life(70), &[]), Continuity::Forgotten);
        assert_eq!(of(&life(70), &[(OTHER, 80)]), Continuity::Forgotten);
    }

    #[test]
    fn only_a_chain_that_continues_is_claimed() {
        assert_eq!(claims(&life(70), Continuity::Continues), (3, 5, vec![]));
        assert_eq!(claims(&life(70).lost(), Continuity::Continues), (3, 0, vec![]));
        let gap = vec![Absence { after: 9, before: 0 }];
        assert_eq!(claims(&life(70), Continuity::Returns), (3, 5, gap));
        use Continuity::{First, Forgotten, Replaced, Stale};
        for anew in [First, Replaced, Stale, Forgotten] {
            assert_eq!(claims(&life(70), anew), (0, 0, vec![]), "{anew:?}");
        }
        assert_eq!(claims(&Life::default(), Continuity::Continues), (0, 0, vec![]));
    }

    #[test]
    fn many_gaps_shorten_the_chain() {
        let mut life = life(70);
        for turn in 0..10 {
            let epoch = BrokerEpoch(100 + 10 * turn);
            let mut value = BrokerRegistration::default();
            registration_claims(&life, Continuity::Returns, &mut value);
            life = life.registered(epoch, LeaseId(turn), &HeldData::of(&value, epoch));
        }
        let (since, lossless_since, absences) = claims(&life, Continuity::Continues);
        assert_eq!((since, lossless_since, absences.len()), (110, 110, ABSENCES));
        assert_eq!(absences[0], Absence { after: 110, before: 120 });
    }

    #[test]
    fn the_directories_that_are_remembered_are_bounded() {
        let mut many = None;
        for number in 0..40 {
            let data_dir_id = Uuid::from_u128(number % 20).to_string();
            let life =
                DirectoryLife { data_dir_id, incarnation: String::new(), lease_id: number as i64 };
            many = Some(lives_with(many, life));
        }
        let leases: Vec<_> = many.unwrap().directories.iter().map(|life| life.lease_id).collect();
        assert_eq!(leases, (24..40).collect::<Vec<_>>());
    }
}
