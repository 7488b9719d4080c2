use std::sync::Arc;

use barnabas_protocol::state::ids::BrokerId;

use super::*;
use crate::config::Sources;
use crate::metadata::ConfigImage;

fn config() -> BrokerConfig {
    let overrides = vec!["broker.id=1".to_owned()];
    BrokerConfig::from_sources(&Sources { overrides, ..Sources::default() }).unwrap().0
}

fn image() -> Image {
    let mut image = Image::default().with_broker(1, 1).with_topic("t", 1, &[1]);
    let values = [("min.compaction.lag.ms".to_owned(), "10".to_owned())].into();
    let overrides = Arc::new(ConfigImage { values, ..ConfigImage::default() });
    image.change_topic("t", |topic| topic.configs = overrides);
    image
}

fn requested(kind: i8, name: &str, replace: bool, key: &str, value: &str) -> Requested {
    let alteration =
        Alteration { name: key.into(), operation: AlterOperation::Set, value: Some(value.into()) };
    Requested { kind, name: name.into(), replace, alterations: Ok(vec![alteration]) }
}

fn check_one(requested: Requested) -> Result<ConfigChange, Refusal> {
    check(&config(), &image(), &[requested]).remove(0).map(|checked| match checked {
        Checked::Stored(change) => change,
        other => panic!("{other:?}"),
    })
}

#[test]
fn loggers_and_groups_are_no_business_of_the_controller() {
    let check = |requested| check(&config(), &image(), &[requested]).remove(0);
    let level = requested(8, "1", false, "root", "DEBUG");
    let alterations = level.alterations.clone().unwrap();
    assert_eq!(check(level), Ok(Checked::Loggers(alterations)));
    let replaced = check(requested(8, "1", true, "root", "DEBUG"));
    assert_eq!(replaced.unwrap_err().code, ErrorCode::InvalidRequest);
    let key = "consumer.session.timeout.ms";
    let set = requested(32, "g", false, key, "50000");
    let mut delete = set.clone();
    delete.alterations.as_mut().unwrap()[0].operation = AlterOperation::Delete;
    assert_eq!(check(delete), Ok(Checked::Unchanged));
    assert_eq!(check(set).unwrap_err().code, ErrorCode::InvalidConfig);
}

#[test]
fn a_change_goes_to_the_resource_that_is_meant() {
    let ops = vec![ConfigOp::Set { name: "log.retention.ms".into(), value: "5".into() }];
    for (name, id) in [("1", Some(BrokerId(1))), ("", None)] {
        let change = check_one(requested(4, name, false, "log.retention.ms", " +5")).unwrap();
        let resource = ConfigResource::Broker(id);
        assert_eq!(change, ConfigChange { resource, replace: false, ops: ops.clone() });
    }
    let change = check_one(requested(2, "t", true, "retention.ms", "5")).unwrap();
    assert_eq!(change.resource, ConfigResource::Topic("t".into()));
    assert!(change.replace);
}

#[test]
fn present_overrides_count_unless_they_are_replaced() {
    let conflict = check_one(requested(2, "t", false, "max.compaction.lag.ms", "5"));
    assert_eq!(conflict.unwrap_err().code, ErrorCode::InvalidConfig);
    assert!(check_one(requested(2, "t", true, "max.compaction.lag.ms", "5")).is_ok());
}

#[test]
fn refusals() {
    for (kind, name, key, code, message) in [
        (
            2,
            "nope",
            "retention.ms",
            ErrorCode::UnknownTopicOrPartition,
            "The topic 'nope' does not exist.",
        ),
        (
            2,
            "",
            "retention.ms",
            ErrorCode::InvalidRequest,
            "Default topic resources are not allowed.",
        ),
        (2, "t", "foo", ErrorCode::InvalidConfig, "Unknown topic config name: foo"),
        (
            4,
            "1",
            "node.id",
            ErrorCode::InvalidRequest,
            "Cannot update these configs dynamically: [node.id]",
        ),
        (77, "g", "a", ErrorCode::InvalidRequest, "Unknown resource type 77"),
    ] {
        let refusal = check_one(requested(kind, name, false, key, "5")).unwrap_err();
        assert_eq!((refusal.code, refusal.message.as_str()), (code, message));
    }
}

#[test]
fn a_resource_that_is_there_twice_is_changed_by_neither() {
    let one = requested(2, "t", false, "retention.ms", "5");
    let other = requested(4, "1", false, "log.retention.ms", "5");
    let checked = check(&config(), &image(), &[one.clone(), other, one]);
    let message = "Each resource must appear at most once.";
    assert_eq!(checked[0].as_ref().unwrap_err().message, message);
    assert!(checked[1].is_ok());
    assert_eq!(checked[2].as_ref().unwrap_err().message, message);
}
