//! Why a change was not written.

use barnabas_coordinator_client::{Rejection, TxnError};

/// Why a change was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// This broker registered anew, or another broker has claimed the shard.
    #[error("this broker does not coordinate the shard any more")]
    Fenced,
    /// Each attempt found keys that had been changed by somebody else.
    #[error("other writers change the same keys")]
    Contended,
    /// The condition of this change does not hold.
    #[error("the condition of the change does not hold")]
    Refuted,
    /// Not sent, because the session with etcd gets no answers.
    #[error("etcd does not answer")]
    Away,
    /// No answer within the time limit. The change may have been written.
    #[error("etcd did not answer in time")]
    TimedOut,
    /// etcd failed or refused.
    #[error(transparent)]
    Txn(#[from] TxnError),
}

impl WriteError {
    /// Whether the value is too large for etcd, so that no retry can succeed.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self, Self::Txn(TxnError::Rejected(Rejection::TooLarge(_))))
    }

    /// Whether etcd could not be reached, as opposed to an answer that was no.
    pub(super) fn is_unavailable(&self) -> bool {
        match self {
            Self::Away | Self::TimedOut => true,
            Self::Txn(TxnError::Indeterminate(_) | TxnError::Unavailable(_)) => true,
            Self::Txn(TxnError::Rejected(_)) => false,
            Self::Fenced | Self::Contended | Self::Refuted => false,
        }
    }
}
