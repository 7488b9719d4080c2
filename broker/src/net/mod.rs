//! Sockets: connection limits, frames in, ordered replies out, and the memory that all of it may
//! use.
//!
//! This layer only knows lengths and order. [`crate::api::dispatch`] knows what the bytes mean.

mod bind;
pub mod budget;
pub mod connection;
pub mod frames;
#[cfg(test)]
mod frames_model;
pub mod host_name;
pub mod limits;
pub mod listener;
pub mod log_limit;
pub mod transport;
mod write;

pub use bind::bind;
