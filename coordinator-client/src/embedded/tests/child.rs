//! A server in a process of its own, to be killed.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use super::support;

const DIRECTORY: &str = "BARNABAS_EMBEDDED_CHILD_DIR";
const READY: &str = "embedded child at ";

/// Not a test: what [`ChildServer`] runs.
#[tokio::test]
#[ignore = "run by other tests as a process of its own"]
async fn serve_as_child() {
    let Ok(dir) = std::env::var(DIRECTORY) else { return };
    let server = support::start(Path::new(&dir)).await;
    println!("\n{READY}{}", server.endpoint());
    std::future::pending::<()>().await;
}

/// Killed (-9) when dropped.
pub(super) struct ChildServer {
    process: Child,
    pub(super) endpoint: String,
}

impl ChildServer {
    /// Starts one with its data in `dir`; `wrap` may put a command in front of it.
    pub(super) fn start(dir: &Path, wrap: impl FnOnce(&Path) -> Command) -> Self {
        let mut process = wrap(&std::env::current_exe().unwrap())
            .args(["--exact", "embedded::tests::child::serve_as_child", "--ignored", "--nocapture"])
            .env(DIRECTORY, dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut ready = lines.map_while(Result::ok).filter_map(|line| {
            line.find(READY).map(|at| line[at + READY.len()..].trim().to_owned())
        });
        let endpoint = ready.next().expect("the child server says where it listens");
        Self { process, endpoint }
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(super) async fn client(&self) -> etcd_client::Client {
        etcd_client::Client::connect([&self.endpoint], None).await.unwrap()
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
