//! The command line as a member of consumer groups, beside itself and beside librdkafka.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerProcess, binary};
use barnabas_integration_tests::clients::{folder, python, succeed};
use barnabas_integration_tests::process::Process;
use barnabas_integration_tests::{ports, wait};

const LIMIT: Duration = Duration::from_secs(60);

/// A broker with a topic, and numbers that were written to it.
struct World {
    dir: tempfile::TempDir,
    broker: BrokerProcess,
    written: u32,
}

impl World {
    fn new(partitions: u32) -> Self {
        let (dir, broker) = (tempfile::tempdir().expect("a directory"), BrokerProcess::dev());
        let world = Self { dir, broker, written: 0 };
        let partitions = partitions.to_string();
        world.run(&["topic", "create", "--topic", "t", "--partitions", &partitions]);
        world
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary().expect("the binary is built"));
        command.args(arguments).args(["--bootstrap-server", &self.broker.bootstrap()]);
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = succeed(&mut self.command(arguments));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts a member of group `g`.
    fn member(&self, name: &str, options: &[&str]) -> Process {
        let arguments = ["consume", "--topic", "t", "--group", "g", "--from-beginning"];
        let command = self.command(&[&arguments[..], options].concat());
        Process::start(name, command, &self.dir.path().join(name)).expect("a start")
    }

    /// Writes the next ten numbers, two in each batch, so that all partitions get some.
    fn write(&mut self) {
        let arguments = ["produce", "--topic", "t", "--batch-size", "80"];
        let mut producer = self.command(&arguments).stdin(Stdio::piped()).spawn().expect("a start");
        let mut input = producer.stdin.take().expect("a pipe");
        for number in self.written..self.written + 10 {
            writeln!(input, "{number}").expect("it reads");
        }
        drop(input);
        assert!(producer.wait().expect("an end").success());
        self.written += 10;
    }

    /// Writes until all members have got something new.
    fn write_until_all_read(&mut self, members: &[&Process]) {
        let before: Vec<usize> = members.iter().map(|member| numbers(member).len()).collect();
        wait::until_true(LIMIT, "records for all members", || {
            self.write();
            members.iter().zip(&before).all(|(member, before)| numbers(member).len() > *before)
        });
    }

    /// Waits until all that was written was read, and checks that nothing was read twice.
    fn check(&self, members: &[&Process]) {
        wait::until_true(LIMIT, "all records", || {
            self.read(members).len() == self.written as usize
        });
        let read = self.read(members);
        assert!(read.values().all(|times| *times == 1), "{read:?}");
    }

    /// How many times each number was read.
    fn read(&self, members: &[&Process]) -> BTreeMap<u32, u32> {
        let mut read = BTreeMap::new();
        for number in members.iter().flat_map(|member| numbers(member)) {
            *read.entry(number).or_default() += 1;
        }
        read
    }
}

/// What a member has printed, without warnings.
fn numbers(member: &Process) -> Vec<u32> {
    member.log().lines().filter_map(|line| line.parse().ok()).collect()
}

const COOPERATIVE: [&str; 2] =
    ["--consumer-property", "partition.assignment.strategy=cooperative-sticky"];

#[test]
fn two_members_share_the_partitions() {
    for options in [&[][..], &COOPERATIVE] {
        let mut world = World::new(4);
        let first = world.member("first", options);
        world.write_until_all_read(&[&first]);
        let second = world.member("second", options);
        world.write_until_all_read(&[&first, &second]);
        world.check(&[&first, &second]);
    }
}

/// The session would last half an hour: only because it leaves does the other one get its
/// partitions.
#[test]
fn whoever_is_interrupted_leaves_the_group_at_once() {
    for signal in [libc::SIGINT, libc::SIGTERM] {
        let mut world = World::new(2);
        let options = ["--consumer-property", "session.timeout.ms=1800000"];
        let mut first = world.member("first", &options);
        let second = world.member("second", &options);
        world.write_until_all_read(&[&first, &second]);
        first.signal(signal);
        assert!(first.wait_for_end(LIMIT).success());
        world.write();
        world.check(&[&first, &second]);
    }
}

#[test]
fn librdkafka_is_in_the_same_group() {
    let Some(python) = python() else { return };
    for strategy in ["range", "cooperative-sticky"] {
        let mut world = World::new(4);
        let property = format!("partition.assignment.strategy={strategy}");
        let ours = world.member("ours", &["--consumer-property", &property]);
        world.write_until_all_read(&[&ours]);
        let mut command = Command::new(&python);
        command.arg(folder().join("group_member.py")).arg(world.broker.bootstrap());
        command.args(["g", "t", strategy]).env("PYTHONDONTWRITEBYTECODE", "1");
        let log = world.dir.path().join("theirs");
        let mut theirs = Process::start("librdkafka", command, &log).expect("a start");
        world.write_until_all_read(&[&ours, &theirs]);
        assert!(theirs.terminate(LIMIT).success());
        world.write();
        world.check(&[&ours, &theirs]);
    }
}

/// The last commit is made at the end: whoever comes next goes on there.
#[test]
fn the_next_member_goes_on_where_the_last_one_stopped() {
    let mut world = World::new(2);
    world.write();
    let log = world.dir.path().join("none");
    std::fs::write(&log, "").expect("a file");
    for (name, max) in [("first", "4"), ("second", "6")] {
        let mut member = world.member(name, &["--max-messages", max]);
        assert!(member.wait_for_end(LIMIT).success());
        assert_eq!(numbers(&member).len(), max.parse::<usize>().expect("a number"));
    }
    let third = world.member("third", &[]);
    world.write();
    wait::until_true(LIMIT, "new records", || numbers(&third).len() == 10);
    assert!(numbers(&third).iter().all(|number| *number >= 10));
}

#[test]
fn a_cluster_that_cannot_be_reached_is_said_to_be_so() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = silent.local_addr().expect("bound");
    for (address, reason) in
        [(format!("127.0.0.1:{}", ports::free()), "connection refused"), (silent.to_string(), "")]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(binary().expect("the binary is built"));
        command.args(["consume", "--topic", "t", "--bootstrap-server", &address]);
        let mut member =
            Process::start("consumer", command, &dir.path().join("log")).expect("start");
        let said = format!("cannot reach {address} ({reason}");
        wait::until_true(LIMIT, "a word", || member.log().contains(&said));
        assert!(member.log().contains("trying again"), "{}", member.log());
        assert!(member.terminate(LIMIT).success());
    }
}

#[test]
fn a_mistyped_topic_is_said_to_be_created() {
    let world = World::new(1);
    let consume = |topic: &str, options: &[&str]| {
        let arguments = ["consume", "--topic", topic, "--timeout-ms", "1"];
        let output = world.command(&[&arguments[..], options].concat()).output().expect("a start");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (good, said) = consume("typo", &[]);
    assert!(
        good && said.contains("topic typo did not exist: created it with 1 partition"),
        "{said}"
    );
    let (good, said) = consume("typo", &[]);
    assert!(good && !said.contains("created"), "{said}");
    let never = ["--consumer-property", "allow.auto.create.topics=false"];
    let (good, said) = consume("other", &never);
    assert!(!good, "{said}");
    assert_eq!(world.run(&["topic", "list"]), "t\ntypo\n");
}

/// The last column of what a reset prints, by partition.
fn offsets(printed: &str) -> Vec<i64> {
    let rows = printed.lines().skip(2);
    rows.filter_map(|line| line.split_whitespace().last()?.parse().ok()).collect()
}

/// What Kafka's tool says under its own name, and `barnabas group` of the same.
#[test]
fn groups_are_described_moved_and_deleted() {
    let mut world = World::new(2);
    world.write();
    let mut member = world.member("member", &["--max-messages", "4"]);
    assert!(member.wait_for_end(LIMIT).success());
    let link = world.dir.path().join("kafka-consumer-groups");
    std::os::unix::fs::symlink(binary().expect("the binary is built"), &link).expect("a link");
    let groups = |options: &str| {
        let mut command = Command::new(&link);
        command.args(["--bootstrap-server", &world.broker.bootstrap()]);
        let output = command.args(options.split_whitespace()).output().expect("a start");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let prints = |options: &str| {
        let (good, out, errors) = groups(options);
        assert!(good, "{options}\n{out}{errors}");
        out
    };
    assert_eq!(prints("--list"), "g\n");
    assert!(prints("--list --state").contains("Empty"));
    assert_eq!(prints("--list --state stable").lines().count(), 1);
    assert!(prints("--describe --group g").contains("LOG-END-OFFSET"));
    let json = world.run(&["group", "describe", "--group", "g", "-o", "json"]);
    let described: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let lag = |row: &serde_json::Value| row["lag"].as_i64().expect("a number");
    let rows = described[0]["offsets"].as_array().expect("rows");
    assert_eq!(rows.iter().map(lag).sum::<i64>(), 6);

    let ends = offsets(&prints("--reset-offsets --group g --topic t --to-latest --dry-run"));
    assert_eq!(ends.iter().sum::<i64>(), 10);
    let reset = |how: &str| offsets(&prints(&format!("--reset-offsets --group g {how} --execute")));
    assert_eq!(reset("--all-topics --to-earliest"), [0, 0]);
    assert_eq!(reset("--topic t:1 --shift-by 1"), [1]);
    assert_eq!(reset("--topic t --to-current"), [0, 1]);
    assert_eq!(reset("--topic t --to-offset 99"), ends);
    assert_eq!(reset("--topic t --shift-by -99"), [0, 0]);
    assert_eq!(reset("--topic t --to-datetime 2100-01-01T00:00:00.000"), ends);
    assert_eq!(reset("--topic t --by-duration P1D"), [0, 0]);
    let file = world.dir.path().join("plan");
    let exported = prints("--reset-offsets --group g --topic t --to-latest --dry-run --export");
    std::fs::write(&file, exported).expect("a file");
    assert_eq!(reset(&format!("--from-file {}", file.display())), ends);

    // Not while somebody is in it.
    let mut member = world.member("other", &[]);
    wait::until_true(LIMIT, "a member", || {
        prints("--describe --group g --state").contains("Stable")
    });
    assert!(prints("--describe --group g --members --verbose").contains("t(0,1)"));
    for wrong in [
        "--reset-offsets --group g --topic t --to-latest --execute",
        "--delete --group g",
        "--delete-offsets --group g --topic t",
        "--describe --group none",
    ] {
        assert!(!groups(wrong).0, "{wrong}");
    }
    assert!(member.terminate(LIMIT).success());
    assert!(prints("--delete-offsets --group g --topic t:0").contains("Successful"));
    assert_eq!(prints("--describe --group g").lines().filter(|l| l.starts_with('g')).count(), 1);
    assert!(prints("--delete --group g").contains("('g') was successful"));
    assert_eq!(prints("--list"), "");
}
