//! A real etcd, started for a test.

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use etcd_client::Client;

/// Killed when dropped.
pub(super) struct Etcd {
    process: Child,
    pub(super) endpoint: String,
}

impl Etcd {
    /// `None` if there is no etcd on the path.
    pub(super) async fn start(dir: &Path) -> Option<Self> {
        let (client, peer) = (free_address(), free_address());
        let process = Command::new("etcd")
            .arg("--data-dir")
            .arg(dir.join("etcd"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("default={peer}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let etcd = Self { process, endpoint: client };
        etcd.wait_until_ready().await;
        Some(etcd)
    }

    async fn wait_until_ready(&self) {
        let mut client = Client::connect([&self.endpoint], None).await.unwrap();
        for _ in 0..600 {
            if client.get("ready", None).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("etcd does not start");
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
