//! As much of a broker as the controller needs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use barnabas_broker::controller::{
    Controller, ControllerHandle, ControllerOptions, ControllerParts, CreateTopicError,
    CreatedTopic, NewTopic,
};
use barnabas_broker::failure::Failing;
use barnabas_broker::log::DirCondition;
use barnabas_broker::membership::{
    BrokerIdentity, ClusterMember, LifeFile, Registrar, Registration, RegistrationError,
};
use barnabas_broker::metadata::{EndpointImage, Image, ImageHandle, Revision, Watcher};
use barnabas_coordinator_client::{Client, SessionConfig};
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::BrokerId;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub(crate) const TTL: Duration = Duration::from_secs(3);

pub(crate) struct Node {
    pub(crate) registrar: Registrar,
    pub(crate) member: ClusterMember,
    pub(crate) watcher: Watcher,
    pub(crate) controller: Controller,
    _stop: DropGuard,
}

pub(crate) fn keys() -> Keys {
    Keys::new("/barnabas")
}

pub(crate) fn identity(id: i32, data_dir: u128) -> BrokerIdentity {
    BrokerIdentity {
        id: BrokerId(id),
        incarnation: Uuid::new_v4(),
        data_dir_id: Uuid::from_u128(data_dir),
        endpoints: vec![EndpointImage {
            listener: "PLAINTEXT".into(),
            security_protocol: "PLAINTEXT".into(),
            host: "localhost".into(),
            port: 9092,
        }],
        rack: None,
        highest_revision: Revision(0),
        earlier_lives_ended: true,
        expiry_patience: 2 * TTL,
    }
}

/// What the data directory knows of earlier nodes with this etcd, none of which lost anything.
fn life(client: &Client, data_dir: u128) -> Arc<LifeFile> {
    let port = client.config().endpoints[0].rsplit(':').next().unwrap().to_owned();
    let name = format!("lives-{}-{port}-{data_dir}", std::process::id());
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).unwrap();
    let found =
        DirCondition { is_new: false, is_copy: false, keeps_unsynced: true, wal_is_whole: true };
    Arc::new(LifeFile::judge(&dir, found).unwrap())
}

impl Node {
    pub(crate) async fn start(
        client: &Client,
        id: i32,
        data_dir: u128,
    ) -> Result<Self, RegistrationError> {
        let identity = identity(id, data_dir);
        let incarnation = identity.incarnation;
        let config = SessionConfig { ttl: TTL };
        let (life, failing) = (life(client, data_dir), Failing::default());
        let registrar =
            Registrar::start(client, &keys(), identity, &life, config, &failing).await?;
        let watcher = Watcher::start(client, &keys(), &Failing::default());
        let member = ClusterMember {
            client: client.clone(),
            keys: keys(),
            broker: BrokerId(id),
            registration: registrar.current(),
            image: watcher.image(),
        };
        let controller = Controller::start(ControllerParts {
            member: member.clone(),
            incarnation,
            options: ControllerOptions {
                num_partitions: 3,
                default_replication_factor: 1,
                min_isr: 1,
                unclean: false,
                delete_topic_enable: true,
                max_replicas: 3,
            },
            failing: Failing::default(),
        });
        let stop = CancellationToken::new();
        tokio::spawn(member.clone().announce_ready(stop.clone()));
        let node = Self { registrar, watcher, member, controller, _stop: stop.drop_guard() };
        node.until(|image| image.eligible(BrokerId(id))).await;
        Ok(node)
    }

    /// Starts and waits until this node is the controller.
    pub(crate) async fn start_as_controller(client: &Client, id: i32, data_dir: u128) -> Self {
        let node = Self::start(client, id, data_dir).await.unwrap();
        node.until(|image| image.controller == Some(BrokerId(id))).await;
        node
    }

    pub(crate) fn handle(&self) -> ControllerHandle {
        self.controller.handle()
    }

    pub(crate) fn image(&self) -> ImageHandle {
        self.watcher.image()
    }

    pub(crate) fn registration(&self) -> Registration {
        self.registrar.current().borrow().unwrap()
    }

    /// Waits until the image is as wanted.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Image) -> bool) -> Arc<Image> {
        let image = self.image();
        let waiting = image.wait_until(wanted);
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("in time").unwrap()
    }

    /// Creates one topic and waits until the image shows it.
    pub(crate) async fn create(&self, topic: NewTopic) -> Result<CreatedTopic, CreateTopicError> {
        let created = self.handle().create_topics(vec![topic], false, soon()).await.remove(0)?;
        self.until(|image| image.revision >= created.revision).await;
        Ok(created)
    }

    /// Ends as a killed process does: the lease is neither revoked nor renewed.
    pub(crate) fn kill(self) {}
}

pub(crate) fn topic(name: &str, partitions: i32) -> NewTopic {
    NewTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: 1,
        ..NewTopic::default()
    }
}

#[allow(clippy::disallowed_methods)]
pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}
