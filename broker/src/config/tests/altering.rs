use super::*;
use crate::config::AlterOperation::{Append, Delete, Set, Subtract};
use crate::config::AlterTarget::{AllBrokers, Broker, Topic};

fn check(
    target: AlterTarget,
    present: &[(&str, &str)],
    alterations: &[(AlterOperation, &str, Option<&str>)],
) -> Result<Vec<CheckedAlteration>, AlterError> {
    let config = broker("");
    let alterations: Vec<_> = alterations
        .iter()
        .map(|(operation, name, value)| Alteration {
            name: (*name).into(),
            operation: *operation,
            value: value.map(str::to_owned),
        })
        .collect();
    check_alterations(target, &config.layers(Overrides::default()), &map(present), &alterations)
}

#[track_caller]
fn refused(
    target: AlterTarget,
    alterations: &[(AlterOperation, &str, Option<&str>)],
    expected: &AlterError,
) {
    assert_eq!(check(target, &[], alterations).as_ref(), Err(expected));
}

fn request(message: &str) -> AlterError {
    AlterError::Request(message.into())
}

fn config(message: &str) -> AlterError {
    AlterError::Config(message.into())
}

#[test]
fn what_is_wrong_with_any_resource() {
    let twice = [(Set, "retention.ms", Some("1")), (Set, "retention.ms", Some("2"))];
    refused(Topic, &twice, &request("Error due to duplicate config keys"));
    let null = request("Null value not supported for : retention.ms");
    refused(Topic, &[(Set, "retention.ms", None)], &null);
}

#[test]
fn topics() {
    refused(Topic, &[(Set, "foo", Some("1"))], &config("Unknown topic config name: foo"));
    refused(
        Topic,
        &[(Append, "retention.ms", Some("5"))],
        &config("Can't APPEND to key retention.ms because its type is not LIST."),
    );
    refused(
        Topic,
        &[(Set, "retention.ms", Some("abc"))],
        &config("Invalid value abc for configuration retention.ms: Not a number of type LONG"),
    );
    assert!(matches!(
        check(Topic, &[], &[(Append, "cleanup.policy", Some("compact"))]),
        Err(AlterError::Config(_))
    ));
    let conflict = check(
        Topic,
        &[("min.compaction.lag.ms", "10")],
        &[(Set, "max.compaction.lag.ms", Some("5"))],
    );
    assert!(conflict.unwrap_err().to_string().starts_with("conflict topic config"));
    assert!(check(Topic, &[], &[(Delete, "foo", None)]).is_ok(), "as Kafka");
}

#[test]
fn a_change_is_passed_on_in_canonical_form() {
    let checked = check(
        Topic,
        &[],
        &[(Set, "preallocate", Some(" TRUE")), (Subtract, "cleanup.policy", Some("delete"))],
    );
    let expected = [
        CheckedAlteration {
            name: "preallocate".into(),
            operation: Set,
            value: "true".into(),
            inherited: "false".into(),
        },
        CheckedAlteration {
            name: "cleanup.policy".into(),
            operation: Subtract,
            value: "delete".into(),
            inherited: "delete".into(),
        },
    ];
    assert_eq!(checked.unwrap(), expected);
}

#[test]
fn brokers() {
    let fixed = request("Cannot update these configs dynamically: [num.partitions]");
    refused(Broker, &[(Set, "num.partitions", Some("3"))], &fixed);
    refused(AllBrokers, &[(Set, "num.partitions", Some("3"))], &fixed);
    refused(
        AllBrokers,
        &[(Set, "ssl.protocol", Some("TLSv1.2"))],
        &request(
            "Cannot update these configs at default cluster level, broker id must be specified: \
             [ssl.protocol]",
        ),
    );
    refused(
        Broker,
        &[(Set, "ssl.keystore.location", Some("/x"))],
        &request(
            "These security configs can be dynamically updated only per-listener using the listener \
             prefix: [ssl.keystore.location]",
        ),
    );
    refused(
        Broker,
        &[(Set, "max.connections", Some("abc"))],
        &request("Invalid value abc for configuration max.connections: Not a number of type INT"),
    );
    refused(
        Broker,
        &[(Append, "max.connections", Some("4"))],
        &config("Config value append is not allowed for config key: max.connections"),
    );
    refused(
        Broker,
        &[(Set, "max.conections", Some("4"))],
        &request("Unknown broker config name: max.conections, did you mean max.connections?"),
    );
    assert!(matches!(
        check(Broker, &[], &[(Set, "min.insync.replicas", Some("2"))]),
        Err(AlterError::Config(_))
    ));
    assert!(check(AllBrokers, &[], &[(Set, "min.insync.replicas", Some("2"))]).is_ok());
    assert!(check(Broker, &[], &[(Set, "log.retention.ms", Some("2"))]).is_ok());
    assert!(check(Broker, &[], &[(Delete, "num.partitions", None)]).is_ok(), "as Kafka");
}
