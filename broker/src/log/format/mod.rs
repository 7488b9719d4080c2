//! The keys and values of the database, one file each, and the span of a batch.

mod acted_on;
pub(super) mod batch_span;
pub(super) mod chunk;
pub(super) mod keys;
pub(super) mod records;
