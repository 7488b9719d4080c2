use super::*;
use crate::config::ConfigSource::{
    Default, DynamicBroker, DynamicDefaultBroker, DynamicTopic, StaticBroker,
};

fn named(descriptions: Vec<Description>, name: &str) -> Description {
    descriptions.into_iter().find(|description| description.name == name).unwrap()
}

fn synonyms(description: &Description) -> Vec<(&str, &str, ConfigSource)> {
    description
        .synonyms
        .iter()
        .map(|synonym| (synonym.name, synonym.value.as_deref().unwrap_or_default(), synonym.source))
        .collect()
}

#[test]
fn as_many_keys_as_kafka_has() {
    let config = broker("");
    let own = registry::keys(Scope::Broker).filter(|def| def.name.starts_with("etcd.")).count() + 2;
    assert_eq!(describe_topic(&config.layers(Overrides::default()), &BTreeMap::new()).len(), 33);
    assert_eq!(describe_broker(&config.layers(Overrides::default())).len(), 340 + own);
    assert!(describe_broker_defaults(&config.layers(Overrides::default())).is_empty());
}

#[test]
fn synonyms_in_kafkas_order() {
    let config = broker("log.retention.hours=100");
    let dynamic = dynamic(&[("log.retention.ms", "5000")], &[("log.retention.ms", "6000")]);
    let topic = named(
        describe_topic(&config.layers(dynamic.overrides()), &map(&[("retention.ms", "5")])),
        "retention.ms",
    );
    assert_eq!((topic.value.as_deref(), topic.source), (Some("5"), DynamicTopic));
    let expected = [
        ("retention.ms", "5", DynamicTopic),
        ("log.retention.ms", "5000", DynamicBroker),
        ("log.retention.ms", "6000", DynamicDefaultBroker),
        ("log.retention.hours", "100", StaticBroker),
        ("log.retention.hours", "168", Default),
    ];
    assert_eq!(synonyms(&topic), expected);
    let of_broker = named(describe_broker(&config.layers(dynamic.overrides())), "log.retention.ms");
    assert_eq!(synonyms(&of_broker), expected[1..]);
    assert_eq!((of_broker.value.as_deref(), of_broker.read_only), (Some("5000"), false));
    let all = describe_broker_defaults(&config.layers(dynamic.overrides()));
    assert_eq!(all.len(), 1);
    assert_eq!(synonyms(&all[0]), expected[2..3]);
}

#[test]
fn values_without_an_override() {
    let config = broker("log.retention.minutes=3");
    let dynamic = Dynamic::default();
    let topic = describe_topic(&config.layers(dynamic.overrides()), &BTreeMap::new());
    let retention = named(topic.clone(), "retention.ms");
    assert_eq!(retention.value.as_deref(), Some("180000"));
    assert_eq!((retention.source, retention.synonyms), (Default, vec![]), "as Kafka has it");
    let segment = named(topic.clone(), "segment.ms");
    assert_eq!(segment.value.as_deref(), Some("604800000"));
    assert!(segment.documentation.contains("Has no effect here: "));
    let size = named(topic, "max.message.bytes");
    assert_eq!(synonyms(&size), [("message.max.bytes", "1048588", Default)]);
    let of_broker = describe_broker(&config.layers(dynamic.overrides()));
    assert_eq!(named(of_broker.clone(), "log.retention.ms").value, None);
    let minutes = named(of_broker, "log.retention.minutes");
    assert_eq!((minutes.source, minutes.read_only), (StaticBroker, true));
}

#[test]
fn both_names_of_the_id_are_told() {
    let of_broker = describe_broker(&broker("").layers(Overrides::default()));
    for name in ["broker.id", "node.id"] {
        let id = named(of_broker.clone(), name);
        assert_eq!((id.value.as_deref(), id.source), (Some("1"), StaticBroker));
    }
}

#[test]
fn secrets_are_not_told() {
    let config = broker("ssl.key.password=secret");
    let key = named(describe_broker(&config.layers(Overrides::default())), "ssl.key.password");
    assert!(key.sensitive && key.value.is_none() && key.source == StaticBroker);
    assert!(key.synonyms.iter().all(|synonym| synonym.value.is_none()));
}
