//! Idempotence: producer ids.

pub mod init_producer_id;
