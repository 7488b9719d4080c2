//! The logs on this broker, and what is needed to write about them in etcd.

use std::sync::Arc;

use crate::log::Store;
use crate::membership::ClusterMember;
use crate::partition::table::PartitionTable;

/// Shared by what deletes logs, reports them, and compares them with the cluster.
#[derive(Clone, Debug)]
pub(crate) struct LocalLogs {
    pub(crate) member: ClusterMember,
    pub(crate) table: Arc<PartitionTable>,
    pub(crate) store: Store,
}
