//! Copies of partitions and the election of their leaders.

use super::def::Check::{Any, AtLeast};
use super::def::Support::{Honoured, Inert};
use super::def::keys;
use crate::config::keys::reasons::{LEASE, NO_REPLICATION};

keys! {
    /// Copies of partitions and the election of their leaders.
    REPLICATION, Broker:
    "replica.lag.time.max.ms", Long, Some("30000"), Any, High, ReadOnly, Inert(NO_REPLICATION),
        "Milliseconds after which a follower that has not caught up leaves the in-sync replicas.";
    "replica.fetch.max.bytes", Int, Some("1048576"), AtLeast(0), Medium, ReadOnly, Inert(NO_REPLICATION),
        "Bytes of one partition that a follower asks for in one fetch.";
    "replica.fetch.response.max.bytes", Int, Some("10485760"), AtLeast(0), Medium, ReadOnly,
        Inert(NO_REPLICATION),
        "Bytes of all partitions that a follower asks for in one fetch.";
    "replica.fetch.min.bytes", Int, Some("1"), Any, High, ReadOnly, Inert(NO_REPLICATION),
        "Bytes that the leader should have before it answers a follower.";
    "replica.fetch.wait.max.ms", Int, Some("500"), Any, High, ReadOnly, Inert(NO_REPLICATION),
        "Milliseconds that the leader may wait before it answers a follower.";
    "replica.fetch.backoff.ms", Int, Some("1000"), AtLeast(0), Medium, ReadOnly, Inert(NO_REPLICATION),
        "Milliseconds that a follower pauses after an error.";
    "replica.high.watermark.checkpoint.interval.ms", Long, Some("5000"), Any, High, ReadOnly,
        Inert(NO_REPLICATION),
        "Milliseconds between two notes on disk of the high watermarks.";
    "replica.socket.receive.buffer.bytes", Int, Some("65536"), Any, High, ReadOnly,
        Inert(NO_REPLICATION),
        "Receive buffer of a follower's connection.";
    "replica.socket.timeout.ms", Int, Some("30000"), Any, High, ReadOnly, Inert(NO_REPLICATION),
        "Milliseconds that a follower waits for an answer.";
    "replica.selector.class", String, None, Any, Medium, ReadOnly,
        Inert(NO_REPLICATION),
        "Chooses the replica that a consumer reads from.";
    "num.replica.fetchers", Int, Some("1"), AtLeast(1), High, ClusterWide,
        Inert(NO_REPLICATION),
        "Threads that fetch from each other broker.";
    "unclean.leader.election.enable", Boolean, Some("false"), Any, High, ClusterWide, Honoured,
        "Whether a replica that lacks acknowledged records may become leader when no other is left.";
    "unclean.leader.election.interval.ms", Long, Some("300000"), AtLeast(1), Medium, ReadOnly,
        Inert("elections start when something changes, not at intervals"),
        "Milliseconds between two looks for partitions that need an unclean election.";
    "auto.leader.rebalance.enable", Boolean, Some("true"), Any, High, ReadOnly, Inert(NO_REPLICATION),
        "Whether leadership returns by itself to the preferred replicas.";
    "leader.imbalance.check.interval.seconds", Long, Some("300"), AtLeast(1), High, ReadOnly,
        Inert(NO_REPLICATION),
        "Seconds between two looks for leaderships to return.";
    "controller.socket.timeout.ms", Int, Some("30000"), Any, Medium, ReadOnly,
        Inert(NO_REPLICATION),
        "Milliseconds that requests of the controller to brokers may take.";
    "broker.heartbeat.interval.ms", Int, Some("2000"), Any, Medium, ReadOnly, Inert(LEASE),
        "Milliseconds between two heartbeats of a broker.";
    "broker.session.timeout.ms", Int, Some("9000"), Any, Medium, ReadOnly, Inert(LEASE),
        "Milliseconds without a heartbeat after which a broker counts as dead.";
    "initial.broker.registration.timeout.ms", Int, Some("60000"), Any, Medium, ReadOnly,
        Inert(LEASE),
        "Milliseconds that a starting broker waits for being registered.";
}
