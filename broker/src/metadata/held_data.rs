//! What a broker's data directory still holds, told by the broker's registrations. Elections go by
//! it: see `docs/adr/008-which-data-may-lead.md`.

use barnabas_protocol::state::ids::BrokerEpoch;
use barnabas_protocol::state::values::{self, BrokerRegistration};

/// The data of a broker in its present registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldData {
    /// The oldest registration of an unbroken chain in which the broker had this directory.
    pub directory_since: BrokerEpoch,
    /// The gaps in that chain.
    pub absences: Vec<Absence>,
    /// The oldest registration since which nothing acknowledged can have been lost.
    pub lossless_since: BrokerEpoch,
}

/// Registrations of the broker with other directories: those between these two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// The last registration with this directory before.
    pub after: BrokerEpoch,
    /// The first one after.
    pub before: BrokerEpoch,
}

impl HeldData {
    /// The data of a directory that begins with the registration `epoch`.
    #[must_use]
    pub const fn since(epoch: BrokerEpoch) -> Self {
        Self { directory_since: epoch, absences: Vec::new(), lossless_since: epoch }
    }

    /// What a registration says that was made at `epoch`.
    #[must_use]
    pub fn of(registration: &BrokerRegistration, epoch: BrokerEpoch) -> Self {
        let resolved = |since: i64| if since == 0 { epoch } else { BrokerEpoch(since) };
        let absence = |absence: &values::Absence| Absence {
            after: BrokerEpoch(absence.after),
            before: resolved(absence.before),
        };
        Self {
            directory_since: resolved(registration.directory_since),
            absences: registration.absences.iter().map(absence).collect(),
            lossless_since: resolved(registration.lossless_since),
        }
    }

    /// Whether the directory is the one that the broker had when it was registered as `epoch`. It
    /// may lack what a power cut took.
    #[must_use]
    pub fn holds(&self, epoch: BrokerEpoch) -> bool {
        let absent = |gap: &Absence| gap.after < epoch && epoch < gap.before;
        self.directory_since <= epoch && !self.absences.iter().any(absent)
    }

    /// Whether it holds everything that was acknowledged while the broker was registered as
    /// `epoch`.
    #[must_use]
    pub fn is_complete_for(&self, epoch: BrokerEpoch) -> bool {
        self.holds(epoch) && self.lossless_since <= epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(directory_since: i64, lossless_since: i64) -> BrokerRegistration {
        BrokerRegistration { directory_since, lossless_since, ..BrokerRegistration::default() }
    }

    #[test]
    fn zero_is_the_registration_itself() {
        let own = BrokerEpoch(40);
        assert_eq!(HeldData::of(&registration(0, 0), own), HeldData::since(own));
        let held = HeldData::of(&registration(10, 20), own);
        assert_eq!((held.directory_since, held.lossless_since), (BrokerEpoch(10), BrokerEpoch(20)));
    }

    #[test]
    fn a_directory_holds_its_own_registrations_and_no_others() {
        let mut value = registration(10, 10);
        value.absences = vec![
            values::Absence { after: 20, before: 30 },
            values::Absence { after: 35, before: 0 },
        ];
        let held = HeldData::of(&value, BrokerEpoch(40));
        let holds = |epochs: &[i64]| epochs.iter().all(|epoch| held.holds(BrokerEpoch(*epoch)));
        assert!(holds(&[10, 15, 20, 30, 35, 40]));
        for other in [9, 21, 29, 36, 39] {
            assert!(!held.holds(BrokerEpoch(other)), "{other}");
        }
    }

    #[test]
    fn complete_is_more_than_held() {
        let held = HeldData::of(&registration(10, 20), BrokerEpoch(40));
        assert!(held.holds(BrokerEpoch(15)) && !held.is_complete_for(BrokerEpoch(15)));
        assert!(held.is_complete_for(BrokerEpoch(20)) && held.is_complete_for(BrokerEpoch(40)));
        assert!(!HeldData::since(BrokerEpoch(40)).is_complete_for(BrokerEpoch(39)));
    }
}
