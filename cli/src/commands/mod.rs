//! One command a file.

pub(crate) mod broker;
pub(crate) mod dev;
