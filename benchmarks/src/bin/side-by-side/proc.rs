//! What a process has used, from /proc. It looks at one process with all its threads, and not at
//! its children.

use std::fs;
use std::ops::Sub;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context as _;

/// Ticks a second in /proc: what Linux tells programs on all machines that Barnabas runs on.
const TICKS: f64 = 100.0;

/// CPU time and disk traffic, since the process began or between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Seconds in the program.
    pub(crate) user_s: f64,
    /// Seconds in the kernel on behalf of the program.
    pub(crate) system_s: f64,
    /// Bytes that the process has caused to be written to disk; what it deleted in time does not
    /// count.
    pub(crate) written: f64,
}

impl Usage {
    /// Of this process, until now.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        Self::read(&format!("/proc/{pid}"))
    }

    /// Of the calling thread, until now.
    pub(crate) fn of_this_thread() -> anyhow::Result<Self> {
        Self::read("/proc/thread-self")
    }

    fn read(folder: &str) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("{folder}/stat"))?;
        let fields = stat.rsplit_once(')').context("no command in /proc/PID/stat")?.1;
        let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
        let mut next = || ticks.next().context("/proc/PID/stat is short")?.context("ticks");
        let io = fs::read_to_string(format!("{folder}/io"))?;
        Ok(Self {
            user_s: next()? / TICKS,
            system_s: next()? / TICKS,
            written: number(&io, "write_bytes:")? - number(&io, "cancelled_write_bytes:")?,
        })
    }

    /// User and system seconds.
    pub(crate) fn cpu_s(&self) -> f64 {
        self.user_s + self.system_s
    }

    /// As [`Usage::of`], once the process has come to rest: what it does after its last answer is
    /// part of the cost. Waits ten seconds at most.
    pub(crate) fn settled(pid: u32) -> anyhow::Result<Self> {
        let mut last = Self::of(pid)?;
        for _ in 0..20 {
            sleep(Duration::from_millis(500));
            let now = Self::of(pid)?;
            if now.cpu_s() - last.cpu_s() < 0.03 {
                return Ok(now);
            }
            last = now;
        }
        Ok(last)
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self {
            user_s: self.user_s - earlier.user_s,
            system_s: self.system_s - earlier.system_s,
            written: self.written - earlier.written,
        }
    }
}

/// Memory of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Bytes resident, files that are mapped into it included.
    pub(crate) resident: f64,
    /// Bytes resident that are its own: heap, stacks, and a JVM's heap as far as it was touched.
    pub(crate) own: f64,
}

impl Memory {
    /// Of this process, now.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let bytes = |key| number(&status, key).map(|kib| kib * 1024.0);
        Ok(Self { resident: bytes("VmRSS:")?, own: bytes("RssAnon:")? })
    }
}

/// The number after `key` in a file of keys and values.
fn number(text: &str, key: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|line| line.split_whitespace().next());
    value.with_context(|| format!("no {key}"))?.parse().with_context(|| key.to_owned())
}
