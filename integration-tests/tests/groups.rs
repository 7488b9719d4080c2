//! Consumer groups beside a real etcd: what survives crashes, and what happens while etcd is away.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerOptions, BrokerProcess};
use barnabas_integration_tests::clients::{folder, python, skip, succeed};
use barnabas_integration_tests::etcd::{self, EtcdProcess};
use barnabas_integration_tests::wait;

const LIMIT: Duration = Duration::from_secs(60);

/// Kafka's COORDINATOR_NOT_AVAILABLE, upon which clients try again.
const NOT_AVAILABLE: &str = "15";

/// An etcd, a broker on it, and the interpreter of the client scripts.
struct Scene {
    python: PathBuf,
    broker: BrokerProcess,
    etcd: EtcdProcess,
}

impl Scene {
    /// `None` where there is no etcd or no Python (a skip).
    fn start(overrides: &[&str]) -> Option<Self> {
        let python = python()?;
        if let Some(reason) = etcd::missing() {
            skip("REQUIRE_CLIENTS", &reason);
            return None;
        }
        let etcd = EtcdProcess::start().expect("etcd starts");
        let broker = BrokerProcess::start(options(&etcd, 1, overrides)).expect("the broker starts");
        Some(Self { python, broker, etcd })
    }

    fn script(&self, script: &str, step: &str, broker: &BrokerProcess, rest: &[&str]) -> String {
        let mut command = Command::new(&self.python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(folder());
        command.args([script, step, &broker.bootstrap()]).args(rest);
        let output = succeed(&mut command);
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// A step of `groups.py` at the scene's broker.
    fn ask(&self, step: &str, rest: &[&str]) -> String {
        self.script("groups.py", step, &self.broker, rest)
    }

    fn create(&self, topic: &str, partitions: &str) {
        self.script("load.py", "create", &self.broker, &[topic, partitions]);
    }

    /// Resident memory of the broker in bytes.
    fn memory(&mut self) -> usize {
        let path = format!("/proc/{}/status", self.broker.process().id());
        let status = fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
    }
}

fn options(etcd: &EtcdProcess, id: i32, overrides: &[&str]) -> BrokerOptions {
    let overrides = overrides.iter().map(ToString::to_string).collect();
    BrokerOptions { id, etcd: Some(etcd.endpoint()), overrides, ..BrokerOptions::default() }
}

/// The crash comes between the deletion of a topic and that of its offsets: they are still in etcd
/// when the topic is created again.
#[test]
fn a_recreated_topic_has_no_committed_offsets() {
    let Some(mut scene) = Scene::start(&[]) else { return };
    scene.create("orders", "1");
    wait::until_true(LIMIT, "a commit", || scene.ask("commit", &["g", "orders", "7"]) == "0");
    assert_eq!(scene.ask("committed", &["g", "orders"]), "7");
    let key = "/barnabas/consumers/g/offsets/orders/0";
    let value = scene.etcd.etcdctl(&["get", "--print-value-only", key]).expect("etcdctl");
    assert!(value.contains("topic_id"), "{value}");

    let mut delete = Command::new(barnabas_integration_tests::broker::binary().expect("built"));
    delete.args(["topic", "delete", "--topic", "orders"]);
    delete.args(["--bootstrap-server", &scene.broker.bootstrap()]);
    succeed(&mut delete);
    assert_eq!(scene.ask("committed", &["g", "orders"]), "-1");
    scene.broker.process().kill();
    scene.etcd.etcdctl(&["put", key, value.trim()]).expect("etcdctl");
    scene.broker.restart().expect("the broker starts again");
    scene.create("orders", "1");
    assert_eq!(scene.ask("committed", &["g", "orders"]), "-1");
    wait::until_true(LIMIT, "a commit", || scene.ask("commit", &["g", "orders", "3"]) == "0");
    assert_eq!(scene.ask("committed", &["g", "orders"]), "3");
}

/// A write may take a minute here. A reply within the script's ten seconds did not wait for it.
#[test]
fn while_etcd_is_away_groups_are_refused_at_once_and_fill_no_memory() {
    const MIB: usize = 1 << 20;
    let Some(mut scene) = Scene::start(&["offsets.commit.timeout.ms=60000"]) else { return };
    scene.create("orders", "200");
    wait::until_true(LIMIT, "a commit", || scene.ask("commit", &["g", "orders", "7"]) == "0");

    scene.etcd.kill();
    let before = scene.memory();
    // 1 GB of commits for as long as the broker does not know that etcd is away, and after that.
    scene.ask("flood", &["flood", "orders", "200", "1300"]);
    wait::until_true(LIMIT, "the refusal of a commit", || {
        scene.ask("commit", &["g", "orders", "8"]) == NOT_AVAILABLE
    });
    for _ in 0..3 {
        assert_eq!(scene.ask("commit", &["g", "orders", "8"]), NOT_AVAILABLE);
        assert_eq!(scene.ask("join", &["h"]), NOT_AVAILABLE);
    }
    assert_eq!(scene.ask("committed", &["g", "orders"]), "7", "offsets are served from memory");
    let grown = scene.memory().saturating_sub(before) / MIB;
    assert!(grown < 300, "the broker has grown by {grown} MiB");
    let log = scene.broker.process().log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("group coordinator")).collect();
    assert!(lines.len() < 5, "{}", lines.join("\n"));

    scene.etcd.restart().expect("etcd starts again");
    wait::until_true(LIMIT, "a commit", || scene.ask("commit", &["g", "orders", "9"]) == "0");
    assert_eq!(scene.ask("committed", &["g", "orders"]), "9");
}

/// Three brokers agree on who coordinates which group. When one goes, the groups of the others stay
/// where they are.
#[test]
fn a_broker_that_goes_moves_only_its_own_groups() {
    const GROUPS: &str = "60";
    let Some(mut scene) = Scene::start(&[]) else { return };
    scene.create("orders", "1");
    let start = |id| BrokerProcess::start(options(&scene.etcd, id, &[])).expect("it starts");
    let others = [2, 3].map(start);
    let owners = |broker: &BrokerProcess| scene.script("groups.py", "owners", broker, &[GROUPS]);
    let all = ["1", "2", "3"];
    let before = wait::until(LIMIT, "the same coordinators on all brokers", || {
        let found = owners(&scene.broker);
        let complete = all.iter().all(|id| found.split(' ').any(|owner| owner == *id));
        (complete && others.iter().all(|other| owners(other) == found)).then_some(found)
    });
    for (n, owner) in before.split(' ').enumerate() {
        let brokers = [&scene.broker, &others[0], &others[1]];
        let owner = brokers[owner.parse::<usize>().expect("an id") - 1];
        let arguments = [&format!("group-{n}"), "orders", "5"];
        wait::until_true(LIMIT, "a commit", || {
            scene.script("groups.py", "commit", owner, &arguments) == "0"
        });
    }
    let [second, third] = others;
    drop(third);
    let after = wait::until(LIMIT, "the other coordinators", || {
        let found = owners(&scene.broker);
        found.split(' ').all(|owner| owner != "3").then_some(found)
    });
    for (n, (before, after)) in before.split(' ').zip(after.split(' ')).enumerate() {
        assert!(before == "3" || before == after, "group-{n} moved from {before} to {after}");
        let owner = if after == "1" { &scene.broker } else { &second };
        let arguments = [&format!("group-{n}"), "orders"];
        let arguments = arguments.map(|text| text as &str);
        assert_eq!(scene.script("groups.py", "committed", owner, &arguments), "5", "group-{n}");
    }
    scene.broker.process().kill();
}
