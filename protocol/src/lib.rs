//! Bytes to types and back: the Kafka wire protocol, record batches, and the schema of the cluster
//! state.
//!
//! Nothing here opens a socket, reads a clock or needs an async runtime.

pub mod kafka;
pub mod state;
