//! Apache Kafka's own Java tools against the broker.

use std::process::Command;

use barnabas_integration_tests::broker::BrokerProcess;
use barnabas_integration_tests::clients::{folder, kafka_tools, succeed};

#[test]
fn kafkas_own_tools_work() {
    let Some(jars) = kafka_tools() else { return };
    let broker = BrokerProcess::dev();
    succeed(Command::new(folder().join("java_tools.sh")).arg(broker.bootstrap()).arg(jars));
}

#[test]
fn kafkas_administration_tools_understand_the_answers() {
    let Some(jars) = kafka_tools() else { return };
    let broker = BrokerProcess::dev();
    succeed(Command::new(folder().join("java_admin_tools.sh")).arg(broker.bootstrap()).arg(jars));
}
