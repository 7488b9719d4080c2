//! What the cluster keeps in etcd: identifiers, keys and values.

pub mod ids;
