//! A real single-member etcd on free ports and a directory of its own.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process::Process;
use crate::{ports, wait};

/// An etcd server; gone with its data on drop.
#[derive(Debug)]
pub struct EtcdProcess {
    process: Option<Process>,
    client_port: u16,
    peer_port: u16,
    dir: TempDir,
}

impl EtcdProcess {
    /// Starts etcd (`ETCD_BIN`, or `etcd` on PATH) and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut etcd =
            Self { process: None, client_port: ports::free(), peer_port: ports::free(), dir };
        etcd.restart()?;
        Ok(etcd)
    }

    /// Starts it again on the same data and ports after [`kill`](Self::kill).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart(&mut self) -> Result<()> {
        let client = format!("http://127.0.0.1:{}", self.client_port);
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let mut command = Command::new(binary());
        command.args(["--name", "test", "--data-dir"]).arg(self.dir.path().join("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("test={peer}")]);
        command.args(["--logger", "zap", "--log-level", "warn"]);
        self.process = Some(Process::start("etcd", command, &self.dir.path().join("log"))?);
        wait::until_true(Duration::from_secs(30), "etcd to answer", || {
            self.etcdctl(&["endpoint", "health"]).is_ok()
        });
        Ok(())
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Moves the data of a killed etcd away: it starts empty then. Once more, and the data is back.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn swap_data(&mut self) -> Result<()> {
        let [data, aside, spare] =
            ["data", "aside", "spare"].map(|name| self.dir.path().join(name));
        std::fs::create_dir_all(&aside)?;
        std::fs::rename(&data, &spare)?;
        std::fs::rename(&aside, &data)?;
        Ok(std::fs::rename(&spare, &aside)?)
    }

    /// `127.0.0.1:PORT`, where clients connect.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("127.0.0.1:{}", self.client_port)
    }

    /// What `etcdctl ARGUMENTS` prints.
    ///
    /// # Errors
    /// When it cannot be started or exits with an error.
    pub fn etcdctl(&self, arguments: &[&str]) -> Result<String> {
        etcdctl(&self.endpoint(), arguments)
    }
}

/// What `etcdctl ARGUMENTS` prints about the server at `endpoint`.
///
/// # Errors
/// When it cannot be started or exits with an error.
pub fn etcdctl(endpoint: &str, arguments: &[&str]) -> Result<String> {
    let program = std::env::var_os("ETCDCTL_BIN").unwrap_or_else(|| "etcdctl".into());
    let mut command = Command::new(program);
    command.env("ETCDCTL_API", "3").args(["--endpoints", endpoint, "--command-timeout", "5s"]);
    let output = command.args(arguments).output().context("starting etcdctl")?;
    if !output.status.success() {
        bail!("etcdctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn binary() -> PathBuf {
    std::env::var_os("ETCD_BIN").map_or_else(|| PathBuf::from("etcd"), PathBuf::from)
}

/// Why no test with a real etcd can run here, if so.
#[must_use]
pub fn missing() -> Option<String> {
    let found = Command::new(binary()).arg("--version").output().is_ok();
    (!found).then(|| {
        format!("no {} (Debian: apt-get install etcd-server etcd-client)", binary().display())
    })
}
