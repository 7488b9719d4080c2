//! Options that Kafka's tools have or had and these do not, with what to use instead.

/// A tool's name and its options; no name for the options of every tool.
type Row = (Option<&'static str>, &'static [&'static str], &'static str);

const ONE_CLIENT: &str = "there is only one client here, so leave it out";
const QUOTAS: &str = "quotas are not available yet";

static FLAGS: &[Row] = &[
    (
        None,
        &["--zookeeper", "--zk-tls-config-file"],
        "there is no ZooKeeper here; use --bootstrap-server with the address of a broker",
    ),
    (None, &["--force"], "no question is asked that it could answer, so leave it out"),
    (None, &["--new-consumer", "--old-consumer"], ONE_CLIENT),
    (None, &["--new-producer", "--old-producer"], ONE_CLIENT),
    (
        None,
        &["--bootstrap-controller"],
        "controllers have no address of their own here; use --bootstrap-server with that of a broker",
    ),
    (
        Some("kafka-topics"),
        &["--disable-rack-aware"],
        "racks are always taken into account; use --replica-assignment to choose the brokers yourself",
    ),
    (
        Some("kafka-topics"),
        &["--delete-config"],
        "use kafka-configs --alter --entity-type topics --entity-name TOPIC --delete-config KEY",
    ),
    (
        Some("kafka-configs"),
        &["--user", "--user-defaults", "--client", "--client-defaults", "--ip", "--ip-defaults"],
        QUOTAS,
    ),
    (Some("kafka-configs"), &["--client-metrics"], "the metrics of clients are not collected here"),
    (Some("kafka-configs"), &["--group"], "groups have no settings of their own here"),
    (
        Some("kafka-console-consumer"),
        &["--blacklist"],
        "use --include with a regular expression for the topics that you want",
    ),
    (Some("kafka-console-consumer"), &["--consumer-timeout-ms"], "use --timeout-ms"),
    (
        Some("kafka-console-consumer"),
        &["--delete-consumer-offsets"],
        "use kafka-consumer-groups --delete-offsets --group GROUP --topic TOPIC",
    ),
    (
        Some("kafka-console-consumer"),
        &["--csv-reporter-enabled", "--metrics-dir"],
        "this tool does not measure; use barnabas perf consume",
    ),
    (
        Some("kafka-console-consumer"),
        &["--enable-systest-events"],
        "it is for the tests of Apache Kafka itself",
    ),
    (
        Some("kafka-console-producer"),
        &["--key-serializer", "--value-serializer"],
        "Java classes cannot be loaded; keys and values are sent as the bytes that you type",
    ),
    (
        Some("kafka-console-producer"),
        &["--queue-size", "--queue-enqueuetimeout-ms"],
        "use --batch-size and --timeout",
    ),
];

/// What to use in place of an option, if it is one of these.
pub(super) fn advice(tool: &str, flag: &str) -> Option<&'static str> {
    FLAGS
        .iter()
        .find(|(only, flags, _)| only.is_none_or(|only| only == tool) && flags.contains(&flag))
        .map(|(_, _, advice)| *advice)
}
