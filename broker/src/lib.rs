//! The Barnabas broker. `ARCHITECTURE.md` draws its rooms; nobody imports from a room above.

pub mod api;
mod broker;
mod clock;
pub mod config;
pub mod controller;
pub mod coordinator;
pub mod env;
pub mod failure;
pub mod group;
pub mod log;
pub mod membership;
pub mod metadata;
pub mod net;
pub mod node;
pub mod partition;
pub mod telemetry;
