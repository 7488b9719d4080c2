//! The state of the logs in memory: their chunks, their newest batches, and the generations that
//! readers hold.

pub(super) mod pins;
pub(super) mod table;
pub(super) mod tail;
