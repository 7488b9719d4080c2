//! A small Kafka client, for the command line, for brokers among themselves, and for benchmarks. It
//! works with any Kafka-compatible broker.
//!
//! * [`Connection`]: one broker; negotiated versions, pipelined requests, deadlines.
//! * [`Cluster`]: connections as they are needed, metadata, routing, retries, and what to say
//!   meanwhile ([`Notice`]).
//! * [`consumer`], [`producer`], [`offsets`]: records, as whole batches whose bytes are never
//!   copied.
//! * [`group`]: membership of a consumer group.
//!
//! It is no general client library: it has no threads of its own, and no buffers of records.

mod address;
mod clock;
mod cluster;
mod connection;
pub mod consumer;
mod error;
pub mod group;
mod notice;
pub mod offsets;
mod partitions;
pub mod producer;
mod retry;

pub use address::{Address, AddressError};
pub use cluster::{Cluster, ClusterConfig, Lane, Topic};
pub use connection::{Answer, Connection};
pub use error::ClientError;
pub use notice::Notice;
pub use partitions::{ByPartition, PartitionSet};
