//! Freeing disk space.

pub(super) mod reclaim;
