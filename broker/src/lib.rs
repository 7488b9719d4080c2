//! The Barnabas broker: `net` → `api` → `partition` | `group` | `controller` | `metadata` → `log`.

pub mod api;
mod clock;
pub mod config;
pub mod controller;
pub mod env;
pub mod failure;
pub mod group;
pub mod log;
pub mod metadata;
pub mod net;
pub mod partition;
pub mod server;
