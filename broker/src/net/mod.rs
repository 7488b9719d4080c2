//! Sockets: who may connect, frames in, ordered replies out, and what all of it may cost in memory.
//!
//! This layer knows lengths and order, and nothing of what the bytes mean; [`crate::api::dispatch`] does.

pub mod budget;
pub mod connection;
pub mod frames;
#[cfg(test)]
mod frames_model;
pub mod limits;
pub mod listener;
pub mod log_limit;
pub mod transport;
mod write;
