//! The binary under the names of Kafka's console tools behaves as they do: the same script runs both
//! (see `java.rs` for Kafka's own).

use std::os::unix::fs::symlink;
use std::process::Command;

use barnabas_integration_tests::broker::{BrokerProcess, binary};
use barnabas_integration_tests::clients::{folder, succeed};

/// The option by which older tutorials name the servers to the producer, and today's.
#[test]
fn console_tools_behave_as_kafkas() {
    let broker = BrokerProcess::dev();
    let dir = tempfile::tempdir().expect("a directory");
    for option in ["--broker-list", "--bootstrap-server"] {
        let mut command = Command::new(folder().join("console_tools.sh"));
        command.arg(broker.bootstrap()).env("PRODUCER_AT", option);
        for (variable, name) in [
            ("TOPICS", "kafka-topics"),
            ("PRODUCER", "kafka-console-producer"),
            ("CONSUMER", "kafka-console-consumer"),
        ] {
            let link = dir.path().join(name);
            if !link.exists() {
                symlink(binary().expect("the binary is built"), &link).expect("a link");
            }
            command.env(variable, link);
        }
        succeed(&mut command);
    }
}
