//! Configurations that are too large to be kept: refused as Kafka does, and nothing of them is
//! there afterwards.

use barnabas_protocol::kafka::messages::create_topics::{CreatableTopic, CreatableTopicConfig};
use barnabas_protocol::kafka::messages::describe_configs::DescribeConfigsResource;
use barnabas_protocol::kafka::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig,
};
use barnabas_protocol::kafka::messages::*;
use barnabas_protocol::kafka::{ErrorCode, ErrorCode::*};

use crate::neighbour::Neighbour;
use crate::raw::{Answer, PLACE, with_long_string};
use crate::target::{MIB, Target};

const TOPIC: i8 = 2;
const THROTTLED: &str = "leader.replication.throttled.replicas";

/// Replicas, each another one, as a list of so many bytes.
fn replicas(bytes: usize) -> String {
    let items = (0..bytes / 10).map(|n| format!("{n:07}:1")).collect::<Vec<_>>();
    items.join(",")
}

fn set(target: &Target, resource: (i8, &str), configs: &[(&str, &str)]) -> ErrorCode {
    let configs = configs.iter().map(|&(name, value)| AlterableConfig {
        name: name.into(),
        config_operation: 0,
        value: Some(value.into()),
    });
    let resource = AlterConfigsResource {
        resource_type: resource.0,
        resource_name: resource.1.into(),
        configs: configs.collect(),
    };
    let request =
        IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false };
    target.ask(1, &request).responses[0].error_code
}

/// Sets (0) or extends (2) the list of replicas.
fn altering(topic: &str, config_operation: i8, value: &str) -> IncrementalAlterConfigsRequest {
    let config =
        AlterableConfig { name: THROTTLED.into(), config_operation, value: Some(value.into()) };
    let resource = AlterConfigsResource {
        resource_type: TOPIC,
        resource_name: topic.into(),
        configs: vec![config],
    };
    IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false }
}

fn creating(name: &str, configs: &[(&str, &str)]) -> CreateTopicsRequest {
    let configs = configs.iter().map(|&(name, value)| CreatableTopicConfig {
        name: name.into(),
        value: Some(value.into()),
    });
    let topic = CreatableTopic {
        name: name.into(),
        num_partitions: 1,
        replication_factor: 1,
        configs: configs.collect(),
        ..CreatableTopic::default()
    };
    CreateTopicsRequest {
        topics: vec![topic],
        timeout_ms: 10_000,
        ..CreateTopicsRequest::default()
    }
}

fn create_with(target: &Target, name: &str, configs: &[(&str, &str)]) -> ErrorCode {
    target.ask(7, &creating(name, configs)).topics[0].error_code
}

/// The value that a topic has for the list of replicas.
fn throttled(target: &Target, topic: &str) -> String {
    let resource = DescribeConfigsResource {
        resource_type: TOPIC,
        resource_name: topic.into(),
        configuration_keys: Some(vec![THROTTLED.into()]),
    };
    let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
    let result = target.ask(4, &request).results.remove(0);
    assert_eq!(result.error_code, None);
    result.configs[0].value.clone().expect("a value").to_string()
}

/// No string of the protocol has more than 32 767 bytes.
#[test]
fn values_of_two_mebibytes_close_their_connection() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    target.create_topic("valued", &[]);
    let new = format!("new-{}-valued", std::process::id());
    let alter = altering("valued", 0, PLACE);
    let create = creating(&new, &[("retention.ms", PLACE)]);
    for bytes in [32_768, 2 * MIB] {
        for frame in [with_long_string(1, &alter, bytes), with_long_string(7, &create, bytes)] {
            let mut client = target.connect();
            client.send(&frame);
            assert_eq!(client.answer(), Answer::Closed, "{bytes}");
        }
    }
    assert_eq!(throttled(&target, "valued"), "");
    // Nothing is left of it: the name is free.
    assert_eq!(create_with(&target, &new, &[]), None);
    neighbour.move_out();
    target.is_well();
}

/// Values that are not too long grow by what is added to them, and there are many keys.
#[test]
fn values_that_are_too_large_together_are_refused() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    target.create_topic("sum", &[]);
    let new = format!("new-{}-sum", std::process::id());
    let most = replicas(32_000);
    assert_eq!(set(&target, (TOPIC, "sum"), &[(THROTTLED, &most)]), None);
    let extend = |value: &str| target.ask(1, &altering("sum", 2, value)).responses[0].error_code;
    let more: Vec<_> = (0..3000).map(|n| format!("{n}:2")).collect();
    assert_eq!(extend(&more.join(",")), InvalidConfig);
    assert_eq!(throttled(&target, "sum"), most);
    if target.is_ours() {
        let padded = format!("{}1", "0".repeat(32_000));
        let keys = ["retention.ms", "retention.bytes", "flush.ms", "flush.messages", "segment.ms"];
        let all: Vec<_> = keys.iter().map(|key| (*key, padded.as_str())).collect();
        assert_eq!(set(&target, (TOPIC, "sum"), &all), InvalidConfig);
        assert_eq!(create_with(&target, &new, &all), InvalidConfig);
    }
    assert_eq!(create_with(&target, &new, &[]), None);
    neighbour.move_out();
    target.is_well();
}
