//! The Kafka wire protocol.

pub mod messages;
pub mod record_batch;
