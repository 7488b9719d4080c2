//! Listeners, sockets and limits of connections and requests.

use super::def::Check::{Any, AtLeast, IpLimits, OneOf};
use super::def::Support::{Honoured, Inert, Only};
use super::def::keys;
use crate::config::keys::reasons::{
    CLASS, KRAFT, METRICS, NO_REPLICATION, PURGATORY, QUOTAS, RUNTIME, SASL, SHARE, TELEMETRY, TLS,
};

keys! {
    /// Listeners, sockets and limits of connections and requests.
    NETWORK, Broker:
    "node.id", Int, None, AtLeast(0), High, ReadOnly, Honoured,
        "The broker's number, unlike that of every other broker of the cluster. The same as \
         broker.id.";
    "broker.id", Int, Some("-1"), Any, High, ReadOnly, Honoured,
        "The broker's number, unlike that of every other broker of the cluster. The same as \
         node.id.";
    "broker.rack", String, None, Any, Medium, ReadOnly, Honoured,
        "Where the broker stands, such as an availability zone; replicas of a partition are \
         spread over the racks.";
    "listeners", List, Some("PLAINTEXT://:9092"), Any, High, ReadOnly, Honoured,
        "Where the broker listens: NAME://host:port, separated by commas. An empty host, 0.0.0.0 \
         and [::] mean all addresses of IPv6 and IPv4.";
    "advertised.listeners", List, None, Any, High, ReadOnly, Honoured,
        "Where clients and other brokers reach the listeners, if not at the addresses in \
         listeners. An empty host means the canonical name of this machine.";
    "listener.security.protocol.map", String, Some("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"),
        Any, Low, ReadOnly,
        Honoured,
        "The security protocol of each listener name: NAME:PROTOCOL, separated by commas. Only \
         PLAINTEXT is available so far.";
    "inter.broker.listener.name", String, None, Any, Medium, ReadOnly,
        Inert("brokers do not talk to each other yet; the name is checked, and told to nobody"),
        "The listener on which brokers talk to each other.";
    "security.inter.broker.protocol", String, Some("PLAINTEXT"),
        OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium, ReadOnly,
        Only(&["PLAINTEXT"], TLS),
        "The security protocol between brokers, if inter.broker.listener.name is not set.";
    "controller.listener.names", List, None, Any, High, ReadOnly,
        Inert("controllers need no listener of their own: the listeners named here are not opened"),
        "Listeners of the KRaft controller.";
    "early.start.listeners", List, None, Any, High, ReadOnly, Inert(KRAFT),
        "Listeners that open before the authorizer is ready.";
    "socket.request.max.bytes", Int, Some("104857600"), AtLeast(1), High, ReadOnly, Honoured,
        "Largest request that is read; a larger one closes the connection.";
    "queued.max.request.bytes", Long, Some("-1"), Any, Medium, ReadOnly, Honoured,
        "Bytes of requests in flight from which no more are read; -1 means 512 MiB.";
    "queued.max.requests", Int, Some("500"), AtLeast(1), High, ReadOnly,
        Inert("set queued.max.request.bytes: requests are limited by their bytes and by connection"),
        "Requests that may wait before network threads block.";
    "max.connections", Int, Some("2147483647"), AtLeast(0), Medium, ClusterWide, Honoured,
        "Connections that the broker accepts at the same time.";
    "max.connections.per.ip", Int, Some("2147483647"), AtLeast(0), Medium, ClusterWide, Honoured,
        "Connections that the broker accepts from one address at the same time.";
    "max.connections.per.ip.overrides", String, Some(""), IpLimits, Medium, ClusterWide, Honoured,
        "Limits for single addresses, in place of max.connections.per.ip: address:count, separated by \
         commas. IP addresses only, no host names.";
    "max.connection.creation.rate", Int, Some("2147483647"), AtLeast(0), Medium, ClusterWide,
        Inert(QUOTAS),
        "New connections accepted per second.";
    "connections.max.idle.ms", Long, Some("600000"), Any, Medium, ReadOnly, Honoured,
        "Milliseconds after which a connection without requests is closed.";
    "connection.failed.authentication.delay.ms", Int, Some("100"), AtLeast(0), Low, ReadOnly,
        Inert(SASL),
        "Milliseconds that a failed authentication is answered late.";
    "socket.receive.buffer.bytes", Int, Some("-1"), Any, High, ReadOnly, Honoured,
        "Size of a socket's receive buffer; -1 lets the operating system adjust it to the traffic.";
    "socket.send.buffer.bytes", Int, Some("-1"), Any, High, ReadOnly, Honoured,
        "Size of a socket's send buffer; -1 lets the operating system adjust it to the traffic.";
    "socket.listen.backlog.size", Int, Some("50"), AtLeast(1), Medium, ReadOnly, Inert("the operating system's limit holds, net.core.somaxconn"),
        "Connections that may wait for being accepted.";
    "socket.connection.setup.timeout.ms", Long, Some("10000"), Any, Medium, ReadOnly, Inert(NO_REPLICATION),
        "Milliseconds that connecting to another broker may take at first.";
    "socket.connection.setup.timeout.max.ms", Long, Some("30000"), Any, Medium, ReadOnly,
        Inert(NO_REPLICATION),
        "Milliseconds that connecting to another broker may take after several failures.";
    "request.timeout.ms", Int, Some("30000"), Any, High, ReadOnly, Inert(NO_REPLICATION),
        "Milliseconds that this broker waits for the answer of another broker.";
    "fetch.max.bytes", Int, Some("57671680"), AtLeast(1024), Medium, ReadOnly, Honoured,
        "Most bytes of records in one answer to a fetch.";
    "max.incremental.fetch.session.cache.slots", Int, Some("1000"), AtLeast(0), Medium, ReadOnly,
        Honoured,
        "Incremental fetch sessions (KIP-227) that the broker remembers.";
    "max.request.partition.size.limit", Int, Some("2000"), AtLeast(1), Medium, ReadOnly, Honoured,
        "Most partitions in one answer to DescribeTopicPartitions.";
    "num.io.threads", Int, Some("8"), AtLeast(1), High, ClusterWide, Inert(RUNTIME),
        "Threads that handle requests.";
    "num.network.threads", Int, Some("3"), AtLeast(1), High, ClusterWide, Inert(RUNTIME),
        "Threads that read and write sockets.";
    "background.threads", Int, Some("10"), AtLeast(1), High, ClusterWide, Inert(RUNTIME),
        "Threads for background work.";
    "fetch.purgatory.purge.interval.requests", Int, Some("1000"), Any, Medium, ReadOnly,
        Inert(PURGATORY),
        "Finished requests after which the waiting fetches are cleaned up.";
    "producer.purgatory.purge.interval.requests", Int, Some("1000"), Any, Medium, ReadOnly,
        Inert(PURGATORY),
        "Finished requests after which the waiting produce requests are cleaned up.";
    "delete.records.purgatory.purge.interval.requests", Int, Some("1"), Any, Medium, ReadOnly,
        Inert(PURGATORY),
        "Finished requests after which the waiting DeleteRecords requests are cleaned up.";
    "share.fetch.purgatory.purge.interval.requests", Int, Some("1000"), Any, Medium, ReadOnly,
        Inert(SHARE),
        "Finished requests after which the waiting share fetches are cleaned up.";
    "controlled.shutdown.enable", Boolean, Some("true"), Any, Medium, ReadOnly, Inert(NO_REPLICATION),
        "Whether a stopping broker first gives its leaderships to other replicas.";
    "server.max.startup.time.ms", Long, Some("9223372036854775807"), AtLeast(0), Medium, ReadOnly,
        Inert("the broker waits for etcd as long as it takes, and says so in its log"),
        "Milliseconds after which a broker that is not up gives up.";
    "telemetry.max.bytes", Int, Some("1048576"), AtLeast(1), Low, ReadOnly, Inert(TELEMETRY),
        "Largest telemetry push of a client.";
    "metric.reporters", List, Some("org.apache.kafka.common.metrics.JmxReporter"),
        Any, Low, ClusterWide,
        Inert(METRICS),
        "Java classes that receive the metrics.";
    "metrics.num.samples", Int, Some("2"), AtLeast(1), Low, ReadOnly, Inert(METRICS),
        "Samples from which a metric is computed.";
    "metrics.recording.level", String, Some("INFO"), Any, Low, ReadOnly, Inert(METRICS),
        "Which metrics are recorded.";
    "metrics.sample.window.ms", Long, Some("30000"), AtLeast(1), Low, ReadOnly, Inert(METRICS),
        "Milliseconds that a sample of a metric spans.";
    "kafka.metrics.polling.interval.secs", Int, Some("10"), AtLeast(1), Low, ReadOnly,
        Inert(METRICS),
        "Seconds between two reports of the metrics.";
    "kafka.metrics.reporters", List, Some(""), Any, Low, ReadOnly, Inert(METRICS),
        "Java classes that receive Yammer metrics.";
    "unstable.api.versions.enable", Boolean, Some("false"), Any, High, ReadOnly,
        Only(&["false"], "only finished versions of the protocol are served"),
        "Whether unfinished versions of requests are served.";
    "unstable.feature.versions.enable", Boolean, Some("false"), Any, High, ReadOnly,
        Only(&["false"], "only finished features exist"),
        "Whether unfinished features can be switched on.";
    "config.providers", List, Some(""), Any, Low, ClusterWide,
        Only(&[], "values are read as they stand; put secrets into files or the environment"),
        "Names of the plugins that replace placeholders in values.";
    "create.topic.policy.class.name", Class, None, Any, Low, ReadOnly, Only(&[], CLASS),
        "Java class that may refuse the creation of a topic.";
    "alter.config.policy.class.name", Class, None, Any, Low, ReadOnly, Only(&[], CLASS),
        "Java class that may refuse a change of the configuration.";
    "client.quota.callback.class", Class, None, Any, Low, ReadOnly, Only(&[], CLASS),
        "Java class that decides about quotas.";
    "quota.window.num", Int, Some("11"), AtLeast(1), Low, ReadOnly, Inert(QUOTAS),
        "Samples over which client quotas are measured.";
    "quota.window.size.seconds", Int, Some("1"), AtLeast(1), Low, ReadOnly, Inert(QUOTAS),
        "Seconds of each sample of client quotas.";
    "controller.quota.window.num", Int, Some("11"), AtLeast(1), Low, ReadOnly, Inert(QUOTAS),
        "Samples over which quotas of controller mutations are measured.";
    "controller.quota.window.size.seconds", Int, Some("1"), AtLeast(1), Low, ReadOnly,
        Inert(QUOTAS),
        "Seconds of each sample of quotas of controller mutations.";
    "replication.quota.window.num", Int, Some("11"), AtLeast(1), Low, ReadOnly, Inert(QUOTAS),
        "Samples over which replication quotas are measured.";
    "replication.quota.window.size.seconds", Int, Some("1"), AtLeast(1), Low, ReadOnly,
        Inert(QUOTAS),
        "Seconds of each sample of replication quotas.";
    "alter.log.dirs.replication.quota.window.num", Int, Some("11"), AtLeast(1), Low, ReadOnly,
        Inert(QUOTAS),
        "Samples over which quotas of moves between log directories are measured.";
    "alter.log.dirs.replication.quota.window.size.seconds", Int, Some("1"),
        AtLeast(1), Low, ReadOnly,
        Inert(QUOTAS),
        "Seconds of each sample of quotas of moves between log directories.";
}
