//! A cluster: brokers found through the bootstrap servers, requests routed to who can answer them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::metadata::{
    MetadataRequestTopic, MetadataResponse, MetadataResponseTopic,
};
use barnabas_protocol::kafka::messages::{FindCoordinatorRequest, MetadataRequest};
use parking_lot::Mutex;

use super::{ClientError, Connection};

/// How long to go on with requests that may succeed when tried again.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between attempts.
const BACKOFF: Duration = Duration::from_millis(100);

/// Connections to a cluster, opened as they are needed.
#[derive(Debug)]
pub struct Cluster {
    bootstrap: Vec<String>,
    timeout: Duration,
    /// By address.
    connections: Mutex<HashMap<String, Arc<Connection>>>,
}

impl Cluster {
    /// A cluster with these bootstrap servers, `host:port` each, separated by commas.
    pub fn new(bootstrap: &str, timeout: Duration) -> Self {
        let servers = bootstrap.split(',').map(str::trim).filter(|server| !server.is_empty());
        // As Kafka's tools, which take the address of a listener, too.
        let bare =
            |server: &'_ str| server.split_once("://").map_or(server, |(_, at)| at).to_owned();
        let with_port = |server: &str| match bare(server) {
            at if at.rsplit_once(':').is_some_and(|(_, p)| p.parse::<u16>().is_ok()) => at,
            at => format!("{at}:9092"),
        };
        Self { bootstrap: servers.map(with_port).collect(), timeout, connections: Mutex::default() }
    }

    /// A connection to any broker.
    pub async fn any(&self) -> Result<Arc<Connection>, ClientError> {
        let mut failure = None;
        for address in &self.bootstrap {
            match self.connect(address).await {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| {
            ClientError::refused(ErrorCode::InvalidRequest, Some("no bootstrap server is given"))
        }))
    }

    /// A connection to this address; an open one is used again.
    pub async fn connect(&self, address: &str) -> Result<Arc<Connection>, ClientError> {
        let known = self.connections.lock().get(address).cloned();
        if let Some(open) = known.filter(|connection| connection.is_open()) {
            return Ok(open);
        }
        let opened = Arc::new(Connection::open(address, self.timeout).await?);
        self.connections.lock().insert(address.to_owned(), Arc::clone(&opened));
        Ok(opened)
    }

    /// Asks any broker.
    pub async fn ask<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        self.any().await?.call(request).await
    }

    /// Asks the controller.
    pub async fn ask_controller<R: Request>(
        &self,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        let metadata = self.metadata(Some(&[])).await?;
        self.broker(&metadata, metadata.controller_id).await?.call(request).await
    }

    /// Asks the broker with this id.
    pub async fn ask_broker<R: Request>(
        &self,
        id: i32,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        let metadata = self.metadata(Some(&[])).await?;
        self.broker(&metadata, id).await?.call(request).await
    }

    /// Describes topics by name, or all. Does not create any.
    pub async fn metadata(&self, topics: Option<&[&str]>) -> Result<MetadataResponse, ClientError> {
        self.metadata_request(topics, false).await
    }

    /// Describes a topic whose partitions all have leaders, waiting for that and creating the topic where
    /// the broker does so on demand.
    pub async fn topic(
        &self,
        name: &str,
        create: bool,
    ) -> Result<(MetadataResponse, MetadataResponseTopic), ClientError> {
        self.patiently(async || {
            let response = self.metadata_request(Some(&[name]), create).await?;
            let topic = response.topics.first().cloned().unwrap_or_default();
            ClientError::check(topic.error_code, None)?;
            for partition in &topic.partitions {
                ClientError::check(partition.error_code, None)?;
            }
            Ok((response, topic))
        })
        .await
    }

    async fn metadata_request(
        &self,
        topics: Option<&[&str]>,
        create: bool,
    ) -> Result<MetadataResponse, ClientError> {
        let named = |name: &&str| MetadataRequestTopic {
            name: Some(Str::from(*name)),
            ..MetadataRequestTopic::default()
        };
        let request = MetadataRequest {
            topics: topics.map(|names| names.iter().map(named).collect()),
            allow_auto_topic_creation: create,
            ..MetadataRequest::default()
        };
        self.ask(&request).await
    }

    /// A connection to the broker with this id.
    pub async fn broker(
        &self,
        metadata: &MetadataResponse,
        id: i32,
    ) -> Result<Arc<Connection>, ClientError> {
        let broker = metadata.brokers.iter().find(|broker| broker.node_id == id);
        let broker =
            broker.ok_or_else(|| ClientError::refused(ErrorCode::LeaderNotAvailable, None))?;
        self.connect(&format!("{}:{}", broker.host, broker.port)).await
    }

    /// Each leader of a topic's partitions, with these.
    pub async fn leaders(
        &self,
        metadata: &MetadataResponse,
        topic: &MetadataResponseTopic,
    ) -> Result<Vec<(Arc<Connection>, Vec<i32>)>, ClientError> {
        let mut by_leader: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for partition in &topic.partitions {
            by_leader.entry(partition.leader_id).or_default().push(partition.partition_index);
        }
        let mut leaders = Vec::new();
        for (leader, partitions) in by_leader {
            leaders.push((self.broker(metadata, leader).await?, partitions));
        }
        Ok(leaders)
    }

    /// A connection to the coordinator of a consumer group.
    pub async fn coordinator(&self, group: &str) -> Result<Arc<Connection>, ClientError> {
        self.patiently(async || {
            let connection = self.any().await?;
            let keys = vec![Str::from(group)];
            let newer = connection.version::<FindCoordinatorRequest>()? >= 4;
            let request = FindCoordinatorRequest {
                key: if newer { Str::default() } else { Str::from(group) },
                coordinator_keys: if newer { keys } else { Vec::new() },
                ..FindCoordinatorRequest::default()
            };
            let found = connection.call(&request).await?;
            let (code, host, port) = match found.coordinators.first() {
                Some(one) => (one.error_code, one.host.clone(), one.port),
                None => (found.error_code, found.host.clone(), found.port),
            };
            ClientError::check(code, None)?;
            self.connect(&format!("{host}:{port}")).await
        })
        .await
    }

    /// Tries again while the error says that it may help.
    pub async fn patiently<T>(
        &self,
        attempt: impl AsyncFn() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let attempts = PATIENCE.as_millis() / BACKOFF.as_millis();
        for _ in 1..attempts {
            match attempt().await {
                // Unknown topics may be on their way, but mostly they are typing errors: do not wait for them.
                Err(error) if error.is_retriable() && !unknown_topic(&error) => {
                    tokio::time::sleep(BACKOFF).await;
                }
                done => return done,
            }
        }
        attempt().await
    }
}

fn unknown_topic(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { code: ErrorCode::UnknownTopicOrPartition, .. })
}
