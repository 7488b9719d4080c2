//! Share groups and streams groups, which do not exist here yet.

use super::def::Check::{Any, AtLeast, Between};
use super::def::Support::Inert;
use super::def::keys;
use crate::config::keys::reasons::{SHARE, STREAMS};

keys! {
    /// Share groups and streams groups, which do not exist here yet.
    GROUPS_TO_COME, Broker:
    "group.share.assignment.interval.ms", Int, Some("1000"), AtLeast(0), Medium, ClusterWide,
        Inert(SHARE),
        "Milliseconds between two assignments of a share group.";
    "group.share.assignors", List, Some("simple"), Any, Medium, ReadOnly, Inert(SHARE),
        "Assignors of share groups.";
    "group.share.delivery.count.limit", Int, Some("5"), Between(2, 10), Medium, ReadOnly,
        Inert(SHARE),
        "Times that a record is delivered at most.";
    "group.share.heartbeat.interval.ms", Int, Some("5000"), AtLeast(1), Medium, ReadOnly,
        Inert(SHARE),
        "Milliseconds between two heartbeats of a member.";
    "group.share.initialize.retry.interval.ms", Int, Some("30000"), AtLeast(1), Low, ReadOnly,
        Inert(SHARE),
        "Milliseconds between two attempts to set up a share group's state.";
    "group.share.max.assignment.interval.ms", Int, Some("15000"), AtLeast(0), Medium, ReadOnly,
        Inert(SHARE),
        "Longest interval between two assignments.";
    "group.share.max.delivery.count.limit", Int, Some("10"), Between(5, 25), Medium, ReadOnly,
        Inert(SHARE),
        "Highest limit of deliveries that a group may set.";
    "group.share.max.heartbeat.interval.ms", Int, Some("15000"), AtLeast(1), Medium, ReadOnly,
        Inert(SHARE),
        "Longest interval between two heartbeats.";
    "group.share.max.partition.max.record.locks", Int, Some("4000"),
        Between(2000, 10_000), Medium, ReadOnly,
        Inert(SHARE),
        "Highest limit of acquired records that a group may set.";
    "group.share.max.record.lock.duration.ms", Int, Some("60000"),
        Between(30_000, 3_600_000), Medium, ReadOnly,
        Inert(SHARE),
        "Longest lock of a record that a group may set.";
    "group.share.max.session.timeout.ms", Int, Some("60000"), AtLeast(1), Medium, ReadOnly,
        Inert(SHARE),
        "Longest session timeout.";
    "group.share.max.share.sessions", Int, Some("2000"), AtLeast(1), Medium, ReadOnly, Inert(SHARE),
        "Share sessions that the broker remembers.";
    "group.share.max.size", Int, Some("200"), Between(1, 1000), Medium, ReadOnly, Inert(SHARE),
        "Most members of one share group.";
    "group.share.min.assignment.interval.ms", Int, Some("0"), AtLeast(0), Medium, ReadOnly,
        Inert(SHARE),
        "Shortest interval between two assignments.";
    "group.share.min.delivery.count.limit", Int, Some("2"), Between(2, 5), Medium, ReadOnly,
        Inert(SHARE),
        "Lowest limit of deliveries that a group may set.";
    "group.share.min.heartbeat.interval.ms", Int, Some("5000"), AtLeast(1), Medium, ReadOnly,
        Inert(SHARE),
        "Shortest interval between two heartbeats.";
    "group.share.min.partition.max.record.locks", Int, Some("100"),
        Between(100, 2000), Medium, ReadOnly,
        Inert(SHARE),
        "Lowest limit of acquired records that a group may set.";
    "group.share.min.record.lock.duration.ms", Int, Some("15000"),
        Between(1000, 30_000), Medium, ReadOnly,
        Inert(SHARE),
        "Shortest lock of a record that a group may set.";
    "group.share.min.session.timeout.ms", Int, Some("45000"), AtLeast(1), Medium, ReadOnly,
        Inert(SHARE),
        "Shortest session timeout.";
    "group.share.partition.max.record.locks", Int, Some("2000"),
        Between(100, 10_000), Medium, ReadOnly,
        Inert(SHARE),
        "Records of a partition that may be acquired at the same time.";
    "group.share.persister.class.name", String, Some("org.apache.kafka.server.share.persister.DefaultStatePersister"),
        Any, Medium, ReadOnly,
        Inert(SHARE),
        "Java class that keeps the state of share groups.";
    "group.share.record.lock.duration.ms", Int, Some("30000"),
        Between(1000, 3_600_000), Medium, ReadOnly,
        Inert(SHARE),
        "Milliseconds that an acquired record is locked.";
    "group.share.session.timeout.ms", Int, Some("45000"), AtLeast(1), Medium, ReadOnly,
        Inert(SHARE),
        "Milliseconds without a heartbeat after which a member is removed.";
    "share.coordinator.append.linger.ms", Int, Some("-1"), AtLeast(-1), Medium, ReadOnly,
        Inert(SHARE),
        "Milliseconds that the share coordinator waits for more writes.";
    "share.coordinator.cached.buffer.max.bytes", Int, Some("1048588"),
        AtLeast(524_288), Medium, ClusterWide,
        Inert(SHARE),
        "Largest buffer that the share coordinator keeps for writes.";
    "share.coordinator.cold.partition.snapshot.interval.ms", Int, Some("300000"),
        AtLeast(1), Low, ReadOnly,
        Inert(SHARE),
        "Milliseconds between two snapshots of partitions that are not used.";
    "share.coordinator.load.buffer.size", Int, Some("5242880"), AtLeast(1), High, ReadOnly,
        Inert(SHARE),
        "Bytes read at once when share state is loaded.";
    "share.coordinator.snapshot.update.records.per.snapshot", Int, Some("500"),
        Between(0, 500), Medium, ReadOnly,
        Inert(SHARE),
        "Changes of share state between two snapshots.";
    "share.coordinator.state.topic.compression.codec", Int, Some("0"), Any, High, ReadOnly,
        Inert(SHARE),
        "Compression of the topic of share state.";
    "share.coordinator.state.topic.min.isr", Short, Some("2"), AtLeast(1), High, ReadOnly,
        Inert(SHARE),
        "min.insync.replicas of the topic of share state.";
    "share.coordinator.state.topic.num.partitions", Int, Some("50"), AtLeast(1), High, ReadOnly,
        Inert(SHARE),
        "Partitions of the topic of share state.";
    "share.coordinator.state.topic.prune.interval.ms", Int, Some("300000"),
        AtLeast(1), Low, ReadOnly,
        Inert(SHARE),
        "Milliseconds between two removals of share state that is not needed.";
    "share.coordinator.state.topic.replication.factor", Short, Some("3"),
        AtLeast(1), High, ReadOnly,
        Inert(SHARE),
        "Replicas of the topic of share state.";
    "share.coordinator.state.topic.segment.bytes", Int, Some("104857600"),
        AtLeast(1), High, ReadOnly,
        Inert(SHARE),
        "Segment size of the topic of share state.";
    "share.coordinator.threads", Int, Some("1"), AtLeast(1), Medium, ReadOnly, Inert(SHARE),
        "Threads of the share coordinator.";
    "share.coordinator.write.timeout.ms", Int, Some("5000"), AtLeast(1), High, ReadOnly,
        Inert(SHARE),
        "Milliseconds that writing share state may take.";
    "group.streams.assignment.interval.ms", Int, Some("1000"), AtLeast(0), Medium, ClusterWide,
        Inert(STREAMS),
        "Milliseconds between two assignments of a streams group.";
    "group.streams.heartbeat.interval.ms", Int, Some("5000"), AtLeast(1), Medium, ReadOnly,
        Inert(STREAMS),
        "Milliseconds between two heartbeats of a member.";
    "group.streams.initial.rebalance.delay.ms", Int, Some("3000"), AtLeast(0), Medium, ReadOnly,
        Inert(STREAMS),
        "Milliseconds that a new streams group waits for more members.";
    "group.streams.max.assignment.interval.ms", Int, Some("15000"), AtLeast(0), Medium, ReadOnly,
        Inert(STREAMS),
        "Longest interval between two assignments.";
    "group.streams.max.heartbeat.interval.ms", Int, Some("15000"), AtLeast(1), Medium, ReadOnly,
        Inert(STREAMS),
        "Longest interval between two heartbeats.";
    "group.streams.max.session.timeout.ms", Int, Some("60000"), AtLeast(1), Medium, ReadOnly,
        Inert(STREAMS),
        "Longest session timeout.";
    "group.streams.max.size", Int, Some("2147483647"), AtLeast(1), Medium, ReadOnly, Inert(STREAMS),
        "Most members of one streams group.";
    "group.streams.max.standby.replicas", Int, Some("2"), AtLeast(0), Medium, ReadOnly,
        Inert(STREAMS),
        "Most standby copies of a task's state that a group may set.";
    "group.streams.min.assignment.interval.ms", Int, Some("0"), AtLeast(0), Medium, ReadOnly,
        Inert(STREAMS),
        "Shortest interval between two assignments.";
    "group.streams.min.heartbeat.interval.ms", Int, Some("5000"), AtLeast(1), Medium, ReadOnly,
        Inert(STREAMS),
        "Shortest interval between two heartbeats.";
    "group.streams.min.session.timeout.ms", Int, Some("45000"), AtLeast(1), Medium, ReadOnly,
        Inert(STREAMS),
        "Shortest session timeout.";
    "group.streams.num.standby.replicas", Int, Some("0"), AtLeast(0), Medium, ReadOnly,
        Inert(STREAMS),
        "Standby copies of each task's state.";
    "group.streams.session.timeout.ms", Int, Some("45000"), AtLeast(1), Medium, ReadOnly,
        Inert(STREAMS),
        "Milliseconds without a heartbeat after which a member is removed.";
}
