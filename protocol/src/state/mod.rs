//! What the cluster keeps in etcd: identifiers, keys and values.
//!
//! [`keys`] names the keys (Kafka's ZooKeeper tree below a prefix), [`values`] are the messages of
//! `proto/state/*.proto`, [`json`] is their form in etcd. Nothing here talks to etcd: that is the
//! coordinator client's part.

pub mod ids;
pub mod json;
pub mod keys;
pub mod values;

mod uuid_text;

pub use json::{StateError, StateValue, from_json, to_json};
pub use keys::{ConfigKind, CoordinatorKind, Keys, StateKey};
pub use uuid_text::UuidTextError;
pub use values::*;
