//! Why group requests are refused.

use barnabas_coordinator_client::{Rejection, TxnError};

use crate::coordinator::{TooMuch, WriteError};

/// Why a group request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum GroupError {
    /// Another broker coordinates the group.
    #[error("another broker coordinates the group")]
    NotCoordinator,
    /// The group is being loaded from etcd.
    #[error("the group is being loaded")]
    Loading,
    /// etcd does not answer, or the group is being deleted.
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
    /// The member has to join again with the id that it got (KIP-394).
    #[error("the member has to join with its member id")]
    MemberIdRequired,
    /// `group.max.size`
    #[error("the group is full")]
    MaxSizeReached,
    /// A subscription or an assignment that is larger than Kafka could store.
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
    /// More than etcd stores in one value, or than may wait to be written.
    #[error("the commit is too large")]
    CommitTooLarge,
    /// There is no such partition.
    #[error("there is no such partition")]
    UnknownPartition,
}

/// The reply to a request whose change was not written. `NotCoordinator` and `NotAvailable` make
/// clients find the coordinator again and repeat the request.
impl From<&WriteError> for GroupError {
    fn from(error: &WriteError) -> Self {
        match error {
            WriteError::Fenced | WriteError::Contended => Self::NotCoordinator,
            WriteError::Txn(TxnError::Rejected(Rejection::TooLarge(_))) => Self::CommitTooLarge,
            WriteError::Away
            | WriteError::TimedOut
            | WriteError::Refuted
            | WriteError::Txn(
                TxnError::Indeterminate(_) | TxnError::Unavailable(_) | TxnError::Rejected(_),
            ) => Self::NotAvailable,
        }
    }
}

impl From<TooMuch> for GroupError {
    fn from(error: TooMuch) -> Self {
        match error {
            TooMuch::ForNow => Self::NotAvailable,
            TooMuch::ForEver => Self::CommitTooLarge,
        }
    }
}
