//! An etcd of one: the etcd v3 gRPC API on a loopback address, inside this process.
//!
//! It exists so that `barnabas dev` and tests need no etcd, while brokers run the one code path
//! they run against etcd, and `etcdctl` works on it. It keeps its data in a directory of its own:
//! a write is answered when it is on disk, a restart loses nothing, and leases start anew with
//! their full time. It is **not** a coordinator for more than one machine: there is no replication
//! and no authentication, so it refuses to listen on anything but loopback.
//!
//! Served are KV, Watch, Lease, and of Maintenance and Cluster what `etcdctl endpoint status`,
//! `endpoint health` and `member list` need; anything else answers `Unimplemented`. Give `etcdctl`
//! its endpoint as `127.0.0.1:2379`: with `http://` in front, 3.4's `endpoint status` sends that as
//! the authority of its request, which is malformed, and the HTTP/2 library here refuses it.
//!
//! ```text
//! service/*   gRPC handlers: no decisions
//! mailbox     the bounded way to the owner
//! owner       one thread: batches requests, writes once per batch, then answers
//! machine     all state: requests and time in, responses and effects out    ┐
//!   check       what is wrong with a request in itself                      │
//!   txn, range  evaluation                                                  │ pure
//!   mvcc        versions of keys, revisions, compaction                     │
//!   history     changes by revision;  watch: who is told what of them       │
//!   lease       deadlines and the keys that hang on them                    ┘
//! disk        the directory and its RocksDB;  disk_format: what is in it
//! ```

mod check;
mod disk;
mod disk_format;
mod error;
mod history;
mod key_range;
mod lease;
mod machine;
mod mailbox;
mod mvcc;
mod owner;
mod range;
mod server;
mod service;
#[cfg(test)]
mod tests;
mod txn;
mod watch;

pub use history::Retention;
pub use server::{EmbeddedConfig, EmbeddedError, Server};
