//! Who leads a partition, as far as requests ask.

use barnabas_protocol::state::ids::LeaderEpoch;

use super::Partition;
use super::state::{AckError, Assignment, Bounds, LeadershipError};

impl Partition {
    /// Takes the role that the cluster state gives to this replica. Needs no I/O.
    pub fn assign(&self, assignment: Assignment) {
        self.locked.lock().decide(|state| state.assign(assignment, AckError::NotLeader));
    }

    /// Ends every role, as the topic is gone; everyone who waits is told. A later assignment opens
    /// the partition again.
    pub fn close(&self) {
        self.locked.lock().decide(|state| state.assign(Assignment::Offline, AckError::Deleted));
    }

    /// Checks that this broker leads, in the epoch the request names (-1: any). Returns the epoch.
    pub fn check_leadership(&self, requested: LeaderEpoch) -> Result<LeaderEpoch, LeadershipError> {
        self.locked.lock().state.check_leadership(requested)
    }

    /// The offsets that bound reads, for a request that may be served here.
    pub fn leader_bounds(&self, requested: LeaderEpoch) -> Result<Bounds, LeadershipError> {
        let locked = self.locked.lock();
        locked.state.check_leadership(requested).map(|_| locked.state.bounds())
    }
}
