//! What can go wrong, and what a caller may conclude from it.

use crate::history::RevisionJump;
use thiserror::Error;

/// etcd answered, and its answer was no. Asking again gives the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The user may not do that, or user or password is wrong.
    #[error("etcd denies access: {0}")]
    Denied(String),
    /// The revision asked for is older than etcd keeps.
    #[error("the revision has been compacted")]
    Compacted,
    /// The lease has expired or was revoked: whoever held it is no longer the one it was.
    #[error("the lease is gone")]
    LeaseNotFound,
    /// More operations or bytes than one request may have ([`Txn::MAX_OPS`](crate::Txn::MAX_OPS),
    /// 1.5 MiB).
    #[error("too large: {0}")]
    TooLarge(String),
    /// etcd was restored from a backup since this process first talked to it: nothing is sent to it
    /// any more.
    #[error(transparent)]
    Restored(#[from] RevisionJump),
    /// The request makes no sense to etcd: a bug of the caller.
    #[error("etcd refuses the request: {0}")]
    Invalid(String),
}

/// Why a call other than a transaction failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No endpoint answered in time. Reads, lease grants and revocations may simply be repeated.
    #[error("etcd is unavailable: {0}")]
    Unavailable(String),
    /// etcd's answer was no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The configuration cannot work.
    #[error("{0}")]
    Config(String),
}

/// Why a transaction has no outcome.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TxnError {
    /// The request may have reached etcd and no reply came: it was applied, or was not, or **still
    /// will be**. A read that shows the old value proves nothing. What resolves it: a later
    /// successful transaction with the same compares on the same keys, or seeing one's own write.
    #[error("it is not known whether the transaction was applied: {0}")]
    Indeterminate(String),
    /// The request did not reach etcd, or etcd refused to look at it: it was not applied and never
    /// will be.
    #[error("etcd is unavailable, the transaction was not applied: {0}")]
    Unavailable(String),
    /// etcd's answer was no: not applied.
    #[error(transparent)]
    Rejected(#[from] Rejection),
}

impl Rejection {
    /// Whether the caller lost the right to write: it must stop and obtain a new lease.
    #[must_use]
    pub const fn is_fenced(&self) -> bool {
        matches!(self, Self::LeaseNotFound)
    }
}

impl Error {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the caller's lease is gone.
    #[must_use]
    pub const fn is_fenced(&self) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.is_fenced())
    }
}

impl TxnError {
    /// Whether the same transaction may be sent again without any check. Never true for an
    /// indeterminate one.
    #[must_use]
    pub const fn is_retriable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// Whether the transaction may have been applied.
    #[must_use]
    pub const fn is_indeterminate(&self) -> bool {
        matches!(self, Self::Indeterminate(_))
    }

    /// Whether the caller's lease is gone.
    #[must_use]
    pub const fn is_fenced(&self) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.is_fenced())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indeterminate_transaction_is_not_retriable() {
        let indeterminate = TxnError::Indeterminate("timeout".into());
        assert!(indeterminate.is_indeterminate() && !indeterminate.is_retriable());
        let unavailable = TxnError::Unavailable("refused".into());
        assert!(unavailable.is_retriable() && !unavailable.is_indeterminate());
    }

    #[test]
    fn only_a_lost_lease_fences() {
        assert!(TxnError::from(Rejection::LeaseNotFound).is_fenced());
        assert!(Error::from(Rejection::LeaseNotFound).is_fenced());
        assert!(!TxnError::from(Rejection::Compacted).is_fenced());
        assert!(!Error::Unavailable(String::new()).is_fenced());
    }
}
