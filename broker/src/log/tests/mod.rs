//! Tests of the store as a whole.

mod basic;
pub(in crate::log) mod common;
mod crash;
mod crash_points;
mod damage;
mod disk;
mod faulty_disk;
mod full;
mod model;
mod random;
