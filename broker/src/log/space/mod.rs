//! Giving disk space back.

pub(super) mod reclaim;
