//! Where a partition's records begin and end.

pub mod delete_records;
pub mod list_offsets;
pub mod offset_for_leader_epoch;
