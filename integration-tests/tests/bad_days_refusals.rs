//! Data directories that a broker must not use: it says why in one line and ends with an error, as
//! `barnabas broker` and as `barnabas dev`.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerProcess, binary};
use barnabas_integration_tests::clients::skip;
use barnabas_integration_tests::ports;
use barnabas_integration_tests::process::Process;

const LIMIT: Duration = Duration::from_secs(60);

/// Starts a broker on `data` in both ways; both must end with one line that has all of `words`.
#[track_caller]
fn refused(data: &Path, id: i32, words: &[&str]) {
    for way in ["dev", "broker"] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(binary().expect("it is built"));
        command.arg(way).current_dir(dir.path());
        let settings = [
            format!("broker.id={id}"),
            format!("log.dirs={}", data.display()),
            format!("listeners=PLAINTEXT://127.0.0.1:{}", ports::free()),
        ];
        for setting in &settings {
            command.args(["--override", setting]);
        }
        let mut process = Process::start(way, command, &dir.path().join("log")).expect("it starts");
        let status = process.wait_for_end(LIMIT);
        let log = process.log();
        // What is logged, as JSON, does not count.
        let lines: Vec<&str> = log.lines().filter(|line| !line.starts_with('{')).collect();
        assert_eq!((status.code(), lines.len()), (Some(1), 1), "{way}: {log}");
        for word in words {
            assert!(lines[0].contains(word), "{way}: no {word:?} in {:?}", lines[0]);
        }
        let repeated = lines[0].matches("os error").count();
        assert!(repeated < 2, "{way}: the cause is there {repeated} times: {:?}", lines[0]);
    }
}

#[test]
fn a_directory_that_cannot_be_there() {
    let dir = tempfile::tempdir().expect("a directory");
    refused(&dir.path().join("no/mount/data"), 1, &["log.dirs", "no/mount/data", "No such file"]);
    assert!(!dir.path().join("no").exists(), "a missing mount is not papered over");
    let file = dir.path().join("file");
    fs::write(&file, "").expect("it can be written");
    refused(&file, 1, &["log.dirs", "file", "Not a directory"]);
}

#[test]
fn a_directory_that_cannot_be_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "ro", "tmpfs"]).arg(dir.path());
    if !mount.output().is_ok_and(|output| output.status.success()) {
        return skip("REQUIRE_MOUNT", "mounting a file system takes root");
    }
    let unmounted = std::panic::catch_unwind(|| {
        refused(dir.path(), 1, &["log.dirs", "Read-only file system"]);
        refused(&dir.path().join("data"), 1, &["log.dirs", "Read-only file system"]);
    });
    let _ = Command::new("umount").arg("-l").arg(dir.path()).status();
    if let Err(panic) = unmounted {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn a_directory_of_somebody_else() {
    let mut broker = BrokerProcess::dev();
    let data = broker.data_dir();
    refused(&data, 1, &["data directory", "in use by another process"]);
    assert!(broker.serves(), "the one that has it is not disturbed");
    assert!(broker.process().terminate(LIMIT).success());

    refused(&data, 7, &["meta.properties belongs to broker 1, not to broker 7"]);
    let path = data.join("meta.properties");
    let meta = fs::read_to_string(&path).expect("there is one");
    let other = |line: &str| match line.strip_prefix("cluster.id=") {
        Some(_) => "cluster.id=AAAAAAAAQACAAAAAAAAAAQ\n".to_owned(),
        None => format!("{line}\n"),
    };
    fs::write(&path, meta.lines().map(other).collect::<String>()).expect("it can be written");
    refused(&data, 1, &["belongs to the cluster AAAAAAAAQACAAAAAAAAAAQ, but etcd holds"]);
    fs::write(&path, meta).expect("it can be written");
    broker.restart().expect("nothing was changed by all this");
}

#[test]
fn a_directory_of_another_program() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(dir.path().join("log/rocksdb")).expect("it can be made");
    refused(dir.path(), 1, &["not made by Barnabas"]);
    fs::write(dir.path().join("meta.properties"), "version=0\n").expect("it can be written");
    refused(dir.path(), 1, &["meta.properties", "version 0; this broker reads version 1"]);
}
