//! One command a file or folder.

pub(crate) mod broker;
mod connect;
pub(crate) mod consume;
pub(crate) mod dev;
pub(crate) mod produce;
pub(crate) mod topic;
