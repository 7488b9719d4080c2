//! What goes wrong with groups.

use barnabas_coordinator_client::{Rejection, TxnError};

/// Why a group request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GroupError {
    /// Another broker coordinates the group.
    #[error("another broker coordinates the group")]
    NotCoordinator,
    /// The group is still being read from etcd.
    #[error("the group is being loaded")]
    Loading,
    /// etcd is away, or the group is being deleted.
    #[error("the group cannot be served at the moment")]
    NotAvailable,
    /// The request needs a group id.
    #[error("the group id is empty")]
    InvalidGroupId,
    /// No such member in the group.
    #[error("the group does not have this member")]
    UnknownMember,
    /// Another member has the instance id now (KIP-345).
    #[error("another member has taken over the instance id")]
    FencedInstance,
    /// The member is not of the present generation.
    #[error("the generation is not the current one")]
    IllegalGeneration,
    /// The group uses another protocol type, or no protocol is common to all.
    #[error("the protocols do not fit those of the group")]
    InconsistentProtocol,
    /// The member has to join again.
    #[error("the group is rebalancing")]
    RebalanceInProgress,
    /// The member has to join again with the id that it was given (KIP-394).
    #[error("the member has to join with its member id")]
    MemberIdRequired,
    /// `group.max.size`
    #[error("the group is full")]
    MaxSizeReached,
    /// A subscription or an assignment that is larger than Kafka could keep.
    #[error("the member's subscription or assignment is too large")]
    MemberTooLarge,
    /// Outside `group.min.session.timeout.ms` and `group.max.session.timeout.ms`.
    #[error("the session timeout is outside the limits")]
    InvalidSessionTimeout,
    /// Only an empty group can be deleted.
    #[error("the group has members")]
    NonEmpty,
    /// There is no such group.
    #[error("there is no such group")]
    NotFound,
    /// The offsets of a subscribed topic cannot be deleted.
    #[error("the group is subscribed to the topic")]
    SubscribedToTopic,
    /// `offset.metadata.max.bytes`
    #[error("the metadata of the offset is too large")]
    MetadataTooLarge,
    /// More than etcd takes in one value.
    #[error("the commit is too large")]
    CommitTooLarge,
    /// There is no such partition.
    #[error("there is no such partition")]
    UnknownPartition,
}

/// Why something of a group was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteError {
    /// This broker's registration is not the one it had, or another broker has claimed the group.
    #[error("this broker does not coordinate the group any more")]
    Fenced,
    /// The keys were changed by others, every time.
    #[error("others write the same keys")]
    Contended,
    /// No answer in `offsets.commit.timeout.ms`; it may have been written.
    #[error("etcd did not answer in time")]
    TimedOut,
    /// etcd failed or refused.
    #[error(transparent)]
    Txn(#[from] TxnError),
}

impl WriteError {
    /// Whether the value will never fit.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self, Self::Txn(TxnError::Rejected(Rejection::TooLarge(_))))
    }

    /// What the request that caused the write is told.
    pub(crate) fn to_group_error(&self) -> GroupError {
        match self {
            Self::Fenced | Self::Contended => GroupError::NotCoordinator,
            Self::TimedOut => GroupError::NotAvailable,
            Self::Txn(TxnError::Rejected(Rejection::TooLarge(_))) => GroupError::CommitTooLarge,
            Self::Txn(
                TxnError::Indeterminate(_) | TxnError::Unavailable(_) | TxnError::Rejected(_),
            ) => GroupError::NotAvailable,
        }
    }
}
