//! Tests of the store as a whole.

mod basic;
pub(in crate::log) mod common;
mod crash;
mod damage;
mod disk;
mod full;
mod model;
