//! Why a broker does not start.

use std::io;
use std::path::Path;

use barnabas_coordinator_client::Error;

use super::CoordinationError;
use crate::failure::Failure;
use crate::log::OpenError;
use crate::membership::RegistrationError;
use crate::membership::meta::MetaError;

/// Why a broker does not start. Each says what to do.
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
    /// It belongs to someone else.
    #[error(transparent)]
    Meta(#[from] MetaError),
    /// The log cannot be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// There is no coordination.
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
    /// The cluster does not take this broker.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// A listener's address cannot be had.
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
    /// A part cannot go on.
    #[error(transparent)]
    Failed(Failure),
}

impl StartError {
    pub(super) fn at(dir: &Path, source: io::Error) -> Self {
        Self::Directory { dir: dir.display().to_string(), source }
    }
}
