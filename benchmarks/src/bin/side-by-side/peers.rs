//! The two brokers: how each is started, stopped and killed, on a port and in a folder of its own.
//!
//! Both run with the settings that they come with. Kafka gets the JVM options of its own start
//! script.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use barnabas_broker::env;

use crate::client::Client;

/// How long a broker may take to start, also after kill -9 with many partitions.
const START_LIMIT: Duration = Duration::from_secs(300);
/// Between two looks at a starting broker.
const LOOK: Duration = Duration::from_millis(2);
/// What bin/kafka-server-start.sh and bin/kafka-run-class.sh give the JVM.
const JVM: &[&str] = &[
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
];

/// Which broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    Barnabas,
    Kafka,
}

impl Side {
    /// As it stands in reports and folders.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Barnabas => "barnabas",
            Self::Kafka => "kafka",
        }
    }
}

/// Where the programs are, and where data goes.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The `barnabas` binary.
    pub(crate) barnabas: PathBuf,
    /// The folder with Kafka's jars.
    pub(crate) jars: Option<PathBuf>,
    /// A folder for data and logs.
    pub(crate) data: PathBuf,
}

/// A broker that runs, until it is dropped; then its data goes too.
#[derive(Debug)]
pub(crate) struct Broker {
    side: Side,
    places: Places,
    dir: PathBuf,
    port: u16,
    child: Child,
    /// From the start of the process until its first ApiVersions answer.
    pub(crate) started_in: Duration,
}

impl Broker {
    /// Starts a broker on an empty folder and waits until topics can be created.
    pub(crate) fn start(side: Side, places: &Places) -> anyhow::Result<Self> {
        let dir = places.data.join(side.name());
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir)?;
        let port = free_port()?;
        if side == Side::Kafka {
            format_kafka(places, &dir, port)?;
        }
        let (child, started_in) = launch(side, places, &dir, port)?;
        Ok(Self { side, places: places.clone(), dir, port, child, started_in })
    }

    /// Starts it again on its data, after [`Broker::stop`] or [`Broker::kill`].
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        (self.child, self.started_in) = launch(self.side, &self.places, &self.dir, self.port)?;
        Ok(())
    }

    /// Stops it in good order.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        // The shell has it built in; a program of that name is not everywhere.
        Command::new("sh").arg("-c").arg(format!("kill -TERM {}", self.pid())).status()?;
        let begun = env::now();
        while self.child.try_wait()?.is_none() {
            ensure!(begun.elapsed() < START_LIMIT, "{} does not stop", self.side.name());
            sleep(LOOK);
        }
        Ok(())
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn side(&self) -> Side {
        self.side
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `host:port` for clients.
    pub(crate) fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Client::connect(self.port)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn launch(side: Side, places: &Places, dir: &Path, port: u16) -> anyhow::Result<(Child, Duration)> {
    let log = File::options().create(true).append(true).open(log_path(side, places))?;
    // The brokers end with this process however it ends.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]);
    match side {
        Side::Barnabas => barnabas(&mut command, places, dir, port),
        Side::Kafka => {
            java(&mut command, places)?;
            command.arg("kafka.Kafka").arg(dir.join("server.properties"));
        }
    }
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).current_dir(dir);
    let begun = env::now();
    let child = command.spawn().with_context(|| format!("starting {}", side.name()))?;
    let mut starting = Starting { child: Some(child), side, begun };
    let answered = starting.wait(|| Client::connect(port).is_ok(), places)?;
    let ready = || Client::connect(port).and_then(|mut client| client.is_ready()).unwrap_or(false);
    starting.wait(ready, places)?;
    Ok((starting.child.take().context("waited for")?, answered))
}

/// A child that is killed if it does not come to serve.
struct Starting {
    child: Option<Child>,
    side: Side,
    begun: Instant,
}

impl Starting {
    fn wait(&mut self, done: impl Fn() -> bool, places: &Places) -> anyhow::Result<Duration> {
        let child = self.child.as_mut().context("a child")?;
        while !done() {
            let ended = child.try_wait()?.is_some();
            if ended || self.begun.elapsed() > START_LIMIT {
                let log = log_path(self.side, places);
                bail!("{} does not serve, see {}", self.side.name(), log.display());
            }
            sleep(LOOK);
        }
        Ok(self.begun.elapsed())
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn log_path(side: Side, places: &Places) -> PathBuf {
    places.data.join(format!("{}.log", side.name()))
}

fn barnabas(command: &mut Command, places: &Places, dir: &Path, port: u16) {
    command.arg(&places.barnabas).arg("dev");
    command.arg("--override").arg(format!("listeners=PLAINTEXT://127.0.0.1:{port}"));
    command.arg("--override").arg(format!("log.dirs={}", dir.join("data").display()));
}

fn java(command: &mut Command, places: &Places) -> anyhow::Result<()> {
    let jars = places.jars.as_ref().context("--kafka-jars is needed for Kafka")?;
    command.arg("java").args(JVM).arg("-cp").arg(jars.join("*"));
    Ok(())
}

/// Writes the settings of a single KRaft node, and prepares its folder.
fn format_kafka(places: &Places, dir: &Path, port: u16) -> anyhow::Result<()> {
    let controller = free_port()?;
    let file = dir.join("server.properties");
    let settings = format!(
        "process.roles=broker,controller\nnode.id=1\n\
         controller.quorum.voters=1@127.0.0.1:{controller}\n\
         listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
         controller.listener.names=CONTROLLER\nlog.dirs={}\n\
         offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\nshare.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\ngroup.initial.rebalance.delay.ms=0\n\
         # Deleted topics shall not fill the disk meanwhile.\n\
         log.segment.delete.delay.ms=1000\n",
        dir.join("data").display()
    );
    fs::write(&file, settings)?;
    let mut command = Command::new("env");
    java(&mut command, places)?;
    command.args(["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAQACAAAAAAAAAAA", "-c"]);
    let output = command.arg(&file).output().context("formatting Kafka's folder")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// A port that nothing listens on, and never the same twice. It lies below those that the kernel
/// gives to outgoing connections.
fn free_port() -> anyhow::Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 12_000 + (std::process::id() % 15_000) as u16;
    let mut ports = (0..4000).map(|_| first + NEXT.fetch_add(1, Ordering::Relaxed) % 4000);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).context("no free port")
}
