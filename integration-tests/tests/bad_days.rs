//! Bad days of the machine under a broker: the disk is full for a while, files rot, somebody sets
//! the clock.
//!
//! Mounting takes root, and setting the clock for one process takes libfaketime: without them a
//! test says that it is skipped.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerOptions, BrokerProcess};
use barnabas_integration_tests::clients::{folder, python, skip, succeed};
use barnabas_integration_tests::history::{check::check, parse};
use barnabas_integration_tests::process::Process;
use barnabas_integration_tests::wait;
use serde::Deserialize;

const LIMIT: Duration = Duration::from_secs(60);

/// A script of `clients/` and the broker it talks to.
struct Client {
    python: PathBuf,
    bootstrap: String,
}

impl Client {
    fn command(&self, script: &str, step: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command.current_dir(folder()).args([script, step]).arg(&self.bootstrap).args(arguments);
        command
    }

    fn run(&self, script: &str, step: &str, arguments: &[&str]) -> String {
        let output = succeed(&mut self.command(script, step, arguments));
        String::from_utf8(output.stdout).expect("text")
    }

    fn survey(&self, topic: &str) -> Survey {
        let text = self.run("survey.py", "survey", &[topic, "2"]);
        serde_json::from_str(&text).expect("a survey")
    }
}

/// What `survey.py` finds.
#[derive(Debug, Deserialize)]
struct Survey {
    read: usize,
    wrong: usize,
    errors: std::collections::BTreeMap<String, usize>,
}

/// A file system of its own, unmounted in the end.
struct Mounted(PathBuf);

impl Mounted {
    fn new(dir: &Path, options: &str) -> Option<Self> {
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(dir).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(dir.to_owned()));
        }
        skip("REQUIRE_MOUNT", "mounting a file system takes root");
        None
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// The last count that `load.py produce` printed.
fn acknowledged(producer: &Process) -> u64 {
    let log = producer.log();
    let last = log.lines().rev().find_map(|l| l.strip_prefix("acknowledged ")?.parse().ok());
    last.unwrap_or(0)
}

fn await_progress(producers: &[Process]) {
    let before: Vec<u64> = producers.iter().map(acknowledged).collect();
    wait::until_true(LIMIT, "acknowledgements", || {
        producers.iter().zip(&before).all(|(p, before)| acknowledged(p) >= before + 1000)
    });
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_full_disk_stops_producers_for_a_while_and_costs_nothing() {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).expect("a directory");
    let Some(_mounted) = Mounted::new(&disk, "size=96m") else { return };
    // RocksDB takes the space of a WAL file ahead: small ones, so that the disk is full soon.
    let small = "log.generation.bytes=1048576".to_owned();
    let overrides = vec![format!("log.dirs={}", text(&disk.join("data"))), small];
    let options = BrokerOptions { overrides, ..BrokerOptions::default() };
    let mut broker = BrokerProcess::start(options).expect("the broker starts");
    let client = Client { python, bootstrap: broker.bootstrap() };
    client.run("load.py", "create", &["load", "3"]);
    let history = |id: usize| dir.path().join(format!("sent-{id}"));
    let start = |id: usize, mode: &str| {
        let arguments = ["load", &text(&history(id)), &id.to_string(), mode];
        let command = client.command("load.py", "produce", &arguments);
        Process::start(mode, command, &dir.path().join(format!("log-{id}"))).expect("it starts")
    };
    let mut producers = [start(1, "idempotent"), start(2, "acks1")];
    await_progress(&producers);

    let ballast = disk.join("ballast");
    // It ends with an error once all the space is taken.
    let _ = fs::write(&ballast, vec![1; 96 << 20]);
    wait::until_true(LIMIT, "the disk to be full", || {
        broker.process().log().contains("disk full: the store takes no appends")
    });
    client.run("load.py", "read", &["load", "3", &text(&dir.path().join("seen-full")), "8"]);
    fs::remove_file(&ballast).expect("there is a ballast");
    // The same producers, and the same broker process.
    await_progress(&producers);

    for producer in &mut producers {
        let status = producer.terminate(Duration::from_secs(120));
        assert!(status.success(), "producer: {status}\n{}", producer.log());
    }
    // The one that does not try again says why.
    assert!(producers[1].log().contains("KAFKA_STORAGE_ERROR"), "{}", producers[1].log());
    let seen = dir.path().join("seen");
    client.run("load.py", "read", &["load", "3", &text(&seen), "9"]);
    let read = |path: &Path| parse(&fs::read_to_string(path).expect("it is there")).expect("lines");
    let history =
        [history(1), history(2), seen].iter().flat_map(|path| read(path)).collect::<Vec<_>>();
    let found = check(&history);
    assert!(found.is_empty(), "{:?} …", &found[..found.len().min(20)]);
}

/// The files of the store with this ending, largest first.
fn files(broker: &BrokerProcess, ending: &str) -> Vec<PathBuf> {
    let folder = broker.data_dir().join("log/rocksdb");
    let entries =
        fs::read_dir(folder).expect("a store").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> =
        entries.filter(|p| p.extension().is_some_and(|e| e == ending)).collect();
    files.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).map_or(0, |meta| meta.len())));
    files
}

/// Flips some bits at `at` in a file.
fn rot(file: &Path, at: u64) {
    let open = fs::File::options().read(true).write(true).open(file).expect("the file");
    let mut bytes = [0; 3];
    open.read_exact_at(&mut bytes, at).expect("so many bytes");
    open.write_all_at(&bytes.map(|byte| byte ^ 0x55), at).expect("it can be written");
}

const EACH: usize = 3000;

/// A broker, stopped in order, with 2 × 3 000 records in files.
fn filled() -> Option<(BrokerProcess, Client)> {
    let python = python()?;
    let mut broker = BrokerProcess::dev();
    let client = Client { python, bootstrap: broker.bootstrap() };
    client.run("load.py", "create", &["rot", "2"]);
    client.run("survey.py", "fill", &["rot", "2", &EACH.to_string()]);
    assert!(broker.process().terminate(LIMIT).success());
    Some((broker, client))
}

#[test]
fn rotten_records_are_refused_and_all_others_served() {
    let Some((mut broker, client)) = filled() else { return };
    let file = files(&broker, "sst").remove(0);
    rot(&file, fs::metadata(&file).expect("there").len() / 3);
    broker.restart().expect("a broker serves although a record is damaged");
    check_survey(&mut broker, &client, 1);
    // Once more, under a broker that runs.
    rot(&file, fs::metadata(&file).expect("there").len() * 2 / 3);
    check_survey(&mut broker, &client, 2);
    client.run("load.py", "roundtrip", &["rot"]);
}

/// Not one wrong record; at most `blocks` blocks of 128 KiB, and what shares batches with them, are
/// missing.
fn check_survey(broker: &mut BrokerProcess, client: &Client, blocks: usize) {
    let survey = client.survey("rot");
    assert_eq!(survey.wrong, 0, "{survey:?}");
    assert!(survey.read < 2 * EACH && survey.read >= 2 * EACH - blocks * 400, "{survey:?}");
    assert!(survey.errors.len() == 1 && survey.errors.contains_key("INVALID_MSG"), "{survey:?}");
    let log = broker.process().log();
    let line = log.lines().find(|line| line.contains("records are damaged")).expect("a line");
    assert!(line.contains("\"topic\":\"rot\"") && line.contains("partition"), "{line}");
}

#[test]
fn a_damage_in_the_middle_of_the_wal_stops_the_start_until_the_loss_is_accepted() {
    let Some(python) = python() else { return };
    let mut broker = BrokerProcess::dev();
    let client = Client { python, bootstrap: broker.bootstrap() };
    client.run("load.py", "create", &["rot", "2"]);
    client.run("survey.py", "fill", &["rot", "2", &EACH.to_string()]);
    broker.process().kill();
    rot(&files(&broker, "log")[0], 2 << 20);
    let refused = broker.restart().expect_err("the broker does not start").to_string();
    let consent = broker.data_dir().join("log/start-without-what-is-damaged");
    assert!(
        refused.contains("is damaged at byte") && refused.contains(&text(&consent)),
        "{refused}"
    );
    fs::write(&consent, "").expect("it can be written");
    broker.restart().expect("the broker starts now");
    let survey = client.survey("rot");
    assert!(survey.wrong == 0 && survey.errors.is_empty(), "{survey:?}");
    assert!(survey.read > 1000 && survey.read < 2 * EACH, "{survey:?}");
    assert!(!consent.exists(), "consent holds once");
}

#[test]
fn an_hour_more_or_less_on_the_clock_expires_nothing() {
    let Some(python) = python() else { return };
    let Some(library) = faketime() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let offset = dir.path().join("offset");
    let set = |text: &str| {
        // Read while it is written, a file might be empty.
        let next = dir.path().join("next");
        fs::write(&next, text).and_then(|()| fs::rename(next, &offset)).expect("written");
    };
    set("+0");
    let env = [
        ("LD_PRELOAD", text(&library)),
        ("FAKETIME_TIMESTAMP_FILE", text(&offset)),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    let overrides = ["log.retention.check.interval.ms=200", "log.generation.bytes=1048576"];
    let options = BrokerOptions {
        overrides: overrides.map(str::to_owned).to_vec(),
        env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        ..BrokerOptions::default()
    };
    let mut broker = BrokerProcess::start(options).expect("the broker starts");
    let client = Client { python, bootstrap: broker.bootstrap() };
    client.run("load.py", "create", &["rot", "2", "retention.ms=1800000"]);
    client.run("survey.py", "fill", &["rot", "2", &EACH.to_string()]);
    for jump in ["+3600", "-3600", "+0"] {
        let before = broker.process().log().matches("the system clock").count();
        set(jump);
        wait::until_true(LIMIT, "the broker to notice", || {
            broker.process().log().matches("the system clock").count() > before
        });
        // Several rounds of retention, and longer than a session.
        wait::throughout(Duration::from_secs(3), "the broker serves", || broker.serves());
        client.run("load.py", "roundtrip", &["rot"]);
    }
    let log = broker.process().log();
    assert!(!log.contains("retention dropped") && !log.contains("session with etcd lost"), "{log}");
    let survey = client.survey("rot");
    assert_eq!((survey.read, survey.wrong), (2 * EACH + 3, 3), "{survey:?}");
}

/// The library that sets the clock of one process.
fn faketime() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    let found = libraries.find(|library| library.exists());
    if found.is_none() {
        skip("REQUIRE_CLIENTS", "no libfaketime (Debian: apt-get install libfaketime)");
    }
    found
}
