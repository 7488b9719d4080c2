//! As much of a broker as the controller needs.

use std::time::{Duration, Instant};

use barnabas_broker::controller::{
    Controller, ControllerHandle, ControllerOptions, ControllerParts, CreateTopicError,
    CreatedTopic, NewTopic,
};
use barnabas_broker::failure::Failing;
use barnabas_broker::membership::{
    BrokerIdentity, ClusterMember, Registrar, Registration, RegistrationError,
};
use barnabas_broker::metadata::{EndpointImage, Image, ImageHandle, Revision, Watcher};
use barnabas_coordinator_client::{Client, SessionConfig};
use barnabas_protocol::state::Keys;
use barnabas_protocol::state::ids::BrokerId;
use uuid::Uuid;

pub(crate) const TTL: Duration = Duration::from_secs(3);

pub(crate) struct Node {
    pub(crate) registrar: Registrar,
    pub(crate) member: ClusterMember,
    pub(crate) watcher: Watcher,
    pub(crate) controller: Controller,
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
        previous_epoch: None,
    }
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
        let registrar =
            Registrar::start(client, &keys(), identity, config, &Failing::default()).await?;
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
                delete_topic_enable: true,
                max_replicas: 3,
            },
            failing: Failing::default(),
        });
        Ok(Self { registrar, watcher, member, controller })
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
    pub(crate) async fn until(&self, wanted: impl FnMut(&Image) -> bool) -> std::sync::Arc<Image> {
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
