//! The tables of all keys, by area. A key is added or changes its support class here and nowhere
//! else.

pub(super) mod def;
mod group;
mod groups_to_come;
mod kraft;
mod log;
mod network;
mod own;
mod reasons;
pub mod registry;
mod remote;
mod replication;
pub(super) mod retired;
mod sasl;
mod security;
pub(super) mod synonyms;
mod topic;
mod transaction;

use self::def::ConfigDef;

/// A heading of the reference and the keys under it.
pub(super) struct Area {
    /// The heading.
    pub(super) title: &'static str,
    /// The keys.
    pub(super) keys: &'static [ConfigDef],
}

/// All keys, in the order of the reference.
pub(super) static AREAS: &[Area] = &[
    Area { title: "Topics", keys: topic::TOPIC },
    Area { title: "Coordination and storage (not in Kafka)", keys: own::OWN },
    Area { title: "Listeners, connections and requests", keys: network::NETWORK },
    Area { title: "Logs and defaults of topics", keys: log::LOG },
    Area { title: "Replication", keys: replication::REPLICATION },
    Area { title: "Consumer groups", keys: group::GROUP },
    Area { title: "Producers and transactions", keys: transaction::TRANSACTION },
    Area { title: "TLS, authorization, delegation tokens", keys: security::SECURITY },
    Area { title: "SASL", keys: sasl::SASL_KEYS },
    Area { title: "Share groups and streams groups", keys: groups_to_come::GROUPS_TO_COME },
    Area { title: "Tiered storage", keys: remote::REMOTE_KEYS },
    Area { title: "KRaft", keys: kraft::KRAFT_KEYS },
];

/// Keys that Kafka accepts but does not describe.
pub(super) static INTERNAL: &[&str] = &[
    "controller.performance.always.log.threshold.ms",
    "controller.performance.sample.period.ms",
    "group.consumer.regex.refresh.interval.ms",
    "group.share.initialize.retry.interval.ms",
    "group.share.persister.class.name",
    "internal.metadata.delete.delay.millis",
    "internal.metadata.log.segment.bytes",
    "internal.metadata.max.batch.size.in.bytes",
    "internal.segment.bytes",
    "log.initial.task.delay.ms",
    "producer.id.expiration.check.interval.ms",
    "remote.log.index.file.cache.ttl.ms",
    "remote.log.manager.task.retry.backoff.max.ms",
    "remote.log.manager.task.retry.backoff.ms",
    "remote.log.manager.task.retry.jitter",
    "server.max.startup.time.ms",
    "share.coordinator.cold.partition.snapshot.interval.ms",
    "share.coordinator.state.topic.prune.interval.ms",
    "unclean.leader.election.interval.ms",
    "unstable.api.versions.enable",
    "unstable.feature.versions.enable",
];

impl ConfigDef {
    /// Whether Kafka accepts the key but does not describe it.
    #[must_use]
    pub fn internal(&self) -> bool {
        INTERNAL.contains(&self.name)
    }
}
