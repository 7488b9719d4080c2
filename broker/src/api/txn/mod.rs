//! Idempotent producers. There are no transactions yet.

pub(crate) mod describe_producers;
pub(crate) mod describe_transactions;
pub mod init_producer_id;
pub(crate) mod list_transactions;
