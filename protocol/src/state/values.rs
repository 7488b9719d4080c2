//! The values kept in etcd, generated from `proto/state/*.proto` (which documents every field).

use super::json::StateValue;

#[allow(missing_docs, unused_qualifications, clippy::all, clippy::pedantic, clippy::nursery)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/barnabas.state.rs"));
    include!(concat!(env!("OUT_DIR"), "/barnabas.state.serde.rs"));
}

pub use generated::*;

/// Says which schema version of each value this code reads and writes.
macro_rules! state_values {
    ($($message:ident: $version:literal),* $(,)?) => {
        $(impl StateValue for $message {
            const VERSION: u32 = $version;
            const NAME: &'static str = stringify!($message);

            fn set_version(&mut self, version: u32) {
                self.version = version;
            }

            fn version(&self) -> u32 {
                self.version
            }
        })*
    };
}

state_values! {
    Cluster: 1,
    Restored: 1,
    Clock: 1,
    Controller: 1,
    BrokerRegistration: 1,
    BrokerLives: 1,
    BrokerState: 1,
    Coordinator: 1,
    ProducerIdBlock: 1,
    Topic: 1,
    PartitionState: 1,
    DeletedTopic: 1,
    StrayLog: 1,
    Config: 1,
    GroupState: 1,
    CommittedOffset: 1,
    PendingOffsets: 1,
    Acl: 1,
    ScramCredential: 1,
}
