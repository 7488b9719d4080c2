//! Administration: topics, configurations, replicas and features.

pub(crate) mod alter_configs;
pub(crate) mod alter_partition_reassignments;
mod config_change;
mod config_resource;
pub(crate) mod create_partitions;
pub(crate) mod create_topics;
pub(crate) mod delete_topics;
pub(crate) mod describe_configs;
pub(crate) mod elect_leaders;
pub(crate) mod incremental_alter_configs;
pub(crate) mod list_config_resources;
pub(crate) mod list_partition_reassignments;
mod loggers;
mod topics;
pub(crate) mod unregister_broker;
pub(crate) mod update_features;
