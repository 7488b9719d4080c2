//! Fetch requests that wait for more records (`fetch.min.bytes`, `fetch.max.wait.ms`).
//!
//! A waiting request leaves a handle at each of its partitions. The first one that advances takes all
//! handles it has and wakes them; the request looks again and, if need be, leaves its handle anew.

use std::sync::Arc;

use tokio::sync::Notify;

/// A waiting request's handle.
pub type FetchWaiter = Arc<Notify>;

/// The requests that wait at one partition.
#[derive(Debug, Default)]
pub struct FetchWaiters(Vec<FetchWaiter>);

impl FetchWaiters {
    /// Leaves a handle.
    pub fn register(&mut self, waiter: &FetchWaiter) {
        self.0.push(Arc::clone(waiter));
    }

    /// Takes a handle back, when its request was answered otherwise.
    pub fn deregister(&mut self, waiter: &FetchWaiter) {
        self.0.retain(|other| !Arc::ptr_eq(other, waiter));
    }

    /// Wakes everyone who waits.
    pub fn wake(&mut self) {
        // A request that is not yet asleep finds the permit when it goes to sleep.
        self.0.drain(..).for_each(|waiter| waiter.notify_one());
    }
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::state::ids::{BrokerId, LeaderEpoch, Offset, PartitionIndex, TopicId};

    use super::*;
    use crate::config::{BrokerConfig, ConfigFile, Sources, TopicConfig};
    use crate::log::{LogId, Store, StoreOptions};
    use crate::partition::Partition;
    use crate::partition::state::epochs::EpochHistory;
    use crate::partition::state::producers::Producers;
    use crate::partition::state::{Bounds, ReplicaState, Role};

    fn config() -> TopicConfig {
        let file =
            Some(ConfigFile { name: "server.properties".into(), text: "broker.id=1".into() });
        let sources = Sources { file, host_name: "localhost".into(), ..Sources::default() };
        let (broker, _) = BrokerConfig::from_sources(&sources).expect("a valid configuration");
        TopicConfig::effective(&broker.layers(Default::default()), &Default::default())
    }

    /// Who looked before the change has nobody to wake it.
    #[test]
    fn nobody_waits_where_leadership_has_changed_meanwhile() {
        let dir = tempfile::tempdir().expect("a directory");
        let (store, _) = Store::open(StoreOptions::new(dir.path())).expect("a store");
        let zero = Offset(0);
        let bounds = Bounds { log_start: zero, high_watermark: zero, log_end: zero };
        let state = ReplicaState::new(bounds, EpochHistory::default(), Producers::default());
        let of = (TopicId::default(), PartitionIndex(0));
        let partition = Partition::new("t".into(), of, LogId(1), store, Arc::new(config()), state);
        let leader =
            |epoch| Role::Leader { epoch: LeaderEpoch(epoch), isr: vec![BrokerId(1)], replicas: 1 };
        let waiter = FetchWaiter::default();
        let waits = |epoch| partition.wait_past(zero, LeaderEpoch(epoch), &waiter);
        partition.become_role(leader(3));
        assert!(waits(3) && waits(-1));
        partition.become_role(leader(4));
        assert!(!waits(3), "the client has to be told of the new epoch");
        assert!(waits(4) && waits(-1));
        partition.become_role(Role::Offline);
        assert!(!waits(4) && !waits(-1));
    }
}
