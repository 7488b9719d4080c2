//! A small Kafka client: what the commands need, no more. Any Kafka-compatible broker will do.

mod cluster;
mod connection;
pub(crate) mod consumer;
mod error;
pub(crate) mod producer;

pub(crate) use cluster::Cluster;
pub(crate) use connection::Connection;
pub(crate) use error::ClientError;
