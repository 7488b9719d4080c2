use barnabas_protocol::kafka::record_batch::TimestampType;

use super::*;

fn effective(properties: &str, dynamic: &Dynamic, overrides: &[(&str, &str)]) -> TopicConfig {
    TopicConfig::effective(&broker(properties).layers(dynamic.overrides()), &map(overrides))
}

#[test]
fn kafkas_defaults() {
    let expected = TopicConfig {
        retention_ms: 604_800_000,
        retention_bytes: -1,
        max_message_bytes: 1_048_588,
        min_insync_replicas: 1,
        cleanup_policy: CleanupPolicy { delete: true, compact: false },
        message_timestamp_type: TimestampType::CreateTime,
        message_timestamp_before_max_ms: i64::MAX,
        message_timestamp_after_max_ms: 3_600_000,
        unclean_leader_election_enable: false,
        flush_messages: i64::MAX,
        flush_ms: i64::MAX,
    };
    assert_eq!(effective("", &Dynamic::default(), &[]), expected);
}

#[test]
fn retention_comes_from_the_strongest_unit() {
    let retention = |properties: &str| effective(properties, &Dynamic::default(), &[]).retention_ms;
    assert_eq!(retention("log.retention.hours=2"), 7_200_000);
    assert_eq!(retention("log.retention.hours=-1"), -1);
    assert_eq!(retention("log.retention.hours=2\nlog.retention.minutes=3"), 180_000);
    assert_eq!(retention("log.retention.minutes=3\nlog.retention.ms=4"), 4);
}

#[test]
fn the_nearest_override_wins() {
    let one = dynamic(&[("log.retention.ms", "20")], &[("log.retention.ms", "30")]);
    let all = dynamic(&[], &[("log.retention.ms", "30"), ("message.max.bytes", "9")]);
    let topic = [("retention.ms", "10")];
    assert_eq!(effective("log.retention.ms=40", &one, &topic).retention_ms, 10);
    assert_eq!(effective("log.retention.ms=40", &one, &[]).retention_ms, 20);
    assert_eq!(effective("log.retention.ms=40", &all, &[]).retention_ms, 30);
    assert_eq!(effective("log.retention.ms=40", &Dynamic::default(), &[]).retention_ms, 40);
    assert_eq!(effective("", &all, &[]).max_message_bytes, 9);
}

#[test]
fn overrides_of_all_kinds() {
    let config = effective(
        "",
        &Dynamic::default(),
        &[
            ("cleanup.policy", ""),
            ("message.timestamp.type", "LogAppendTime"),
            ("flush.messages", "1"),
            ("flush.ms", "250"),
            ("min.insync.replicas", "2"),
        ],
    );
    assert_eq!(config.cleanup_policy, CleanupPolicy::default());
    assert_eq!(config.message_timestamp_type, TimestampType::LogAppendTime);
    assert_eq!((config.flush_messages, config.min_insync_replicas), (1, 2));
    assert_eq!(config.flush_ms, 250);
}

#[test]
fn an_override_that_is_not_valid_counts_as_none() {
    assert_eq!(
        effective("", &Dynamic::default(), &[("retention.ms", "x")]).retention_ms,
        604_800_000
    );
}

#[test]
fn checks_answer_in_kafkas_words() {
    let check = |entries: &[(&str, &str)]| {
        validate_topic_configs(&map(entries)).err().map(|error| error.to_string())
    };
    assert_eq!(check(&[]), None);
    assert_eq!(check(&[("retention.ms", "-1"), ("segment.bytes", "1048576")]), None);
    for (key, value, message) in [
        ("foo.bar", "1", "Unknown topic config name: foo.bar"),
        (
            "retention.ms",
            "abc",
            "Invalid value abc for configuration retention.ms: Not a number of type LONG",
        ),
        (
            "retention.ms",
            "",
            "Invalid value  for configuration retention.ms: Not a number of type LONG",
        ),
        (
            "retention.ms",
            "-5",
            "Invalid value -5 for configuration retention.ms: Value must be at least -1",
        ),
        (
            "max.message.bytes",
            "99999999999",
            "Invalid value 99999999999 for configuration max.message.bytes: Not a number of type INT",
        ),
        (
            "cleanup.policy",
            "foo",
            "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        (
            "preallocate",
            "maybe",
            "Invalid value maybe for configuration preallocate: Expected value to be either true or false",
        ),
        (
            "compression.type",
            "gz",
            "Invalid value gz for configuration compression.type: String must be one of: uncompressed, \
             zstd, lz4, snappy, gzip, producer",
        ),
        (
            "min.cleanable.dirty.ratio",
            "2",
            "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
        ),
    ] {
        assert_eq!(check(&[(key, value)]).as_deref(), Some(message));
    }
    let lag = [("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")];
    let message =
        "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)";
    assert_eq!(check(&lag).as_deref(), Some(message));
    assert!(check(&[("leader.replication.throttled.replicas", "1:x")]).is_some());
    assert_eq!(check(&[("leader.replication.throttled.replicas", "*")]), None);
    assert_eq!(check(&[("leader.replication.throttled.replicas", "0:1,1:2")]), None);
}

#[test]
fn what_cannot_be_honoured_is_refused() {
    for (key, value) in [
        ("cleanup.policy", "compact"),
        ("cleanup.policy", "compact,delete"),
        ("remote.storage.enable", "true"),
        ("compression.type", "zstd"),
    ] {
        let error = validate_topic_configs(&map(&[(key, value)])).unwrap_err().to_string();
        assert!(error.contains("is not supported"), "{error}");
    }
}
