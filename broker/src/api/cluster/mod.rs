//! What clients ask about the cluster.

pub mod api_versions;
pub mod describe_cluster;
pub mod describe_log_dirs;
pub(crate) mod describe_quorum;
pub mod describe_topic_partitions;
pub mod find_coordinator;
pub mod metadata;
