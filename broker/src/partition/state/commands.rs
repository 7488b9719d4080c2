//! What a replica's shell has to do after a decision.

use barnabas_protocol::state::ids::Offset;

/// Why an accepted batch was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// The log could not be written.
    #[error("the log could not be written")]
    Storage,
    /// The partition moved to another leader; the records may or may not survive.
    #[error("the partition moved to another leader")]
    NotLeader,
    /// The topic was deleted.
    #[error("the topic was deleted")]
    Deleted,
}

/// What to do outside, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Commands {
    /// Acknowledge the records below this offset to producers that wait for the leader (acks=1).
    pub written: Option<Offset>,
    /// The high watermark moved here: acknowledge the records below it to producers that wait for
    /// all (acks=all).
    pub committed: Option<Offset>,
    /// Fail the producers that wait for more.
    pub failed: Option<Failed>,
    /// Wake the fetches that wait: there is more to read, or another answer.
    pub wake_fetches: bool,
}

/// Which producers fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Those that wait for a record at or past this offset.
    pub from: Offset,
    /// What they are told.
    pub error: AckError,
}
