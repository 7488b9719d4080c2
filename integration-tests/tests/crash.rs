//! kill -9 in the middle of a produce load, several times: every acknowledged record is there once,
//! in order, at its offset.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use barnabas_integration_tests::broker::BrokerProcess;
use barnabas_integration_tests::clients::{folder, python, succeed};
use barnabas_integration_tests::history::{Op, Outcome, check::check, parse};
use barnabas_integration_tests::process::Process;
use barnabas_integration_tests::wait;

const TOPIC: &str = "load";
const PARTITIONS: &str = "3";
const KILLS: usize = 4;
/// Acknowledgements that a producer must get between two kills.
const PROGRESS: u64 = 2_000;

#[test]
fn an_idempotent_load_survives_kills() {
    survive_kills("idempotent");
}

#[test]
fn acknowledgements_of_the_leader_survive_kills() {
    survive_kills("acks1");
}

fn survive_kills(mode: &str) {
    let Some(python) = python() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut broker = BrokerProcess::dev();
    let script = Script { python, bootstrap: broker.bootstrap() };
    succeed(&mut script.command(&["create"], &[TOPIC, PARTITIONS]));

    let mut producers: Vec<Producer> =
        (1..=2).map(|id| Producer::start(&script, dir.path(), id, mode)).collect();
    for _ in 0..KILLS {
        await_progress(&producers);
        broker.process().kill();
        broker.restart().expect("the broker starts again");
    }
    await_progress(&producers);
    let mut history = Vec::new();
    for producer in &mut producers {
        let status = producer.process.terminate(Duration::from_secs(120));
        assert!(status.success(), "producer: {status}\n{}", producer.process.log());
        history.extend(read_history(&producer.history));
    }
    let seen = dir.path().join("seen");
    succeed(&mut script.command(&["read"], &[TOPIC, PARTITIONS, &text(&seen), "9"]));
    history.extend(read_history(&seen));

    let acknowledged = history.iter().filter(|op| is_acknowledged(op)).count();
    let progress = usize::try_from(PROGRESS).expect("fits");
    assert!(acknowledged > KILLS * progress, "only {acknowledged} acknowledged");
    let found = check(&history);
    let first: Vec<_> = found.iter().take(20).collect();
    assert!(found.is_empty(), "{} anomalies in {acknowledged}: {first:?} …", found.len());
}

/// Waits until every producer got more acknowledgements.
fn await_progress(producers: &[Producer]) {
    let before: Vec<u64> = producers.iter().map(Producer::acknowledged).collect();
    wait::until_true(Duration::from_secs(60), "acknowledgements", || {
        producers.iter().zip(&before).all(|(p, b)| p.acknowledged() >= b + PROGRESS)
    });
}

fn is_acknowledged(op: &Op) -> bool {
    matches!(op, Op::Send { outcome: Outcome::Ok, .. })
}

fn read_history(path: &Path) -> Vec<Op> {
    parse(&fs::read_to_string(path).expect("a history")).expect("a readable history")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

struct Script {
    python: PathBuf,
    bootstrap: String,
}

impl Script {
    fn command(&self, step: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command.current_dir(folder()).arg("load.py").args(step).arg(&self.bootstrap);
        command.args(arguments);
        command
    }
}

struct Producer {
    process: Process,
    history: PathBuf,
}

impl Producer {
    fn start(script: &Script, dir: &Path, id: u32, mode: &str) -> Self {
        let history = dir.join(format!("sent-{id}"));
        let arguments = [TOPIC, &text(&history), &id.to_string(), mode];
        let command = script.command(&["produce"], &arguments);
        let name = format!("producer {id}");
        let process = Process::start(&name, command, &dir.join(format!("log-{id}")));
        Self { process: process.expect("the producer starts"), history }
    }

    /// The last count that it printed.
    fn acknowledged(&self) -> u64 {
        let log = self.process.log();
        let last = log.lines().rev().find_map(|l| l.strip_prefix("acknowledged ")?.parse().ok());
        last.unwrap_or(0)
    }
}
