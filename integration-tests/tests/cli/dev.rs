//! `barnabas dev`: what it sets by itself, and what users set instead.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::binary;
use barnabas_integration_tests::process::Process;
use barnabas_integration_tests::{ports, wait};

const LIMIT: Duration = Duration::from_secs(60);

fn dev(dir: &Path, overrides: &[String], environment: &[(&str, &str)]) -> Process {
    let mut command = Command::new(binary().expect("the binary is built"));
    command.arg("dev").current_dir(dir).envs(environment.iter().copied());
    for setting in overrides {
        command.args(["--override", setting]);
    }
    Process::start("dev", command, &dir.join("log")).expect("a start")
}

/// Waits for the banner.
fn banner(process: &mut Process) -> String {
    wait::until(LIMIT, "the banner", || {
        assert!(process.ended().is_none(), "{}", process.log());
        Some(process.log()).filter(|log| log.contains("Stop with Ctrl-C"))
    })
}

#[test]
fn a_key_of_the_same_meaning_replaces_what_dev_sets() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = ports::free();
    let own = dir.path().join("own");
    let overrides = [
        format!("listeners=PLAINTEXT://127.0.0.1:{port}"),
        format!("log.dir={}", own.display()),
        "node.id=7".to_owned(),
    ];
    let mut process = dev(dir.path(), &overrides, &[]);
    let banner = banner(&mut process);
    assert!(banner.contains(&format!("connect to 127.0.0.1:{port}")), "{banner}");
    assert!(own.join("meta.properties").exists() && !dir.path().join("barnabas-data").exists());
    let properties = std::fs::read_to_string(own.join("meta.properties")).expect("readable");
    assert!(properties.contains("=7\n"), "{properties}");
}

#[test]
fn the_environment_counts_and_kubernetes_services_do_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let listeners = format!("PLAINTEXT://127.0.0.1:{}", ports::free());
    let environment = [
        ("KAFKA_LISTENERS", listeners.as_str()),
        ("KAFKA_PORT", "tcp://10.0.35.234:9092"),
        ("KAFKA_SERVICE_HOST", "10.0.35.234"),
        ("KAFKA_PORT_9092_TCP_ADDR", "10.0.35.234"),
    ];
    let mut process = dev(dir.path(), &[], &environment);
    let banner = banner(&mut process);
    assert!(banner.contains(listeners.trim_start_matches("PLAINTEXT://")), "{banner}");
    assert!(!banner.contains("KAFKA_"), "no warning: {banner}");
}

#[test]
fn in_a_container_it_listens_for_mapped_ports() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = ports::free();
    // As on a machine with other networks, only that the port is a free one.
    let overrides = [format!("listeners=PLAINTEXT://:{port}")];
    let mut process = dev(dir.path(), &overrides, &[("container", "podman")]);
    let banner = banner(&mut process);
    assert!(banner.contains("This seems to be a container ("), "{banner}");
    assert!(banner.contains(&format!("-p {port}:{port}")), "{banner}");
}
