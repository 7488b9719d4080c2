//! A coordinator without a broker around it, and the etcd behind it.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use arc_swap::ArcSwap;
use barnabas_coordinator_client::embedded::{EmbeddedConfig, Server};
use barnabas_coordinator_client::{
    Client, ClientConfig, Expect, LeaseId, SessionState, Txn, TxnOutcome,
};
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::BrokerEpoch;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::config::{BrokerConfig, ConfigFile, Sources};
use crate::failure::Failing;
use crate::membership::{ClusterMember, Registration};
use crate::metadata::{Image, ImagePublisher, Revision};

const BROKER: BrokerId = BrokerId(1);

const SHARDS: usize = 50;

/// A revision after everything that a test writes.
pub(super) const LATER: Revision = Revision(i64::MAX);

pub(in crate::group) fn keys() -> Keys {
    Keys::new("/test")
}

enum Process {
    Etcd(Child),
    Embedded(Server),
}

/// A coordination service that can be stopped and started again.
pub(super) struct Backing {
    dir: TempDir,
    address: SocketAddr,
    process: Option<Process>,
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address")
}

impl Backing {
    pub(super) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut backing = Self { dir, address: free_address(), process: None };
        backing.resume().await;
        backing.client().ready().await.expect("etcd starts");
        backing
    }

    pub(super) async fn resume(&mut self) {
        let binary = std::env::var_os("ETCD").map_or_else(|| PathBuf::from("etcd"), PathBuf::from);
        let (client, peer) =
            (format!("http://{}", self.address), format!("http://{}", free_address()));
        let etcd = Command::new(&binary)
            .arg("--data-dir")
            .arg(self.dir.path())
            .args(["--name", "e", "--log-level", "error", "--unsafe-no-fsync"])
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .arg(format!("--initial-cluster=e={peer}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(match etcd {
            Ok(child) => Process::Etcd(child),
            Err(_) => {
                let config =
                    EmbeddedConfig { data_dir: self.dir.path().join("data"), listen: self.address };
                Process::Embedded(Server::start(config).await.expect("it starts"))
            }
        });
    }

    pub(super) async fn stop(&mut self) {
        match self.process.take() {
            Some(Process::Etcd(mut child)) => kill(&mut child),
            Some(Process::Embedded(server)) => server.shutdown().await,
            None => {}
        }
    }

    pub(super) fn client(&self) -> Client {
        let config = ClientConfig::new([format!("http://{}", self.address)]);
        Client::connect(config).expect("a valid configuration")
    }
}

fn kill(child: &mut Child) {
    child.kill().expect("it runs");
    child.wait().expect("it ends");
}

impl Drop for Backing {
    fn drop(&mut self) {
        if let Some(Process::Etcd(child)) = &mut self.process {
            kill(child);
        }
    }
}

/// A registered broker's coordinator, which serves the topics `t` and `u`.
pub(super) struct Node {
    pub(super) groups: GroupManager,
    pub(super) client: Client,
    images: ImagePublisher,
    registration: watch::Sender<Option<Registration>>,
    session: watch::Sender<SessionState>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// The configuration of tests, with more lines.
pub(in crate::group) fn config(more: &str) -> BrokerConfig {
    let text = format!("broker.id=1\ngroup.initial.rebalance.delay.ms=200\n{more}");
    let file = ConfigFile { name: "server.properties".into(), text };
    let sources = Sources { file: Some(file), ..Sources::default() };
    BrokerConfig::from_sources(&sources).expect("a valid configuration").0
}

fn image(broker: BrokerId, epoch: BrokerEpoch) -> Image {
    let image = Image::default().with_broker(broker.0, epoch.0);
    image.with_topic("t", 4, &[1]).with_topic("u", 4, &[1])
}

/// A later image without the topic `u`.
pub(super) fn without_u(image: Image) -> Image {
    Image { revision: LATER, ..image.without_topic("u") }
}

/// Registers the broker, in place of an earlier life.
pub(super) async fn register(client: &Client) -> BrokerEpoch {
    register_as(client, BROKER).await
}

async fn register_as(client: &Client, broker: BrokerId) -> BrokerEpoch {
    let key = keys().broker(broker);
    client.txn(Txn::new().delete(key.clone())).await.expect("written");
    let txn = Txn::new().expect(key.clone(), Expect::Absent).put(key, "registration");
    match client.txn(txn).await.expect("written") {
        TxnOutcome::Committed { revision } => BrokerEpoch(revision.0),
        TxnOutcome::Conflict { .. } => panic!("registered already"),
    }
}

/// How a node differs from the usual one.
pub(super) struct Options {
    pub(super) broker: BrokerId,
    /// Lines of configuration.
    pub(super) config: &'static str,
    /// Changes the image that it starts with.
    pub(super) image: fn(Image) -> Image,
    /// Waits until the groups are loaded.
    pub(super) wait: bool,
}

impl Options {
    pub(super) const USUAL: Self = Self {
        broker: BROKER,
        config: "offsets.commit.timeout.ms=1500\n",
        image: std::convert::identity,
        wait: true,
    };
}

impl Default for Options {
    fn default() -> Self {
        Self::USUAL
    }
}

impl Node {
    pub(super) async fn start(backing: &Backing) -> Self {
        Self::start_with(backing, Options::default()).await
    }

    /// A broker that knows of no other.
    pub(super) async fn start_with(backing: &Backing, options: Options) -> Self {
        let Options { broker, config: more, image: change, wait } = options;
        let client = backing.client();
        let epoch = register_as(&client, broker).await;
        let (images, handle) = ImagePublisher::new(change(image(broker, epoch)));
        let (registration, current) =
            watch::channel(Some(Registration { epoch, lease: LeaseId::NONE }));
        let (session, state) = watch::channel(SessionState::Connected);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let groups = GroupManager::start(CoordinatorParts {
            member: ClusterMember {
                client: client.clone(),
                keys: keys(),
                broker,
                registration: current,
                image: handle,
            },
            shards: SHARDS,
            session: state,
            config: Arc::new(ArcSwap::from_pointee(config(more))),
            tasks: tasks.clone(),
            stop: stop.clone(),
            failing: Failing::default(),
        });
        let node = Self { groups, client, images, registration, session, stop, tasks };
        if wait {
            node.ready().await;
        }
        node
    }

    /// Waits until the groups are loaded.
    pub(super) async fn ready(&self) {
        for _ in 0..3_000 {
            let found = self.groups.fetch("g".into(), None).await;
            if !matches!(found, Err(GroupError::Loading | GroupError::NotCoordinator)) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the groups are not loaded");
    }

    pub(super) async fn restart(self, backing: &Backing) -> Self {
        self.restart_with(backing, Options::default()).await
    }

    pub(super) async fn restart_with(self, backing: &Backing, options: Options) -> Self {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        Self::start_with(backing, options).await
    }

    /// Makes a new life of the broker known.
    pub(super) fn publish(&self, epoch: BrokerEpoch) {
        self.registration.send_replace(Some(Registration { epoch, lease: LeaseId::NONE }));
        self.images.publish(image(BROKER, epoch));
    }

    pub(super) fn publish_without_broker(&self) {
        self.images.publish(Image::default());
    }

    /// Publishes another image of the same brokers.
    pub(super) fn publish_changed(&self, change: fn(Image) -> Image) {
        let epoch = self.registration.borrow().expect("registered").epoch;
        self.images.publish(change(image(BROKER, epoch)));
    }

    /// The session with etcd enters this state.
    pub(super) fn session(&self, state: SessionState) {
        self.session.send_replace(state);
    }

    /// Writes the key of a topic to etcd.
    pub(super) async fn write_topic(&self, topic: &str) {
        let txn = Txn::new().put(keys().topic(topic), "a topic");
        self.client.txn(txn).await.expect("written");
    }

    /// The keys of groups that etcd holds, without the prefix.
    pub(super) async fn kept(&self) -> Vec<String> {
        let prefix = keys().groups();
        let entries = self.client.list(&prefix).await.expect("listed").entries;
        let text = |key: &[u8]| String::from_utf8_lossy(&key[prefix.len()..]).into_owned();
        entries.iter().map(|entry| text(&entry.key)).collect()
    }
}
