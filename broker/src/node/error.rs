//! Why a broker does not start.

use std::io;
use std::path::Path;

use barnabas_coordinator_client::Error;

use super::CoordinationError;
use crate::failure::Failure;
use crate::log::OpenError;
use crate::membership::RegistrationError;
use crate::membership::meta::MetaError;

/// Why a broker does not start. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error(
        "log.dirs {dir}: {source}; it has to be a directory that this user can write to, and is made if its parent is there"
    )]
    Directory {
        /// The directory.
        dir: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// It belongs to another broker or cluster.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// The log cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The coordination service cannot be used.
    #[error(transparent)]
    Coordination(#[from] CoordinationError),
    /// etcd does not answer, or not to this broker.
    #[error("{source}; etcd.endpoints is {endpoints}: is etcd there, and may this broker use it?")]
    NoEtcd {
        /// As configured; empty for the embedded coordinator.
        endpoints: String,
        /// What went wrong.
        source: Error,
    },
    /// The broker cannot register in the cluster.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// A listener's address cannot be bound.
    #[error("cannot listen on {address}: {source}; choose another address with `listeners`")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A part ended while the broker was starting.
    #[error("the broker was stopped while it was starting")]
    Stopped,
    /// A part of the broker has failed.
    #[error(transparent)]
    Failed(Failure),
}

impl From<Option<Failure>> for StartError {
    fn from(failure: Option<Failure>) -> Self {
        failure.map_or(Self::Stopped, Self::Failed)
    }
}

impl StartError {
    pub(super) fn at(dir: &Path, source: io::Error) -> Self {
        Self::Directory { dir: dir.display().to_string(), source }
    }
}
