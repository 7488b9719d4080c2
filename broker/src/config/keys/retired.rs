//! Keys of older versions and other distributions of Kafka that are still found in files.

/// How a retired key is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum Retired {
    /// Accepted, with this warning.
    Ignored(&'static str),
    /// Refused with this advice, because ignoring it would change what the user asked for.
    Refused(&'static str),
}

use Retired::{Ignored, Refused};

const ETCD: &str = "the cluster's state is in etcd; set etcd.endpoints and etcd.prefix";
const VERSIONS: &str = "all brokers speak the newest protocol version that both sides know";
const LISTENERS: &str = "set listeners and advertised.listeners";
const TIMESTAMPS: &str =
    "set log.message.timestamp.before.max.ms and log.message.timestamp.after.max.ms";
const CONVERSION: &str = "records are not converted to old formats";
const NO_REPLICATION: &str = "brokers do not replicate from each other yet";
const AUTHORIZER: &str = "there is no authorizer yet";

static NAMES: &[(&str, Retired)] = &[
    ("zookeeper.session.timeout.ms", Ignored("set etcd.lease.ttl.ms")),
    ("zookeeper.connection.timeout.ms", Ignored("set etcd.connect.timeout.ms")),
    ("zookeeper.metadata.migration.enable", Ignored(ETCD)),
    ("inter.broker.protocol.version", Ignored(VERSIONS)),
    ("log.message.format.version", Ignored(VERSIONS)),
    ("host.name", Refused(LISTENERS)),
    ("port", Refused(LISTENERS)),
    ("advertised.host.name", Refused(LISTENERS)),
    ("advertised.port", Refused(LISTENERS)),
    ("control.plane.listener.name", Ignored("requests of the controller need no listener")),
    ("broker.id.generation.enable", Ignored("set broker.id in each broker")),
    ("reserved.broker.max.id", Ignored("every id may be set")),
    ("log.message.timestamp.difference.max.ms", Refused(TIMESTAMPS)),
    ("log.message.downconversion.enable", Ignored(CONVERSION)),
    ("leader.imbalance.per.broker.percentage", Ignored(NO_REPLICATION)),
    ("controlled.shutdown.max.retries", Ignored(NO_REPLICATION)),
    ("controlled.shutdown.retry.backoff.ms", Ignored(NO_REPLICATION)),
    ("quota.producer.default", Refused("quotas are not available yet")),
    ("quota.consumer.default", Refused("quotas are not available yet")),
    ("delegation.token.master.key", Ignored("delegation tokens are not available")),
    ("group.coordinator.new.enable", Ignored("there is one group coordinator")),
    ("super.users", Ignored(AUTHORIZER)),
    ("allow.everyone.if.no.acl.found", Ignored(AUTHORIZER)),
    ("ssl.context.provider.class", Ignored("Java classes cannot be loaded")),
];

static PREFIXES: &[(&str, Retired)] = &[
    ("zookeeper.", Ignored(ETCD)),
    ("password.encoder.", Ignored("secrets are not kept in the cluster's state")),
    ("rlmm.config.", Ignored("tiered storage is not available")),
    ("rsm.config.", Ignored("tiered storage is not available")),
    ("confluent.", Ignored("it is a key of Confluent's server")),
    (
        "listener.name.",
        Refused(
            "settings for single listeners are not available yet; set the key without the prefix",
        ),
    ),
];

/// How the key is treated, if it is a retired one.
pub(in crate::config) fn lookup(key: &str) -> Option<Retired> {
    let exact = NAMES.iter().find(|(name, _)| *name == key);
    exact
        .or_else(|| PREFIXES.iter().find(|(prefix, _)| key.starts_with(prefix)))
        .map(|(_, retired)| *retired)
}

/// The rows of the reference: keys, or prefixes followed by a star.
pub(in crate::config) fn rows() -> impl Iterator<Item = (String, Retired)> {
    let names = NAMES.iter().map(|(name, retired)| ((*name).to_owned(), *retired));
    names.chain(PREFIXES.iter().map(|(prefix, retired)| (format!("{prefix}*"), *retired)))
}
