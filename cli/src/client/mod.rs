//! A small Kafka client: what the commands need, no more. Any Kafka-compatible broker will do.

mod cluster;
mod connection;
mod error;

pub(crate) use cluster::Cluster;
pub(crate) use connection::Connection;
pub(crate) use error::ClientError;
