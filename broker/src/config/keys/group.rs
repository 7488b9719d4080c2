//! Consumer groups and their offsets.

use super::def::Check::{Any, AtLeast, OneOf, OneOfAnyCase};
use super::def::Support::{Honoured, Inert};
use super::def::keys;
use crate::config::keys::reasons::{KIP848, OFFSETS, RUNTIME};

keys! {
    /// Consumer groups and their offsets.
    GROUP, Broker:
    "group.initial.rebalance.delay.ms", Int, Some("3000"), Any, Medium, ReadOnly, Honoured,
        "Milliseconds that a new group waits for more members before its first rebalance.";
    "group.max.session.timeout.ms", Int, Some("1800000"), Any, Medium, ReadOnly, Honoured,
        "Longest session timeout that a member may ask for.";
    "group.min.session.timeout.ms", Int, Some("6000"), Any, Medium, ReadOnly, Honoured,
        "Shortest session timeout that a member may ask for.";
    "group.max.size", Int, Some("2147483647"), AtLeast(1), Medium, ReadOnly, Honoured,
        "Most members of one group.";
    "offset.metadata.max.bytes", Int, Some("4096"), Any, High, ReadOnly, Honoured,
        "Longest text that may come with a committed offset.";
    "offsets.retention.minutes", Int, Some("10080"), AtLeast(1), High, ReadOnly, Honoured,
        "Minutes that a group's offsets are kept after the group became empty.";
    "offsets.retention.check.interval.ms", Long, Some("600000"), AtLeast(1), High, ReadOnly,
        Honoured,
        "Milliseconds between two searches for offsets that may be deleted.";
    "offsets.commit.timeout.ms", Int, Some("5000"), AtLeast(1), High, ReadOnly, Honoured,
        "Milliseconds that writing committed offsets may take.";
    "offsets.topic.num.partitions", Int, Some("50"), AtLeast(1), High, ReadOnly, Honoured,
        "Shards over which the groups are spread among the brokers. All brokers of a cluster must \
         agree.";
    "offsets.load.buffer.size", Int, Some("5242880"), AtLeast(1), High, ReadOnly, Inert(OFFSETS),
        "Bytes read at once when offsets are loaded.";
    "offsets.topic.compression.codec", Int, Some("0"), Any, High, ReadOnly, Inert(OFFSETS),
        "Compression of the topic of offsets.";
    "offsets.topic.replication.factor", Short, Some("3"), AtLeast(1), High, ReadOnly,
        Inert(OFFSETS),
        "Replicas of the topic of offsets.";
    "offsets.topic.segment.bytes", Int, Some("104857600"), AtLeast(1), High, ReadOnly,
        Inert(OFFSETS),
        "Segment size of the topic of offsets.";
    "group.coordinator.append.linger.ms", Int, Some("-1"), AtLeast(-1), Medium, ReadOnly,
        Inert(OFFSETS),
        "Milliseconds that the coordinator waits for more writes.";
    "group.coordinator.cached.buffer.max.bytes", Int, Some("1048588"),
        AtLeast(524_288), Medium, ClusterWide,
        Inert(OFFSETS),
        "Largest buffer that the coordinator keeps for writes.";
    "group.coordinator.background.threads", Int, Some("2"), AtLeast(1), High, ReadOnly,
        Inert(RUNTIME),
        "Threads for the coordinator's background work.";
    "group.coordinator.threads", Int, Some("4"), AtLeast(1), High, ReadOnly, Inert(RUNTIME),
        "Threads of the group coordinator.";
    "group.coordinator.rebalance.protocols", List, Some("classic,consumer,streams"),
        OneOf(&["consumer", "classic", "share", "streams"]), Medium, ReadOnly,
        Inert(KIP848),
        "Which rebalance protocols the coordinator offers.";
    "group.consumer.assignment.interval.ms", Int, Some("1000"), AtLeast(0), Medium, ClusterWide,
        Inert(KIP848),
        "Milliseconds between two assignments of a group.";
    "group.consumer.assignors", List, Some("uniform,range"), Any, Medium, ReadOnly, Inert(KIP848),
        "Assignors that run in the broker.";
    "group.consumer.heartbeat.interval.ms", Int, Some("5000"), AtLeast(1), Medium, ReadOnly,
        Inert(KIP848),
        "Milliseconds between two heartbeats of a member.";
    "group.consumer.max.assignment.interval.ms", Int, Some("15000"), AtLeast(0), Medium, ReadOnly,
        Inert(KIP848),
        "Longest interval between two assignments.";
    "group.consumer.max.heartbeat.interval.ms", Int, Some("15000"), AtLeast(1), Medium, ReadOnly,
        Inert(KIP848),
        "Longest interval between two heartbeats.";
    "group.consumer.max.session.timeout.ms", Int, Some("60000"), AtLeast(1), Medium, ReadOnly,
        Inert(KIP848),
        "Longest session timeout.";
    "group.consumer.max.size", Int, Some("2147483647"), AtLeast(1), Medium, ReadOnly, Inert(KIP848),
        "Most members of one group.";
    "group.consumer.migration.policy", String, Some("bidirectional"),
        OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), Medium, ReadOnly,
        Inert(KIP848),
        "Whether groups change between the classic and the new protocol.";
    "group.consumer.min.assignment.interval.ms", Int, Some("0"), AtLeast(0), Medium, ReadOnly,
        Inert(KIP848),
        "Shortest interval between two assignments.";
    "group.consumer.min.heartbeat.interval.ms", Int, Some("5000"), AtLeast(1), Medium, ReadOnly,
        Inert(KIP848),
        "Shortest interval between two heartbeats.";
    "group.consumer.min.session.timeout.ms", Int, Some("45000"), AtLeast(1), Medium, ReadOnly,
        Inert(KIP848),
        "Shortest session timeout.";
    "group.consumer.regex.refresh.interval.ms", Int, Some("600000"),
        AtLeast(10_000), Medium, ReadOnly,
        Inert(KIP848),
        "Milliseconds between two resolutions of a subscribed pattern.";
    "group.consumer.session.timeout.ms", Int, Some("45000"), AtLeast(1), Medium, ReadOnly,
        Inert(KIP848),
        "Milliseconds without a heartbeat after which a member is removed.";
}
