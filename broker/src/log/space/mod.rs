//! Giving disk space back.

mod reclaim;
