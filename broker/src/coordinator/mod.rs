//! What coordinators share: shards that brokers claim in etcd, and the queue of writes that compare the claim.

pub(crate) mod placement;
pub(crate) mod write_queue;
