//! Joins the cluster: registers the broker, and starts what needs the registration.

use std::sync::Arc;
use std::time::Duration;

use barnabas_coordinator_client::SessionConfig;
use barnabas_protocol::kafka::Str;

use super::StartError;
use super::open::Opened;
use crate::config::BrokerConfig;
use crate::controller::{Controller, ControllerOptions, ControllerParts};
use crate::env;
use crate::failure::Failing;
use crate::membership::{BrokerIdentity, ClusterMember, Registrar, Registration};
use crate::metadata::{EndpointImage, Watcher};
use crate::net::host_name;

/// How much later than its time to live a lease may expire.
const EXPIRY_MARGIN: Duration = Duration::from_secs(2);

/// What this broker is in the cluster.
#[derive(Debug)]
pub(super) struct Membership {
    pub(super) registrar: Registrar,
    pub(super) watcher: Watcher,
    pub(super) member: ClusterMember,
    pub(super) controller: Controller,
    pub(super) registration: Registration,
}

impl Membership {
    pub(super) async fn new(
        config: &Arc<BrokerConfig>,
        opened: &Opened,
        failing: &Failing,
    ) -> Result<Self, StartError> {
        let (client, keys) = (&opened.client, &opened.keys);
        let identity = identity(config, opened).await;
        let incarnation = identity.incarnation;
        let session = SessionConfig { ttl: config.etcd.lease_ttl };
        let life = &opened.data.life;
        let registrar = Registrar::start(client, keys, identity, life, session, failing).await?;
        let registration = registrar.current().borrow().ok_or(StartError::Stopped)?;
        let watcher = Watcher::start(client, keys, failing);
        let member = ClusterMember {
            client: client.clone(),
            keys: keys.clone(),
            broker: config.broker_id,
            registration: registrar.current(),
            image: watcher.image(),
        };
        let controller = Controller::start(ControllerParts {
            member: member.clone(),
            incarnation,
            options: ControllerOptions::new(config),
            failing: failing.clone(),
        });
        Ok(Self { registrar, watcher, member, controller, registration })
    }
}

async fn identity(config: &BrokerConfig, opened: &Opened) -> BrokerIdentity {
    let advertised = &config.advertised_listeners;
    // Only if it is needed: name servers may be slow.
    let machine = match advertised.iter().any(|listener| listener.host.is_empty()) {
        true => host_name::canonical().await,
        false => String::new(),
    };
    let endpoints = advertised.iter().map(|advertised| {
        let bound = opened.sockets.iter().find(|(listener, _)| listener.name == advertised.name);
        let given = bound.and_then(|(_, socket)| socket.local_addr().ok()).map(|at| at.port());
        EndpointImage {
            listener: Str::from(&*advertised.name),
            security_protocol: Str::from(advertised.security_protocol.name()),
            host: Str::from(match advertised.host.as_str() {
                "" => machine.as_str(),
                host => host,
            }),
            port: if advertised.port == 0 { given.unwrap_or(0) } else { advertised.port },
        }
    });
    BrokerIdentity {
        id: config.broker_id,
        incarnation: env::random_uuid(),
        data_dir_id: opened.meta.directory_id,
        endpoints: endpoints.collect(),
        rack: config.broker_rack.clone(),
        highest_revision: opened.seen.revision,
        earlier_lives_ended: opened.data.found.keeps_unsynced,
        expiry_patience: 2 * config.etcd.lease_ttl + EXPIRY_MARGIN,
    }
}
