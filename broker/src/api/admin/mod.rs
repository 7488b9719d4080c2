//! Administration: topics and configurations.

pub(crate) mod alter_configs;
mod config_change;
mod config_resource;
pub(crate) mod create_partitions;
pub(crate) mod create_topics;
pub(crate) mod delete_topics;
pub(crate) mod describe_configs;
pub(crate) mod incremental_alter_configs;
mod topics;
