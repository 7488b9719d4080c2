//! Requests that wait for a partition: produce requests for replicas, fetch requests for records.

pub mod acks;
pub mod fetch_wait;
