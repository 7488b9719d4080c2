//! The KRaft quorum, which etcd replaces here.

use super::def::Check::{Any, AtLeast, NotEmpty, OneOf};
use super::def::Support::Inert;
use super::def::keys;
use crate::config::keys::reasons::KRAFT;

keys! {
    /// The KRaft quorum, which etcd replaces here.
    KRAFT_KEYS, Broker:
    "process.roles", List, None, OneOf(&["broker", "controller"]), High, ReadOnly, Inert(KRAFT),
        "Whether the process is a broker, a controller or both.";
    "controller.performance.always.log.threshold.ms", Long, Some("2000"),
        AtLeast(0), Medium, ReadOnly,
        Inert(KRAFT),
        "Milliseconds from which a slow event of the controller is always logged.";
    "controller.performance.sample.period.ms", Long, Some("60000"), AtLeast(100), Medium, ReadOnly,
        Inert(KRAFT),
        "Milliseconds between two summaries of the controller's speed.";
    "controller.quorum.append.linger.ms", Int, Some("25"), AtLeast(0), Medium, ReadOnly,
        Inert(KRAFT),
        "Milliseconds that the quorum's leader waits for more writes.";
    "controller.quorum.auto.join.enable", Boolean, Some("false"), Any, Low, ReadOnly, Inert(KRAFT),
        "Whether a controller joins the quorum by itself.";
    "controller.quorum.bootstrap.servers", List, Some(""), NotEmpty, High, ReadOnly, Inert(KRAFT),
        "Addresses at which the quorum is found.";
    "controller.quorum.election.backoff.max.ms", Int, Some("1000"), AtLeast(0), High, ReadOnly,
        Inert(KRAFT),
        "Longest pause before another election of the quorum.";
    "controller.quorum.election.timeout.ms", Int, Some("1000"), AtLeast(0), High, ReadOnly,
        Inert(KRAFT),
        "Milliseconds without a leader's answer after which the quorum elects.";
    "controller.quorum.fetch.max.bytes", Int, Some("1048576"), AtLeast(1), Low, ReadOnly,
        Inert(KRAFT),
        "Bytes of one fetch within the quorum.";
    "controller.quorum.fetch.snapshot.max.bytes", Int, Some("1048576"), AtLeast(1), Low, ReadOnly,
        Inert(KRAFT),
        "Bytes of one snapshot fetch within the quorum.";
    "controller.quorum.fetch.timeout.ms", Int, Some("2000"), AtLeast(0), High, ReadOnly,
        Inert(KRAFT),
        "Milliseconds without a fetch after which the quorum's leader is doubted.";
    "controller.quorum.request.timeout.ms", Int, Some("2000"), AtLeast(0), Medium, ReadOnly,
        Inert(KRAFT),
        "Milliseconds that a request within the quorum may take.";
    "controller.quorum.retry.backoff.ms", Int, Some("20"), AtLeast(0), Low, ReadOnly, Inert(KRAFT),
        "Milliseconds between two attempts of a request within the quorum.";
    "controller.quorum.voters", List, Some(""), NotEmpty, High, ReadOnly, Inert(KRAFT),
        "The voters of the quorum.";
    "metadata.log.dir", String, None, Any, High, ReadOnly, Inert(KRAFT),
        "Directory of the metadata log.";
    "metadata.log.max.record.bytes.between.snapshots", Long, Some("20971520"),
        AtLeast(1), High, ReadOnly,
        Inert(KRAFT),
        "Bytes of the metadata log after which a snapshot is made.";
    "metadata.log.max.snapshot.interval.ms", Long, Some("3600000"), AtLeast(0), High, ReadOnly,
        Inert(KRAFT),
        "Milliseconds after which a snapshot of the metadata is made.";
    "metadata.log.segment.bytes", Int, Some("1073741824"), AtLeast(8_388_608), High, ReadOnly,
        Inert(KRAFT),
        "Segment size of the metadata log.";
    "metadata.log.segment.ms", Long, Some("604800000"), Any, High, ReadOnly, Inert(KRAFT),
        "Milliseconds after which the metadata log begins a new segment.";
    "metadata.max.idle.interval.ms", Int, Some("500"), AtLeast(0), Low, ReadOnly, Inert(KRAFT),
        "Milliseconds between two entries of an idle metadata log.";
    "metadata.max.retention.bytes", Long, Some("104857600"), Any, High, ReadOnly, Inert(KRAFT),
        "Bytes of the metadata log that are kept.";
    "metadata.max.retention.ms", Long, Some("604800000"), Any, High, ReadOnly, Inert(KRAFT),
        "Milliseconds that the metadata log is kept.";
    "internal.metadata.delete.delay.millis", Long, Some("60000"), Any, Low, ReadOnly, Inert(KRAFT),
        "Milliseconds before deleted files of the metadata log are removed.";
    "internal.metadata.log.segment.bytes", Int, None, Any, Low, ReadOnly, Inert(KRAFT),
        "Segment size of the metadata log, for tests.";
    "internal.metadata.max.batch.size.in.bytes", Int, Some("8388608"), Any, Low, ReadOnly,
        Inert(KRAFT),
        "Largest batch of the metadata log.";
}
