//! The cluster state in a real etcd: readable there, guarded there, and not needed for what is
//! already decided.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerOptions, BrokerProcess, binary};
use barnabas_integration_tests::clients::{folder, python, skip, succeed};
use barnabas_integration_tests::etcd::{self, EtcdProcess};
use barnabas_integration_tests::wait;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(40);

fn on(etcd: &EtcdProcess) -> BrokerOptions {
    BrokerOptions { etcd: Some(etcd.endpoint()), ..BrokerOptions::default() }
}

/// An etcd, or none where there is no binary (a skip).
fn started() -> Option<EtcdProcess> {
    match etcd::missing() {
        Some(reason) => {
            skip("REQUIRE_CLIENTS", &reason);
            None
        }
        None => Some(EtcdProcess::start().expect("etcd starts")),
    }
}

fn load(step: &str, broker: &BrokerProcess, arguments: &[&str]) -> Option<Command> {
    let mut command = Command::new(python()?);
    command.current_dir(folder()).args(["load.py", step, &broker.bootstrap()]).args(arguments);
    Some(command)
}

/// What `etcdctl get --prefix /barnabas` shows: a line with the key, a line with the value.
fn tree(etcd: &EtcdProcess) -> BTreeMap<String, Value> {
    let text = etcd.etcdctl(&["get", "--prefix", "/barnabas"]).expect("etcdctl get");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len().is_multiple_of(2), "keys and values, one line each:\n{text}");
    let read = |value: &str| {
        serde_json::from_str(value).unwrap_or_else(|e| panic!("not JSON ({e}): {value}"))
    };
    lines.chunks(2).map(|pair| (pair[0].to_owned(), read(pair[1]))).collect()
}

/// A number, whether it is written as one or, as protobuf's JSON does with 64 bits, as a string.
fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

#[test]
fn the_whole_state_is_readable_json() {
    let Some(etcd) = started() else { return };
    let broker = BrokerProcess::start(on(&etcd)).expect("the broker starts");
    let Some(mut create) = load("create", &broker, &["orders", "3", "retention.ms=3600000"]) else {
        return;
    };
    succeed(&mut create);

    let tree = tree(&etcd);
    let at = |key: &str| {
        let keys: Vec<_> = tree.keys().collect();
        tree.get(&format!("/barnabas{key}")).unwrap_or_else(|| panic!("no {key} in {keys:#?}"))
    };
    assert!(at("/cluster/id").to_string().len() > 10, "{}", at("/cluster/id"));
    assert_eq!(number(&at("/controller")["broker_id"]), Some(1), "{}", at("/controller"));
    assert!(number(at("/controller_epoch")) >= Some(1), "{}", at("/controller_epoch"));
    let endpoint = &at("/brokers/ids/1")["endpoints"][0];
    let address = format!("{}:{}", endpoint["host"].as_str().unwrap_or(""), endpoint["port"]);
    assert_eq!(address, broker.bootstrap());
    let topic = at("/brokers/topics/orders");
    assert_eq!(number(&topic["partitions"]), Some(3), "{topic}");
    for partition in 0..3 {
        let state = at(&format!("/brokers/topics/orders/partitions/{partition}/state"));
        assert_eq!(number(&state["leader"]), Some(1), "{state}");
        assert_eq!(number(&state["isr"][0]["id"]), Some(1), "{state}");
    }
    let config = at("/config/topics/orders");
    assert_eq!(config["config"]["retention.ms"], "3600000", "{config}");
}

#[test]
fn a_second_broker_with_the_same_id_is_refused() {
    let Some(etcd) = started() else { return };
    let first = BrokerProcess::start(on(&etcd)).expect("the broker starts");
    let mut second = BrokerProcess::launch(on(&etcd)).expect("the process starts");
    let status = second.process().wait_for_end(LIMIT);
    let log = second.process().log();
    assert!(!status.success(), "the second ended with {status}:\n{log}");
    let says_why = log.lines().any(|l| l.contains("broker.id 1 is taken"));
    assert!(says_why, "the second does not say which id is taken:\n{log}");
    assert!(first.serves(), "the first broker no longer serves");
}

#[test]
fn a_restarted_broker_takes_its_id_back() {
    let Some(etcd) = started() else { return };
    let mut broker = BrokerProcess::start(on(&etcd)).expect("the broker starts");
    broker.process().kill();
    broker.restart().expect("it starts again before its lease ran out");
    let status = broker.process().terminate(LIMIT);
    assert!(status.success(), "SIGTERM ends it with {status}");
    let left = etcd.etcdctl(&["get", "--prefix", "/barnabas/brokers/ids/"]).expect("etcdctl");
    assert_eq!(left, "", "a broker that left in order is not registered");
}

/// An etcd that comes back without its data does not have the topics. That is no reason to delete
/// them.
#[test]
fn an_etcd_without_its_data_ends_the_broker_and_deletes_nothing() {
    let Some(mut etcd) = started() else { return };
    let mut broker = BrokerProcess::start(on(&etcd)).expect("the broker starts");
    let Some(mut create) = load("create", &broker, &["kept", "1"]) else { return };
    succeed(&mut create);
    let Some(mut produce) = load("roundtrip", &broker, &["kept"]) else { return };
    succeed(&mut produce);

    etcd.kill();
    etcd.swap_data().expect("moved away");
    etcd.restart().expect("etcd starts empty");
    let status = broker.process().wait_for_end(2 * LIMIT);
    let log = broker.process().log();
    assert!(!status.success(), "ended with {status}:\n{log}");
    assert!(log.contains("this broker has seen"), "it does not say why it ends:\n{log}");

    etcd.kill();
    etcd.swap_data().expect("moved back");
    etcd.restart().expect("etcd starts with its data");
    broker.restart().expect("the broker starts again");
    let mut consume = Command::new(binary().expect("the binary is built"));
    consume.args(["consume", "--topic", "kept", "--from-beginning", "--max-messages", "1"]);
    let consumed = succeed(consume.args(["--bootstrap-server", &broker.bootstrap()]));
    assert_eq!(String::from_utf8_lossy(&consumed.stdout), "roundtrip\n");
}

#[test]
fn etcd_may_be_away_for_twenty_seconds() {
    let Some(mut etcd) = started() else { return };
    let broker = BrokerProcess::start(on(&etcd)).expect("the broker starts");
    let Some(mut create) = load("create", &broker, &["kept", "1"]) else { return };
    succeed(&mut create);
    let roundtrip = || {
        let command = load("roundtrip", &broker, &["kept"]);
        command.is_some_and(|mut c| c.output().is_ok_and(|o| o.status.success()))
    };
    wait::until_true(LIMIT, "the first roundtrip", roundtrip);

    etcd.kill();
    wait::throughout(Duration::from_secs(20), "produce and fetch without etcd", roundtrip);
    etcd.restart().expect("etcd starts again");

    wait::until_true(LIMIT, "topic creation after etcd came back", || {
        let command = load("create", &broker, &["after", "2"]);
        let output = command.and_then(|mut c| c.output().ok());
        output.is_some_and(|o| {
            let said = String::from_utf8_lossy(&o.stderr).into_owned();
            o.status.success() || said.contains("TOPIC_ALREADY_EXISTS")
        })
    });
    assert!(roundtrip(), "produce and fetch after etcd came back");
    let states =
        etcd.etcdctl(&["get", "--prefix", "--keys-only", "/barnabas/brokers/topics/after/"]);
    let states = states.expect("etcdctl");
    assert_eq!(states.lines().filter(|l| l.ends_with("/state")).count(), 2, "{states}");
}
