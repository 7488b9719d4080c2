//! What a request may be refused for, with etcd's texts and gRPC codes: clients match on both.

use tonic::{Code, Status};

/// A request that was refused. The text is etcd's, so that clients written for etcd recognise it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpError {
    #[error("etcdserver: key is not provided")]
    EmptyKey,
    #[error("etcdserver: key not found")]
    KeyNotFound,
    #[error("etcdserver: value is provided")]
    ValueProvided,
    #[error("etcdserver: lease is provided")]
    LeaseProvided,
    #[error("etcdserver: too many operations in txn request")]
    TooManyOps,
    #[error("etcdserver: duplicate key given in txn request")]
    DuplicateKey,
    #[error("etcdserver: request is too large")]
    RequestTooLarge,
    #[error("etcdserver: mvcc: required revision has been compacted")]
    Compacted,
    #[error("etcdserver: mvcc: required revision is a future revision")]
    FutureRevision,
    #[error("etcdserver: requested lease not found")]
    LeaseNotFound,
    #[error("etcdserver: lease already exists")]
    LeaseExists,
    #[error("etcdserver: too large lease TTL")]
    LeaseTtlTooLarge,
    /// The server is shutting down; whether a write was done is unknown.
    #[error("etcdserver: server stopped")]
    Stopped,
    /// The directory could not be written; whether the write was done is unknown.
    #[error("etcdserver: embedded coordinator cannot write its directory: {0}")]
    Storage(String),
}

impl OpError {
    /// The gRPC code that etcd answers with.
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::EmptyKey
            | Self::KeyNotFound
            | Self::ValueProvided
            | Self::LeaseProvided
            | Self::TooManyOps
            | Self::DuplicateKey
            | Self::RequestTooLarge => Code::InvalidArgument,
            Self::Compacted | Self::FutureRevision | Self::LeaseTtlTooLarge => Code::OutOfRange,
            Self::LeaseNotFound => Code::NotFound,
            Self::LeaseExists => Code::FailedPrecondition,
            Self::Stopped | Self::Storage(_) => Code::Unavailable,
        }
    }
}

impl From<OpError> for Status {
    fn from(error: OpError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
