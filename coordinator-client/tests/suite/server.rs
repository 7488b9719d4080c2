//! Servers under test.

use super::{PATIENCE, config};
use barnabas_coordinator_client::{
    Client,
    embedded::{self, EmbeddedConfig},
};
use std::{
    env,
    ffi::OsString,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use tempfile::TempDir;

/// A server of its own, on ports and in a directory of its own.
pub(crate) struct Server {
    endpoint: String,
    kind: Kind,
}

enum Kind {
    Etcd(EtcdProcess),
    Embedded { data: TempDir, running: Option<embedded::Server> },
}

impl Server {
    /// Starts a real etcd, if there is one.
    pub(crate) async fn etcd() -> Option<Self> {
        let process = EtcdProcess::new(Vec::new(), "http")?;
        let mut server = Self { endpoint: process.endpoint.clone(), kind: Kind::Etcd(process) };
        server.start().await;
        Some(server)
    }

    /// Starts an embedded server.
    pub(crate) async fn embedded() -> Option<Self> {
        let endpoint = format!("http://127.0.0.1:{}", free_port());
        let data = TempDir::new().expect("a temporary directory");
        let mut server = Self { endpoint, kind: Kind::Embedded { data, running: None } };
        server.start().await;
        Some(server)
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Starts it again with what it has stored.
    pub(crate) async fn start(&mut self) {
        self.start_with(&super::client(&self.endpoint)).await;
    }

    /// The same for a server that wants to know who asks.
    pub(crate) async fn start_with(&mut self, client: &Client) {
        match &mut self.kind {
            Kind::Etcd(process) => process.start(),
            Kind::Embedded { data, running } => {
                let listen = self.endpoint.trim_start_matches("http://").parse();
                let config = EmbeddedConfig {
                    data_dir: data.path().to_owned(),
                    listen: listen.expect("an address"),
                };
                let server = embedded::Server::start(config).await;
                *running = Some(server.expect("the embedded server must start"));
            }
        }
        wait_for(client).await;
    }

    /// Ends it: etcd by a kill, the embedded server as it is ended with the process around it.
    pub(crate) async fn stop(&mut self) {
        match &mut self.kind {
            Kind::Etcd(process) => process.kill(),
            Kind::Embedded { running, .. } => {
                running.take().expect("a running server").shutdown().await;
            }
        }
    }

    /// The process of a real etcd.
    pub(crate) fn process(&self) -> &EtcdProcess {
        match &self.kind {
            Kind::Etcd(process) => process,
            Kind::Embedded { .. } => panic!("the embedded server has no process"),
        }
    }

    /// A client of this library.
    pub(crate) fn client(&self) -> Client {
        super::client(&self.endpoint)
    }

    /// A plain etcd client, for what this library does not do.
    pub(crate) async fn raw(&self) -> etcd_client::Client {
        etcd_client::Client::connect([&self.endpoint], None).await.expect("a valid endpoint")
    }
}

/// Waits until a server answers.
pub(crate) async fn wait_for(client: &Client) {
    let answered = async { while client.ready().await.is_err() {} };
    tokio::time::timeout(PATIENCE, answered).await.expect("the server must come up");
}

/// An etcd process with one member, killed when this is dropped.
pub(crate) struct EtcdProcess {
    program: OsString,
    arguments: Vec<String>,
    pub(crate) endpoint: String,
    directory: TempDir,
    child: Option<Child>,
}

impl EtcdProcess {
    /// Prepares one, or says why there is none.
    pub(crate) fn new(arguments: Vec<String>, scheme: &str) -> Option<Self> {
        let Some(program) = etcd_program() else {
            eprintln!("skipped: there is no etcd; install it or name one in ETCD_BIN");
            return None;
        };
        let directory = TempDir::new().expect("a temporary directory");
        let endpoint = format!("{scheme}://127.0.0.1:{}", free_port());
        Some(Self { program, arguments, endpoint, directory, child: None })
    }

    pub(crate) fn start(&mut self) {
        let peer = format!("http://127.0.0.1:{}", free_port());
        let log = std::fs::File::create(self.directory.path().join("log")).expect("a log file");
        let child = Command::new(&self.program)
            .args(["--name", "one", "--logger", "zap", "--data-dir"])
            .arg(self.directory.path().join("data"))
            .args(["--listen-client-urls", &self.endpoint])
            .args(["--advertise-client-urls", &self.endpoint])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &format!("one={peer}")])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("etcd must start");
        self.child = Some(child);
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("own child");
            child.wait().expect("own child");
        }
    }

    /// Stops the process from running, as on a machine that hangs.
    pub(crate) fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets a paused process run.
    pub(crate) fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let child = self.child.as_ref().expect("a running etcd");
        // The shell has it built in; a program of that name is not everywhere.
        let sent =
            Command::new("sh").arg("-c").arg(format!("kill {signal} {}", child.id())).status();
        assert!(sent.expect("sh").success());
    }
}

impl Drop for EtcdProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.directory.path().join("log"));
            let log = log.unwrap_or_default();
            let lines: Vec<_> = log.lines().rev().take(20).collect();
            eprintln!("the last lines of etcd's log, newest first:\n{}", lines.join("\n"));
        }
        self.kill();
    }
}

fn etcd_program() -> Option<OsString> {
    if let Some(program) = env::var_os("ETCD_BIN").filter(|name| !name.is_empty()) {
        return Some(program);
    }
    let path = env::var_os("PATH")?;
    let found: Option<PathBuf> =
        env::split_paths(&path).map(|dir| dir.join("etcd")).find(|file| file.is_file());
    found.map(PathBuf::into_os_string)
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("a bound listener").port()
}

/// A client of several endpoints, the first of which is tried first as often as not.
pub(crate) fn client_of(endpoints: &[String]) -> Client {
    Client::connect(config(endpoints)).expect("a valid configuration")
}
