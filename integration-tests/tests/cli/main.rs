//! The command line: the binary under its own name and under those of Kafka's tools, with real
//! brokers. Where Kafka has the same tool, the same script runs both (see `java.rs` for Kafka's
//! own).

mod dev;
mod tools;

use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::{BrokerProcess, binary};
use barnabas_integration_tests::clients::{folder, succeed};
use barnabas_integration_tests::process::Process;
use barnabas_integration_tests::{ports, wait};

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

/// A shell that finds the binary under its own name and under those of Kafka's tools. `$B` is the
/// broker's address.
struct Shell {
    dir: tempfile::TempDir,
    bootstrap: String,
}

impl Shell {
    fn new(bootstrap: String) -> Self {
        let shell = Self { dir: tempfile::tempdir().expect("a directory"), bootstrap };
        for name in ["topics", "configs", "console-producer", "console-consumer"] {
            shell.link(&format!("kafka-{name}"));
        }
        shell.link("barnabas");
        shell
    }

    fn link(&self, name: &str) {
        let link = self.dir.path().join(name);
        symlink(binary().expect("the binary is built"), &link).expect("a link");
    }

    /// Exit code, standard output, standard error.
    fn run(&self, script: &str) -> (Option<i32>, String, String) {
        let path =
            format!("{}:{}", self.dir.path().display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new("bash");
        command.args(["-o", "pipefail", "-c", script]).current_dir(self.dir.path());
        command.env("PATH", path).env("B", &self.bootstrap);
        let output = command.output().expect("a shell");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    /// What a script prints that ends well.
    fn prints(&self, script: &str) -> String {
        let (code, out, errors) = self.run(script);
        assert_eq!(code, Some(0), "{script}\n{out}{errors}");
        out
    }

    /// The message of a script that ends with 1, as all errors of Kafka's tools do.
    fn refuses(&self, script: &str) -> String {
        let (code, out, errors) = self.run(script);
        assert_eq!(code, Some(1), "{script}\n{out}{errors}");
        assert!(!errors.contains("panicked"), "{script}\n{errors}");
        errors
    }
}

#[test]
fn topics_by_pattern_and_by_place() {
    let broker = BrokerProcess::dev();
    let shell = Shell::new(broker.bootstrap());
    let topics =
        |options: &str| format!("kafka-topics --bootstrap-server PLAINTEXT://$B {options}");
    for topic in ["a.b", "a-b", "c"] {
        shell.prints(&topics(&format!("--create --topic {topic} --replica-assignment 1,1")));
    }
    assert_eq!(shell.prints(&topics("--list --topic 'a.*'")), "a-b\na.b\n");
    assert_eq!(shell.prints(&topics("--list --topic '\"c\",x'")), "c\n");
    let at_min = shell.prints(&topics("--describe --at-min-isr-partitions --topic c"));
    assert_eq!(at_min.lines().count(), 2, "{at_min}");
    assert_eq!(shell.prints(&topics("--describe --under-min-isr-partitions")), "");
    assert_eq!(shell.prints(&topics("--describe --topic nowhere --if-exists")), "");
    shell.refuses(&topics("--create --topic d --replica-assignment 7"));
    shell.refuses(&topics("--list --partitions 3"));
    shell.refuses(&topics("--create"));
    // A name is that topic, though it matches others as a pattern.
    shell.prints(&topics("--delete --topic a.b"));
    assert_eq!(shell.prints(&topics("--list")), "a-b\nc\n");
    shell.prints(&topics("--delete --topic '.*'"));
    assert_eq!(shell.prints(&topics("--list")), "");
}

#[test]
fn console_tools_take_what_pipes_hold() {
    let broker = BrokerProcess::dev();
    let shell = Shell::new(broker.bootstrap());
    let produce = "kafka-console-producer --bootstrap-server $B --topic t";
    let consume = "timeout 60 kafka-console-consumer --bootstrap-server $B --from-beginning";
    // Bytes that are no text, blanks as separators, no key, no end of line.
    let options = "--reader-property parse.key=true --reader-property 'key.separator= ' --reader-property ignore.error=true";
    shell.prints(&format!(
        "printf 'k \\xff\\xfe\\r\\n\\nplain' | {produce} {options} --max-block-ms 1000"
    ));
    let shown = "--formatter-property print.key=true --formatter-property key.separator=:";
    let records =
        shell.prints(&format!("{consume} --include 't|x' --max-messages 3 {shown} | od -An -c"));
    assert_eq!(records.split_whitespace().collect::<String>(), r"k:377376\nnull:\nnull:plain\n");
    shell.prints(&format!("printf '\\0\\0\\0\\0\\0\\0\\1\\0\\n' | {produce}2"));
    let long = "--value-deserializer org.apache.kafka.common.serialization.LongDeserializer";
    assert_eq!(shell.prints(&format!("{consume} --topic t2 {long} --max-messages 1")), "256\n");
    let counted = shell.prints(&format!(
        "{consume} --topic t {long} --skip-message-on-error --max-messages 3 2>&1"
    ));
    assert!(counted.contains("Processed a total of 3 messages"), "{counted}");
    // An offset that is not there.
    let reset = shell
        .prints(&format!("{consume} --topic t --partition 0 --offset 99 --max-messages 3 2>&1"));
    assert!(reset.contains("does not have offset 99, reading goes on at 0"), "{reset}");
    // Mistakes end at once, though standard input stays open.
    let refusal = shell.refuses(&format!(
        "mkfifo open; exec 7<>open; echo x >&7; timeout 60 {produce} --partition 7 <&7"
    ));
    assert!(refusal.contains("t has no partition 7"), "{refusal}");
    let refusal =
        shell.refuses(&format!("echo x | {produce} --producer-property security.protocol=SSL"));
    assert!(refusal.contains("security.protocol=SSL is not supported"), "{refusal}");
    shell.refuses(&format!("{consume} --topic t --formatter my.Formatter"));
    shell.refuses(&format!("{consume} --topic t --include t"));
}

/// `| head -1`: that nobody reads any more ends a command, and not with an error.
#[test]
fn output_may_be_left_unread() {
    let broker = BrokerProcess::dev();
    let shell = Shell::new(broker.bootstrap());
    shell.prints("echo x | kafka-console-producer --bootstrap-server $B --topic t");
    let gone = "(exec <&-; sleep 1)";
    for command in [
        "kafka-topics --bootstrap-server $B --describe",
        "kafka-configs --bootstrap-server $B --describe --all --topic t",
        "kafka-console-consumer --bootstrap-server $B --topic t",
        "kafka-topics --help",
    ] {
        shell.prints(&format!("timeout 60 {command} | {gone}"));
    }
    // Its one record has been read: no other would tell.
    let consume =
        "timeout 60 kafka-console-consumer --bootstrap-server $B --topic t --from-beginning";
    assert_eq!(shell.prints(&format!("{consume} | head -1")), "x\n");
}

/// Who watched a broker's output may go. Its terminal may, too, which stops it as SIGTERM does.
#[test]
fn brokers_outlive_the_readers_of_their_logs() {
    let dir = tempfile::tempdir().expect("a directory");
    let port = ports::free();
    let script = "exec \"$0\" dev --override listeners=PLAINTEXT://127.0.0.1:$1 > >(head -c 1) 2> >(head -c 1)";
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(binary().expect("the binary is built")).arg(port.to_string());
    command.current_dir(dir.path());
    let mut broker = Process::start("broker", command, &dir.path().join("log")).expect("a start");
    let shell = Shell::new(format!("127.0.0.1:{port}"));
    for topic in ["a", "b"] {
        let create = format!("kafka-topics --bootstrap-server $B --create --topic {topic}");
        wait::until_true(Duration::from_secs(60), "a topic", || shell.run(&create).0 == Some(0));
    }
    broker.signal(libc::SIGHUP);
    let status = broker.wait_for_end(Duration::from_secs(60));
    assert_eq!(status.code(), Some(0), "{status}");
}
