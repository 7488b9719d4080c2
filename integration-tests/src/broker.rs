//! A Barnabas broker: the binary that `cargo build --release` put beside the test programs, as
//! users run it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::process::Process;
use crate::{ports, wait};

const START_LIMIT: Duration = Duration::from_secs(60);

/// How a broker is to be started.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// `node.id`.
    pub id: i32,
    /// `host:port` of an etcd; none means `barnabas dev` with its embedded coordinator.
    pub etcd: Option<String>,
    /// More `key=value` settings.
    pub overrides: Vec<String>,
    /// The files that the process may open (`ulimit -n`), if not as many as this one.
    pub open_files: Option<u32>,
    /// A port on which it listens on all addresses of IPv6 and IPv4, too.
    pub any_address_port: Option<u16>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            id: 1,
            etcd: None,
            overrides: Vec::new(),
            open_files: None,
            any_address_port: None,
            env: Vec::new(),
        }
    }
}

/// A broker process; gone with its data on drop.
#[derive(Debug)]
pub struct BrokerProcess {
    process: Process,
    options: BrokerOptions,
    port: u16,
    dir: TempDir,
}

impl BrokerProcess {
    /// `barnabas dev` on its embedded coordinator, serving.
    ///
    /// # Panics
    /// When it does not come to serve.
    #[must_use]
    pub fn dev() -> Self {
        Self::start(BrokerOptions::default()).expect("barnabas dev starts")
    }

    /// A broker with these options, serving.
    ///
    /// # Errors
    /// When it cannot be started or ends instead of serving.
    pub fn start(options: BrokerOptions) -> Result<Self> {
        let mut broker = Self::launch(options)?;
        broker.wait_until_serving()?;
        Ok(broker)
    }

    /// Starts the process and does not wait, for brokers that are expected to refuse to run.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(options: BrokerOptions) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let port = ports::free();
        let process = spawn(&options, port, dir.path())?;
        Ok(Self { process, options, port, dir })
    }

    /// Starts it again on the same data and port, after it was killed or ended.
    ///
    /// # Errors
    /// When it cannot be started or ends instead of serving.
    pub fn restart(&mut self) -> Result<()> {
        self.process.kill();
        self.process = spawn(&self.options, self.port, self.dir.path())?;
        self.wait_until_serving()
    }

    /// Waits until the broker names itself and a controller in Metadata.
    ///
    /// # Errors
    /// When the process ended, or does not serve in time.
    fn wait_until_serving(&mut self) -> Result<()> {
        let port = self.port;
        let process = &mut self.process;
        let ended = wait::until(START_LIMIT, "the broker to serve", || {
            if let Some(status) = process.ended() {
                return Some(Some(status));
            }
            serves(port).unwrap_or(false).then_some(None)
        });
        match ended {
            Some(status) => bail!("the broker ended with {status}:\n{}", self.process.log()),
            None => Ok(()),
        }
    }

    /// `127.0.0.1:PORT` for clients.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Whether it answers and knows itself and a controller.
    #[must_use]
    pub fn serves(&self) -> bool {
        serves(self.port).unwrap_or(false)
    }

    /// The process itself, to kill, to signal, or to read its log.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Where the broker keeps its data.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }
}

fn spawn(options: &BrokerOptions, port: u16, dir: &Path) -> Result<Process> {
    let own = format!("PLAINTEXT://127.0.0.1:{port}");
    let any = |host| options.any_address_port.map(|port| format!(",ANY://{host}:{port}"));
    let mut settings = vec![
        format!("node.id={}", options.id),
        format!("listeners={own}{}", any("[::]").unwrap_or_default()),
        format!("log.dirs={}", dir.join("data").display()),
    ];
    if let Some(any) = any("[::1]") {
        settings.push(format!("advertised.listeners={own}{any}"));
        settings.push("listener.security.protocol.map=PLAINTEXT:PLAINTEXT,ANY:PLAINTEXT".into());
    }
    settings.extend(options.overrides.iter().cloned());
    let mut command = match options.open_files {
        None => Command::new(binary()?),
        Some(files) => {
            let mut shell = Command::new("sh");
            let limited = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
            shell.arg("-c").arg(limited).arg(binary()?);
            shell
        }
    };
    command.current_dir(dir);
    command.envs(options.env.iter().cloned());
    match &options.etcd {
        Some(endpoint) => {
            settings.push(format!("etcd.endpoints={endpoint}"));
            let file = dir.join("server.properties");
            std::fs::write(&file, settings.join("\n") + "\n")?;
            command.arg("broker").arg("--config").arg(file);
        }
        None => {
            command.arg("dev");
            for setting in settings {
                command.arg("--override").arg(setting);
            }
        }
    }
    Process::start(&format!("broker {}", options.id), command, &dir.join("log"))
}

/// The binary under test: `BARNABAS_BIN`, or `barnabas` where cargo puts what it builds in this
/// profile.
///
/// # Errors
/// When it has not been built.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("BARNABAS_BIN") {
        return Ok(path.into());
    }
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).context("the test program has no folder")?;
    let path = folder.join("barnabas");
    ensure!(path.exists(), "no {}: run `cargo build --release` first", path.display());
    Ok(path)
}

/// Asks for Metadata (version 1, no topics): true once it names a broker and the controller.
fn serves(port: u16) -> Result<bool> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    // length 14, api key 3, version 1, correlation id 1, no client id, no topics
    stream.write_all(&[0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0, 0, 0, 0])?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length))?.min(65_536)];
    stream.read_exact(&mut answer)?;
    let count = i32::from_be_bytes(answer.get(4..8).context("short")?.try_into()?);
    // Without a topic, the answer ends in the controller id and an empty array.
    let end = answer.len().checked_sub(8).context("short")?;
    let controller = i32::from_be_bytes(answer[end..end + 4].try_into()?);
    Ok(count > 0 && controller >= 0)
}
