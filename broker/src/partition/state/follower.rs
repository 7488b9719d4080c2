//! A replica that another broker leads.

use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch};

/// Whom the replica follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The leader, for clients that ask here.
    pub leader: BrokerId,
    /// Its epoch.
    pub epoch: LeaderEpoch,
}
