//! A broker that dies, comes back, and has another data directory than before: only data that has
//! everything may lead.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerOptions, BrokerProcess, binary};
use barnabas_integration_tests::clients::skip;
use barnabas_integration_tests::etcd::{self, EtcdProcess};
use barnabas_integration_tests::wait;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

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

fn on(etcd: &EtcdProcess) -> BrokerOptions {
    let overrides = vec!["etcd.lease.ttl.ms=2000".to_owned()];
    BrokerOptions { etcd: Some(etcd.endpoint()), overrides, ..BrokerOptions::default() }
}

fn cli(broker: &BrokerProcess, arguments: &[&str]) -> Command {
    let mut command = Command::new(binary().expect("the binary is built"));
    command.args(arguments).args(["--bootstrap-server", &broker.bootstrap()]);
    command
}

/// Appends one record; false where nobody takes it for a while.
fn produce(broker: &BrokerProcess, value: &str) -> bool {
    let produce = cli(broker, &["produce", "--topic", "kept", "--sync"]);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("echo {value} | timeout 8 \"$0\" \"$@\""));
    shell.arg(produce.get_program()).args(produce.get_args());
    shell.output().is_ok_and(|output| output.status.success())
}

/// What the first `count` records are.
fn consumed(broker: &BrokerProcess, count: usize) -> Vec<String> {
    let count = count.to_string();
    let arguments = ["consume", "--topic", "kept", "--from-beginning", "--max-messages", &count];
    let output = cli(broker, &arguments).output().expect("the client starts");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn create(broker: &BrokerProcess) {
    let created =
        cli(broker, &["topic", "create", "--topic", "kept"]).output().expect("the client starts");
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
}

/// A value in etcd.
fn value(etcd: &EtcdProcess, key: &str) -> Option<Value> {
    let text = etcd.etcdctl(&["get", "--print-value-only", &format!("/barnabas{key}")]).ok()?;
    serde_json::from_str(&text).ok()
}

fn leader(etcd: &EtcdProcess) -> Option<i64> {
    value(etcd, "/brokers/topics/kept/partitions/0/state")?["leader"].as_i64()
}

/// Moves what is in one folder to another: the new one takes the place of a mount point.
fn swap(one: &Path, other: &Path) {
    let spare = one.with_extension("spare");
    fs::rename(one, &spare).expect("movable");
    if other.exists() {
        fs::rename(other, one).expect("movable");
    }
    fs::rename(&spare, other).expect("movable");
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp starts");
    assert!(copied.success());
}

fn wait_for_leader(etcd: &EtcdProcess, wanted: i64) {
    wait::until_true(LIMIT, "the election", || leader(etcd) == Some(wanted));
}

/// Ends the broker, in order or not, and waits until it is gone from etcd.
fn end(broker: &mut BrokerProcess, etcd: &EtcdProcess, in_order: bool) {
    if in_order {
        assert!(broker.process().terminate(LIMIT).success());
    } else {
        broker.process().kill();
    }
    wait::until_true(LIMIT, "the registration to go", || value(etcd, "/brokers/ids/1").is_none());
}

/// A broker that has one record.
fn filled(etcd: &EtcdProcess) -> BrokerProcess {
    let broker = BrokerProcess::start(on(etcd)).expect("the broker starts");
    create(&broker);
    wait::until_true(LIMIT, "the first record", || produce(&broker, "first"));
    broker
}

#[test]
fn an_empty_directory_does_not_lead_and_the_data_does_when_it_is_back() {
    for in_order in [true, false] {
        let Some(etcd) = started() else { return };
        let mut broker = filled(&etcd);
        let (data, aside) = (broker.data_dir(), broker.data_dir().with_extension("aside"));
        end(&mut broker, &etcd, in_order);
        fs::rename(&data, &aside).expect("movable");

        broker.restart().expect("it starts on an empty directory");
        wait_for_leader(&etcd, -1);
        let says_why = || broker_says(&mut broker, "is a disk not mounted?");
        wait::until_true(LIMIT, "the reason in the log", says_why);
        assert!(!produce(&broker, "lost"), "an empty directory took a record");

        end(&mut broker, &etcd, in_order);
        swap(&data, &aside);
        broker.restart().expect("it starts on its data");
        wait_for_leader(&etcd, 1);
        wait::until_true(LIMIT, "the second record", || produce(&broker, "second"));
        assert_eq!(consumed(&broker, 2), ["first", "second"]);
    }
}

fn broker_says(broker: &mut BrokerProcess, words: &str) -> bool {
    broker.process().log().contains(words)
}

#[test]
fn an_older_copy_of_the_directory_does_not_lead() {
    let Some(etcd) = started() else { return };
    let mut broker = filled(&etcd);
    let (data, aside) = (broker.data_dir(), broker.data_dir().with_extension("aside"));
    end(&mut broker, &etcd, true);
    copy(&data, &aside);
    broker.restart().expect("it starts again");
    wait::until_true(LIMIT, "the second record", || produce(&broker, "second"));
    end(&mut broker, &etcd, true);

    swap(&data, &aside);
    let mut refused = broker.restart().expect_err("a copy is refused").to_string();
    refused.retain(|c| c != '\n');
    assert!(refused.contains("was copied or moved to another disk"), "{refused}");
    fs::write(data.join("log/use-this-copy"), "").expect("writable");
    broker.restart().expect("it starts with the operator's consent");
    wait_for_leader(&etcd, -1);
    assert!(broker_says(&mut broker, "is an older copy"));

    end(&mut broker, &etcd, true);
    swap(&data, &aside);
    broker.restart().expect("it starts on its data");
    wait_for_leader(&etcd, 1);
    assert_eq!(consumed(&broker, 2), ["first", "second"]);
}

#[test]
fn a_copy_made_after_an_orderly_end_goes_on_like_the_original() {
    let Some(etcd) = started() else { return };
    let mut broker = filled(&etcd);
    let (data, aside) = (broker.data_dir(), broker.data_dir().with_extension("aside"));
    end(&mut broker, &etcd, true);
    copy(&data, &aside);
    swap(&data, &aside);
    fs::write(data.join("log/use-this-copy"), "").expect("writable");
    broker.restart().expect("it starts with the operator's consent");
    wait_for_leader(&etcd, 1);
    assert_eq!(consumed(&broker, 1), ["first"]);
    assert!(!data.join("log/use-this-copy").exists(), "the consent holds for one start");
}

#[test]
fn a_copy_beside_the_running_original_is_refused_and_the_original_goes_on() {
    let Some(etcd) = started() else { return };
    let mut original = filled(&etcd);
    let before = value(&etcd, "/brokers/ids/1").expect("registered");
    for consented in [false, true] {
        let mut second = BrokerProcess::launch(on(&etcd)).expect("the process starts");
        second.process().kill();
        let _ = fs::remove_dir_all(second.data_dir());
        copy(&original.data_dir(), &second.data_dir());
        if consented {
            fs::write(second.data_dir().join("log/use-this-copy"), "").expect("writable");
        }
        let refused = second.restart().expect_err("a second process is refused").to_string();
        let reason = if consented { "broker.id 1 is taken" } else { "was copied or moved" };
        assert!(refused.contains(reason), "{refused}");
    }
    assert_eq!(value(&etcd, "/brokers/ids/1"), Some(before), "it was registered all the time");
    assert_eq!(original.process().ended(), None);
    assert!(produce(&original, "second"));
}

/// Whoever takes the registration away, as a copy on another machine could.
#[test]
fn a_broker_that_is_replaced_while_it_runs_ends() {
    let Some(etcd) = started() else { return };
    let mut broker = filled(&etcd);
    let registered = value(&etcd, "/brokers/ids/1").expect("registered");
    let lease: i64 = registered["lease_id"].as_str().expect("text").parse().expect("a number");
    let text = registered.to_string();
    let incarnation = registered["incarnation"].as_str().expect("text");
    let other = text.replace(incarnation, "00000000-0000-0000-0000-000000000007");
    broker.process().signal(libc::SIGSTOP);
    etcd.etcdctl(&["lease", "revoke", &format!("{lease:x}")]).expect("revoked");
    etcd.etcdctl(&["put", "/barnabas/brokers/ids/1", &other]).expect("taken");
    broker.process().signal(libc::SIGCONT);
    let status = broker.process().wait_for_end(LIMIT);
    assert!(!status.success(), "ended with {status}");
    assert!(broker_says(&mut broker, "has registered as broker 1 with a copy"));
}

/// As after a power cut: the directory was written last in another boot of the machine.
fn reboot(data: &Path) {
    let file = data.join("log/location");
    let noted = fs::read_to_string(&file).expect("noted");
    let boot = noted.lines().find(|line| line.starts_with("boot=")).expect("a boot");
    fs::write(&file, noted.replace(boot, "boot=an-earlier-one")).expect("writable");
}

#[test]
fn after_a_power_cut_the_only_replica_leads_and_says_so() {
    let Some(etcd) = started() else { return };
    let mut broker = filled(&etcd);
    let registration = || value(&etcd, "/brokers/ids/1").expect("registered");
    let claims = || ["directory_since", "lossless_since"].map(|key| registration()[key].clone());
    let recovery = || {
        let state = value(&etcd, "/brokers/topics/kept/partitions/0/state").expect("a state");
        state["recovery_state"].as_str().expect("text").to_owned()
    };
    // A kill loses nothing, nor does a boot after an orderly end.
    end(&mut broker, &etcd, false);
    broker.restart().expect("it starts again");
    wait_for_leader(&etcd, 1);
    end(&mut broker, &etcd, true);
    reboot(&broker.data_dir());
    broker.restart().expect("it starts again");
    wait_for_leader(&etcd, 1);
    assert_eq!(recovery(), "RECOVERED");
    let [directory_since, lossless_since] = claims();
    assert_eq!(directory_since, lossless_since);

    end(&mut broker, &etcd, false);
    reboot(&broker.data_dir());
    broker.restart().expect("it starts again");
    wait_for_leader(&etcd, 1);
    assert_eq!(recovery(), "RECOVERING");
    let [still, lossless_since] = claims();
    assert_eq!(still, directory_since);
    assert_eq!(lossless_since, "0", "nothing is claimed from before this registration");
    assert_eq!(consumed(&broker, 1), ["first"]);
}

#[test]
fn a_broker_that_disagrees_with_its_cluster_is_told_how() {
    let Some(etcd) = started() else { return };
    let mut first = BrokerProcess::start(on(&etcd)).expect("the broker starts");
    let mut other = on(&etcd);
    other.id = 2;
    other.overrides.push("offsets.topic.num.partitions=7".to_owned());
    let mut second = BrokerProcess::launch(other).expect("the process starts");
    assert!(!second.process().wait_for_end(LIMIT).success());
    let said =
        "offsets.topic.num.partitions is 7 on this broker, but its cluster was created with 50";
    assert!(broker_says(&mut second, said), "{}", second.process().log());
    assert_eq!(first.process().ended(), None);
}

#[test]
fn a_broker_waits_for_etcd_as_long_as_it_takes() {
    let Some(mut etcd) = started() else { return };
    etcd.kill();
    let mut options = on(&etcd);
    options.overrides.push("etcd.request.timeout.ms=2000".to_owned());
    let mut broker = BrokerProcess::launch(options.clone()).expect("the process starts");
    wait::until_true(LIMIT, "the first word", || broker_says(&mut broker, "waiting for etcd"));
    // Longer than one request may take; and the log does not fill.
    wait::throughout(Duration::from_secs(6), "waiting", || broker.process().ended().is_none());
    let lines =
        broker.process().log().lines().filter(|line| line.contains("waiting for etcd")).count();
    assert!(lines <= 3, "{}", broker.process().log());
    etcd.restart().expect("etcd starts");
    wait::until_true(LIMIT, "the broker to serve", || broker.serves());

    etcd.kill();
    let mut waiting = BrokerProcess::launch(options).expect("the process starts");
    wait::until_true(LIMIT, "the first word", || broker_says(&mut waiting, "waiting for etcd"));
    assert!(waiting.process().terminate(LIMIT).success(), "SIGTERM ends the wait");
}
