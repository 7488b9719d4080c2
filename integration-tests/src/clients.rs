//! Runs the scripts of `integration-tests/clients/`, which drive real Kafka clients.
//!
//! A machine without Python, kcat or Java skips what needs them and says so; with
//! `REQUIRE_CLIENTS=1`, as continuous integration sets it, a skip is a failure.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// `integration-tests/clients` in this checkout.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// The root of this checkout.
///
/// # Panics
/// Never: the crate lies in a folder of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in a folder").to_owned()
}

/// Prints why a test is skipped.
///
/// # Panics
/// When the environment variable `required` is 1: then a skip is a failure.
pub fn skip(required: &str, reason: &str) {
    assert!(std::env::var(required).as_deref() != Ok("1"), "{required}=1, but: {reason}");
    // Past the capture of test output: a skip must be seen.
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {reason}");
}

/// The interpreter with the Python clients, set up on first use; none where that cannot be done (a
/// skip).
#[must_use]
pub fn python() -> Option<PathBuf> {
    prepared("test-clients.sh")
}

/// The folder of Kafka's Java tools, fetched on first use; none where that cannot be done (a skip).
#[must_use]
pub fn kafka_tools() -> Option<PathBuf> {
    prepared("kafka-tools.sh")
}

/// The folder of etcd 3.6 and its tools, built on first use; none where that cannot be done (a
/// skip).
#[must_use]
pub fn etcd_programs() -> Option<PathBuf> {
    prepared("etcd.sh")
}

fn prepared(script: &str) -> Option<PathBuf> {
    let output = Command::new(root().join("scripts").join(script)).output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Some(PathBuf::from(text))
        }
        Ok(output) => {
            skip("REQUIRE_CLIENTS", String::from_utf8_lossy(&output.stderr).trim());
            None
        }
        Err(error) => {
            skip("REQUIRE_CLIENTS", &format!("scripts/{script}: {error}"));
            None
        }
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When it cannot be started, or with all that it printed when it exits with an error.
#[track_caller]
pub fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("starting {command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs `clients/SCRIPT BOOTSTRAP TESTS...` with the Python clients; skips where there is no
/// Python.
///
/// # Panics
/// When one of the script's tests fails.
#[track_caller]
pub fn run_python(script: &str, bootstrap: &str, tests: &[&str]) {
    let Some(python) = python() else { return };
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONWARNINGS", "ignore");
    command.current_dir(folder()).arg(script).arg(bootstrap).args(tests);
    let output = succeed(&mut command);
    print!("{}", String::from_utf8_lossy(&output.stdout));
}
