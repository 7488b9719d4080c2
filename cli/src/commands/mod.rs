//! One command a file or folder.

pub(crate) mod broker;
pub(crate) mod cluster;
pub(crate) mod completions;
pub(crate) mod config;
mod connect;
pub(crate) mod consume;
pub(crate) mod dev;
mod etcd;
pub(crate) mod group;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod perf;
pub(crate) mod produce;
pub(crate) mod topic;
