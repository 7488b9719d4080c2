//! Real Kafka clients, unmodified, against the broker: each test runs one script of `clients/` on
//! its own broker.

use std::fs;
use std::process::Command;

use barnabas_integration_tests::behaviour::{accepted, differences, verdict};
use barnabas_integration_tests::broker::BrokerProcess;
use barnabas_integration_tests::clients::{folder, python, root, run_python, skip, succeed};

#[test]
fn confluent_kafka_produces_and_consumes() {
    let broker = BrokerProcess::dev();
    run_python("confluent_basic.py", &broker.bootstrap(), &[]);
}

#[test]
fn confluent_kafka_administers() {
    let broker = BrokerProcess::dev();
    run_python("confluent_admin.py", &broker.bootstrap(), &[]);
}

#[test]
fn kafka_python_produces_and_consumes() {
    let broker = BrokerProcess::dev();
    run_python("kafka_python_basic.py", &broker.bootstrap(), &[]);
}

#[test]
fn aiokafka_produces_and_consumes() {
    let broker = BrokerProcess::dev();
    run_python("aiokafka_basic.py", &broker.bootstrap(), &[]);
}

#[test]
fn kcat_produces_and_consumes() {
    if Command::new("kcat").arg("-V").output().is_err() {
        return skip("REQUIRE_CLIENTS", "no kcat (Debian: apt-get install kcat)");
    }
    let broker = BrokerProcess::dev();
    succeed(Command::new(folder().join("kcat.sh")).arg(broker.bootstrap()));
}

/// Every answer is Kafka's, or the difference stands with its reason in `docs/differences.md`.
#[test]
fn answers_are_those_of_kafka() {
    let Some(python) = python() else { return };
    let broker = BrokerProcess::dev();
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder());
    let output = succeed(command.args(["-m", "behaviour", &broker.bootstrap()]));
    let ours = serde_json::from_slice(&output.stdout).expect("the script prints JSON");
    let fixture = root().join("integration-tests/fixtures/behaviour-kafka-4.3.json");
    let kafka = fs::read_to_string(fixture).expect("the fixture is there");
    let kafka = serde_json::from_str(&kafka).expect("the fixture is JSON");
    let page = fs::read_to_string(root().join("docs/differences.md")).expect("the page is there");
    let wrong = verdict(&differences(&kafka, &ours), &accepted(&page));
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
