//! A small Kafka client: what the commands need, no more. Any Kafka-compatible broker will do.

mod cluster;
mod connection;
pub mod consumer;
mod error;
pub mod producer;

pub use cluster::Cluster;
pub use connection::Connection;
pub use error::ClientError;
