//! A real etcd process on ports and in a directory of its own.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use barnabas_coordinator_client::{Client, ClientConfig};
use tempfile::TempDir;

pub(crate) struct Etcd {
    binary: PathBuf,
    dir: TempDir,
    pub(crate) port: u16,
    peer_port: u16,
    process: Option<Child>,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Etcd {
    /// Starts etcd, or says that there is none on this machine.
    pub(crate) async fn start() -> Option<Self> {
        let binary = std::env::var_os("ETCD").map_or_else(|| PathBuf::from("etcd"), PathBuf::from);
        if Command::new(&binary).arg("--version").stdout(Stdio::null()).status().is_err() {
            eprintln!("SKIPPED: there is no etcd on this machine (set ETCD to its path)");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let mut etcd =
            Self { binary, dir, port: free_port(), peer_port: free_port(), process: None };
        etcd.resume();
        etcd.client().ready().await.unwrap();
        Some(etcd)
    }

    /// Starts the process again on the same data and ports.
    pub(crate) fn resume(&mut self) {
        let client = format!("http://127.0.0.1:{}", self.port);
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let process = Command::new(&self.binary)
            .arg("--data-dir")
            .arg(self.dir.path())
            .args(["--name", "e", "--log-level", "error", "--unsafe-no-fsync"])
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .arg(format!("--initial-cluster=e={peer}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// Kills the process.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn client(&self) -> Client {
        client(self.port)
    }
}

/// A client of whatever listens on this port.
pub(crate) fn client(port: u16) -> Client {
    let mut config = ClientConfig::new([format!("http://127.0.0.1:{port}")]);
    config.attempt_timeout = Duration::from_millis(1500);
    config.connect_timeout = Duration::from_millis(500);
    Client::connect(config).unwrap()
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.kill();
    }
}
