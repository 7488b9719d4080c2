use barnabas_protocol::kafka::error_code::ErrorCode;

use super::*;
use crate::config::Sources;

fn config() -> BrokerConfig {
    let overrides = vec!["broker.id=1".to_owned(), "ssl.key.password=secret".to_owned()];
    BrokerConfig::from_sources(&Sources { overrides, ..Sources::default() }).unwrap().0
}

fn image() -> Image {
    Image::default().with_broker(1, 1).with_topic("t", 1, &[1])
}

fn ask(kind: i8, name: &str, keys: Option<&[&str]>) -> DescribeConfigsResult {
    let resource = DescribeConfigsResource {
        resource_type: kind,
        resource_name: name.into(),
        configuration_keys: keys.map(|keys| keys.iter().map(|key| Str::from(*key)).collect()),
    };
    let request = DescribeConfigsRequest {
        resources: vec![resource],
        include_synonyms: true,
        include_documentation: true,
    };
    respond(&config(), &image(), &LogLevels::default(), &request).results.remove(0)
}

#[test]
fn all_keys_or_those_asked_for() {
    assert_eq!(ask(2, "t", None).configs.len(), 33);
    assert_eq!(ask(2, "t", Some(&[])).configs.len(), 33);
    let result = ask(2, "t", Some(&["max.message.bytes", "nothing"]));
    assert_eq!((result.error_code, result.error_message.as_deref()), (ErrorCode::None, Some("")));
    let [entry] = &result.configs[..] else { panic!("{:?}", result.configs) };
    assert_eq!(entry.value.as_deref(), Some("1048588"));
    assert_eq!((entry.config_source, entry.config_type, entry.read_only), (5, 3, false));
    assert_eq!(entry.synonyms[0].name, "message.max.bytes");
    assert_eq!(entry.synonyms[0].source, 5);
    assert!(entry.documentation.as_ref().is_some_and(|doc| doc.starts_with("Largest")));
}

#[test]
fn brokers() {
    let result = ask(4, "1", Some(&["ssl.key.password", "broker.id"]));
    let [id, password] = &result.configs[..] else { panic!("{:?}", result.configs) };
    assert_eq!((id.value.as_deref(), id.config_source, id.read_only), (Some("1"), 4, true));
    assert!(password.is_sensitive && password.value.is_none());
    assert_eq!(ask(4, "", None).configs, []);
}

#[test]
fn loggers_and_groups() {
    let result = ask(8, "1", Some(&["root", "no.such.logger"]));
    let [root] = &result.configs[..] else { panic!("{:?}", result.configs) };
    assert_eq!((root.value.as_deref(), root.config_source), (Some("INFO"), 6));
    let result = ask(32, "any", None);
    assert_eq!(result.configs.len(), 14);
    let timeout = &result.configs[2];
    assert_eq!(
        (&*timeout.name, timeout.value.as_deref()),
        ("consumer.session.timeout.ms", Some("45000"))
    );
    assert_eq!(&*timeout.synonyms[0].name, "group.consumer.session.timeout.ms");
}

#[test]
fn synonyms_and_documentation_only_on_request() {
    let resource = DescribeConfigsResource {
        resource_type: 2,
        resource_name: "t".into(),
        configuration_keys: None,
    };
    let request =
        DescribeConfigsRequest { resources: vec![resource], ..DescribeConfigsRequest::default() };
    let response = respond(&config(), &image(), &LogLevels::default(), &request);
    let plain = |entry: &DescribeConfigsResourceResult| {
        entry.synonyms.is_empty() && entry.documentation.is_none()
    };
    assert!(response.results[0].configs.iter().all(plain));
}

#[test]
fn refusals() {
    for (kind, name, code, message) in [
        (2, "nope", ErrorCode::UnknownTopicOrPartition, "The topic 'nope' does not exist."),
        (
            2,
            "bad/name",
            ErrorCode::InvalidTopicException,
            "Topic name is invalid: 'bad/name' contains one or more characters other than ASCII \
             alphanumerics, '.', '_' and '-'",
        ),
        (
            2,
            "",
            ErrorCode::InvalidTopicException,
            "Topic name is invalid: the empty string is not allowed",
        ),
        (
            4,
            "2",
            ErrorCode::InvalidRequest,
            "Unexpected broker id, expected 1 or empty string, but received 2",
        ),
        (4, "x", ErrorCode::InvalidRequest, "Broker id must be an integer, but it is: x"),
        (0, "t", ErrorCode::InvalidRequest, "Unknown resource type 0"),
        (
            8,
            "2",
            ErrorCode::InvalidRequest,
            "Unexpected broker id, expected 1 or empty string, but received 2",
        ),
        (32, "", ErrorCode::InvalidRequest, "The name of a group must not be empty."),
    ] {
        let result = ask(kind, name, None);
        assert_eq!(result.error_code, code, "{kind} {name}");
        assert_eq!(result.error_message.as_deref(), Some(message));
        assert_eq!((result.resource_type, &*result.resource_name), (kind, name));
        assert_eq!(result.configs, []);
    }
}
