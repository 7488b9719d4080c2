//! One child process of a test: its output goes to a file that is shown when the test fails, and it
//! never outlives the test.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::wait;

/// How much of a log is shown for a failed test.
const SHOWN_BYTES: usize = 12_000;

/// A running (or ended) child.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with its standard output and error appended to `log`.
    ///
    /// # Errors
    /// When the program cannot be started or the log not be written.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let out = File::options().create(true).append(true).open(log)?;
        let errors = out.try_clone()?;
        command.stdin(Stdio::null()).stdout(out).stderr(errors);
        die_with_parent(&mut command);
        let child = command.spawn().with_context(|| format!("starting {name} as {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// Sends a signal, as `libc::SIGSTOP`.
    pub fn signal(&self, signal: libc::c_int) {
        let pid = libc::pid_t::try_from(self.child.id()).expect("a pid fits");
        send_signal(pid, signal);
    }

    /// kill -9, and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks for an orderly end (SIGTERM) and waits for it.
    ///
    /// # Panics
    /// When the process has not ended within `limit`.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        self.signal(libc::SIGTERM);
        self.wait_for_end(limit)
    }

    /// Waits until the process ended by itself.
    ///
    /// # Panics
    /// When it has not within `limit`.
    pub fn wait_for_end(&mut self, limit: Duration) -> ExitStatus {
        let what = format!("the end of {}", self.name);
        wait::until(limit, &what, || self.ended())
    }

    /// The exit status, if the process ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Everything the process wrote so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- output of {} ---\n{}", self.name, tail(&self.log()));
        }
    }
}

fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(SHOWN_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[allow(unsafe_code, reason = "a signal to a child has no safe wrapper in std")]
fn send_signal(pid: libc::pid_t, signal: libc::c_int) {
    // SAFETY: kill takes no pointers; the pid is that of a child that was not waited for.
    let _ = unsafe { libc::kill(pid, signal) };
}

/// Lets the kernel kill the child when the test program dies without running destructors.
#[allow(unsafe_code, reason = "pre_exec is the only way to set the parent-death signal")]
fn die_with_parent(command: &mut Command) {
    // SAFETY: prctl with this option takes no pointers and is safe between fork and exec.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_kept_and_the_end_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 3"]);
        let mut process = Process::start("sh", command, &dir.path().join("log")).unwrap();
        let status = process.wait_for_end(Duration::from_secs(10));
        assert_eq!((status.code(), process.log().as_str()), (Some(3), "out\nerr\n"));
    }

    #[test]
    fn a_dropped_process_is_dead() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sleep");
        command.arg("600");
        let process = Process::start("sleep", command, &dir.path().join("log")).unwrap();
        let proc = PathBuf::from(format!("/proc/{}", process.id()));
        assert!(proc.exists());
        drop(process);
        assert!(!proc.exists());
    }

    #[test]
    fn the_tail_of_a_log_starts_at_a_character() {
        let log = "ü".repeat(SHOWN_BYTES);
        assert!(tail(&log).len() <= SHOWN_BYTES && tail(&log).starts_with('ü'));
    }
}
