//! A real single-member etcd on free ports and a directory of its own, with its backup and restore.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process::Process;
use crate::{clients, ports, wait};

/// The programs of one release of etcd.
#[derive(Clone, Debug)]
pub struct Programs {
    etcd: PathBuf,
    etcdctl: PathBuf,
    /// Restores backups since etcd 3.5; before, etcdctl does.
    etcdutl: Option<PathBuf>,
}

impl Programs {
    /// `ETCD_BIN` and `ETCDCTL_BIN`, or what is on PATH; none where that is nothing (a skip).
    #[must_use]
    pub fn installed() -> Option<Self> {
        match missing() {
            Some(reason) => {
                clients::skip("REQUIRE_CLIENTS", &reason);
                None
            }
            None => Some(Self { etcd: binary(), etcdctl: etcdctl_binary(), etcdutl: None }),
        }
    }

    /// etcd 3.6, which restores backups with a raised revision. It is built on first use; none
    /// where that cannot be done (a skip).
    #[must_use]
    pub fn built() -> Option<Self> {
        let dir = clients::etcd_programs()?;
        let [etcd, etcdctl, etcdutl] = ["etcd", "etcdctl", "etcdutl"].map(|name| dir.join(name));
        Some(Self { etcd, etcdctl, etcdutl: Some(etcdutl) })
    }
}

/// An etcd server; gone with its data on drop.
#[derive(Debug)]
pub struct EtcdProcess {
    programs: Programs,
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
        Self::start_with(Programs { etcd: binary(), etcdctl: etcdctl_binary(), etcdutl: None })
    }

    /// The same with these programs.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with(programs: Programs) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let (client_port, peer_port) = (ports::free(), ports::free());
        let mut etcd = Self { programs, process: None, client_port, peer_port, dir };
        etcd.restart()?;
        Ok(etcd)
    }

    /// Starts it again on the same data and ports after [`kill`](Self::kill).
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart(&mut self) -> Result<()> {
        let client = format!("http://127.0.0.1:{}", self.client_port);
        let peer = self.peer();
        let mut command = Command::new(&self.programs.etcd);
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

    /// Saves a backup to `file`, as operators do.
    ///
    /// # Errors
    /// When etcdctl fails.
    pub fn back_up(&self, file: &Path) -> Result<()> {
        self.etcdctl(&["snapshot", "save", &file.display().to_string()]).map(drop)
    }

    /// Stops etcd, restores its data from a backup, and starts it again. With `bump`, the revision
    /// is raised by that much above the backup's, and older revisions are marked as compacted.
    ///
    /// # Errors
    /// When the tools fail, or etcd does not start.
    pub fn restore(&mut self, backup: &Path, bump: Option<i64>) -> Result<()> {
        self.kill();
        let (data, peer) = (self.dir.path().join("data"), self.peer());
        std::fs::remove_dir_all(&data)?;
        let program = self.programs.etcdutl.as_ref().unwrap_or(&self.programs.etcdctl);
        let mut command = Command::new(program);
        command.env("ETCDCTL_API", "3").args(["snapshot", "restore"]).arg(backup);
        command.args(["--name", "test", "--data-dir"]).arg(&data);
        command.args(["--initial-cluster", &format!("test={peer}")]);
        command.args(["--initial-advertise-peer-urls", &peer]);
        if let Some(bump) = bump {
            command.args(["--mark-compacted", "--bump-revision", &bump.to_string()]);
        }
        let output = command.output().with_context(|| format!("starting {}", program.display()))?;
        if !output.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        self.restart()
    }

    fn peer(&self) -> String {
        format!("http://127.0.0.1:{}", self.peer_port)
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
        run_etcdctl(&self.programs.etcdctl, &self.endpoint(), arguments)
    }
}

/// What `etcdctl ARGUMENTS` prints about the server at `endpoint`.
///
/// # Errors
/// When it cannot be started or exits with an error.
pub fn etcdctl(endpoint: &str, arguments: &[&str]) -> Result<String> {
    run_etcdctl(&etcdctl_binary(), endpoint, arguments)
}

fn run_etcdctl(program: &Path, endpoint: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.env("ETCDCTL_API", "3").args(["--endpoints", endpoint, "--command-timeout", "5s"]);
    let output = command.args(arguments).output().context("starting etcdctl")?;
    if !output.status.success() {
        bail!("etcdctl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn etcdctl_binary() -> PathBuf {
    std::env::var_os("ETCDCTL_BIN").map_or_else(|| PathBuf::from("etcdctl"), PathBuf::from)
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
