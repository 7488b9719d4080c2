//! The one place where errors become Kafka error codes. No match here has a catch-all arm: a new
//! error has to be given its code.
//!
//! Only [`BatchError::error_code`](barnabas_protocol::kafka::record_batch::BatchError::error_code)
//! is elsewhere, beside the checks of the protocol crate that find what is wrong with a batch.

mod configs;
mod group;
mod records;
mod topics;

pub(crate) use configs::{alter, alter_config};
pub(crate) use group::group;
pub(crate) use records::{ack, fetch, leadership, lookup, produce};
pub(crate) use topics::{auto_create, create_partitions, create_topic, delete_topic};
