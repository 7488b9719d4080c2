//! Apache Kafka's tools by name: those that this binary can be linked as, and for the others what
//! there is instead.

use std::ffi::OsString;

use crate::commands;

const CONNECT: &str = "Kafka Connect is not part of Barnabas; Apache Kafka's own runs against it";
const SHARE: &str = "share groups are not available";
const ONE_REPLICA: &str = "partitions have one replica each so far, which stays where it is";
const NO_JVM: &str = "Barnabas does not run on a JVM";
const OWN_TESTS: &str =
    "it is for the tests of Apache Kafka itself; Apache Kafka's own runs against Barnabas";
const NO_ZOOKEEPER: &str =
    "there is no ZooKeeper, the cluster's state is in etcd; use barnabas cluster state";

/// Tools that are not here: the names, and a sentence that ends `NAME is not available here: `.
static MISSING: &[(&[&str], &str)] = &[
    (&["kafka-acls"], "there are no ACLs yet, every client may do everything"),
    (
        &["kafka-broker-api-versions"],
        "the README of Barnabas lists the APIs and versions that are served",
    ),
    (&["kafka-client-metrics"], "the metrics of clients are not collected"),
    (
        &["kafka-cluster"],
        "use barnabas cluster info for the cluster's id; brokers that are gone need no unregistering",
    ),
    (
        &["kafka-console-share-consumer", "kafka-share-consumer-perf-test"],
        "share groups are not available; use kafka-console-consumer, or barnabas consume",
    ),
    (&["kafka-share-groups", "kafka-verifiable-share-consumer"], SHARE),
    (&["kafka-consumer-perf-test"], "use barnabas perf consume"),
    (&["kafka-delegation-tokens"], "there are no delegation tokens"),
    (&["kafka-delete-records"], "use barnabas topic trim"),
    (
        &["kafka-dump-log"],
        "the log is kept in RocksDB, not in segment files; barnabas consume shows its records",
    ),
    (&["kafka-e2e-latency"], "use barnabas perf end-to-end"),
    (&["kafka-features"], "features come with the brokers' version, there is nothing to upgrade"),
    (
        &["kafka-get-offsets"],
        "kafka-consumer-groups --describe shows where partitions end for a group that reads them",
    ),
    (&["kafka-groups"], "use barnabas group list"),
    (&["kafka-jmx", "kafka-run-class"], NO_JVM),
    (
        &["kafka-leader-election", "kafka-preferred-replica-election"],
        "partitions have one replica each so far, which is the only one that can lead",
    ),
    (
        &["kafka-log-dirs"],
        "each broker has one log directory; look at its size with du, at log.dirs",
    ),
    (
        &["kafka-metadata-quorum"],
        "there is no KRaft quorum, the cluster's state is in etcd; use barnabas cluster info for the \
         controller, and etcdctl endpoint status for etcd",
    ),
    (&["kafka-metadata-shell"], "use barnabas cluster state"),
    (
        &["kafka-mirror-maker", "connect-mirror-maker"],
        "Barnabas mirrors no other cluster; Apache Kafka's own connect-mirror-maker runs against it",
    ),
    (&["connect-distributed", "connect-standalone", "connect-plugin-path"], CONNECT),
    (&["kafka-reassign-partitions", "kafka-replica-verification"], ONE_REPLICA),
    (
        &["kafka-replay-log-producer", "kafka-simple-consumer-shell"],
        "use kafka-console-consumer and kafka-console-producer",
    ),
    (&["kafka-consumer-offset-checker"], "use kafka-consumer-groups --describe"),
    (&["kafka-server-stop"], "stop a broker with Ctrl-C, or by sending SIGTERM to its process"),
    (
        &["kafka-storage"],
        "directories need no formatting, start the broker; barnabas cluster info prints the cluster's id",
    ),
    (
        &["kafka-streams-application-reset"],
        "use kafka-consumer-groups --reset-offsets, and kafka-topics --delete for internal topics",
    ),
    (&["kafka-streams-groups"], "streams groups are not available, only classic groups are"),
    (&["kafka-transactions"], "transactions are not available yet"),
    (&["kafka-verifiable-consumer", "kafka-verifiable-producer", "trogdor"], OWN_TESTS),
    (
        &[
            "zookeeper-shell",
            "zookeeper-server-start",
            "zookeeper-server-stop",
            "zookeeper-security-migration",
        ],
        NO_ZOOKEEPER,
    ),
];

/// Runs the tool under whose name this program was called; none if that is no name of Kafka's.
pub(crate) fn run(called: &str, arguments: &[OsString]) -> Option<anyhow::Result<()>> {
    let name = called.trim_end_matches(".sh");
    Some(match name {
        "kafka-topics" => commands::topic::kafka::run(arguments),
        "kafka-consumer-groups" => commands::group::kafka::run(arguments),
        "kafka-configs" => commands::config::kafka::run(arguments),
        "kafka-console-producer" => commands::produce::run_console(arguments),
        "kafka-console-consumer" => commands::consume::run_console(arguments),
        "kafka-producer-perf-test" => commands::perf::run_producer_test(arguments),
        "kafka-server-start" => commands::broker::run_server_start(arguments),
        _ => return missing(name).map(|sentence| Err(anyhow::Error::msg(sentence))),
    })
}

/// What there is instead of a tool that is not here.
fn missing(name: &str) -> Option<String> {
    let known = MISSING.iter().find(|(names, _)| names.contains(&name));
    let instead = match known {
        Some((_, instead)) => instead,
        None if ["kafka-", "zookeeper-", "connect-"].iter().any(|own| name.starts_with(own)) => {
            "see barnabas --help for what there is"
        }
        None => return None,
    };
    Some(format!("{name} is not available here: {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `bin/` of Apache Kafka 4.3 holds besides what this binary can be linked as, and some
    /// tools of older versions that scripts still call.
    const OTHERS: &str = "connect-distributed connect-mirror-maker connect-plugin-path \
        connect-standalone kafka-acls kafka-broker-api-versions kafka-client-metrics kafka-cluster \
        kafka-console-share-consumer kafka-consumer-perf-test kafka-delegation-tokens \
        kafka-delete-records kafka-dump-log kafka-e2e-latency kafka-features kafka-get-offsets \
        kafka-groups kafka-jmx kafka-leader-election kafka-log-dirs kafka-metadata-quorum \
        kafka-metadata-shell kafka-reassign-partitions kafka-replica-verification kafka-run-class \
        kafka-server-stop kafka-share-consumer-perf-test kafka-share-groups kafka-storage \
        kafka-streams-application-reset kafka-streams-groups kafka-transactions \
        kafka-verifiable-consumer kafka-verifiable-producer kafka-verifiable-share-consumer trogdor \
        kafka-consumer-offset-checker kafka-mirror-maker kafka-preferred-replica-election \
        kafka-replay-log-producer kafka-simple-consumer-shell zookeeper-shell \
        zookeeper-server-start zookeeper-server-stop zookeeper-security-migration";

    #[test]
    fn every_tool_of_kafka_says_what_there_is_instead() {
        for name in OTHERS.split_whitespace() {
            let sentence = missing(name).unwrap_or_default();
            assert!(sentence.starts_with(&format!("{name} is not available here: ")), "{name}");
            assert!(!sentence.ends_with("for what there is"), "{name} has no sentence of its own");
        }
        assert_eq!(
            OTHERS.split_whitespace().count(),
            MISSING.iter().map(|m| m.0.len()).sum::<usize>()
        );
    }

    #[test]
    fn other_names_are_barnabas() {
        assert!(missing("kafka-thing").is_some());
        assert!(missing("barnabas").is_none() && missing("bn").is_none());
    }
}
