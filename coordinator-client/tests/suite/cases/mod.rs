//! The cases, by subject. Each takes a server of its own.

pub(crate) mod election;
pub(crate) mod endpoints;
pub(crate) mod kv;
pub(crate) mod lease;
pub(crate) mod txn;
pub(crate) mod watch;
