//! Connections to the broker that can answer.

use std::sync::Arc;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::FindCoordinatorRequest;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

use super::{Cluster, Topic};
use crate::notice::QUIET;
use crate::{Address, ClientError, Connection};

/// A broker answers the requests of one connection one after the other. Those that it may hold back
/// go over a connection of their own, so that no other waits for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// What is answered at once.
    Requests,
    /// Fetches, which wait for records.
    Fetches,
    /// Joining a consumer group, which waits for its other members.
    Joins,
}

impl Cluster {
    /// A connection to any broker.
    ///
    /// # Errors
    /// None of those that are known can be reached.
    pub async fn any(&self) -> Result<Arc<Connection>, ClientError> {
        if let Some(open) = self.open_connection() {
            return Ok(open);
        }
        // The next is tried as soon as one has failed, or has been silent for a second.
        let mut rest = self.candidates().into_iter();
        let mut attempts = FuturesUnordered::new();
        attempts.extend(rest.next().map(|address| self.connect(Lane::Requests, address)));
        let mut failure = None;
        loop {
            let next = tokio::select! {
                done = attempts.next() => match done {
                    Some(Ok(connection)) => return Ok(connection),
                    Some(Err(error)) => {
                        failure.get_or_insert(error);
                        rest.next()
                    }
                    None => break,
                },
                () = sleep(QUIET), if rest.len() > 0 => rest.next(),
            };
            attempts.extend(next.map(|address| self.connect(Lane::Requests, address)));
        }
        Err(failure.unwrap_or_else(|| {
            ClientError::refused(ErrorCode::InvalidRequest, Some("no bootstrap server is given"))
        }))
    }

    /// The bootstrap servers, then all brokers that the cluster has named.
    fn candidates(&self) -> Vec<Address> {
        let mut candidates = self.config.bootstrap.clone();
        let known = self.known.lock();
        for address in known.brokers() {
            if !candidates.contains(address) {
                candidates.push(address.clone());
            }
        }
        candidates
    }

    fn open_connection(&self) -> Option<Arc<Connection>> {
        let connections = self.connections.lock();
        let mut usable = connections
            .iter()
            .filter(|((lane, _), connection)| *lane == Lane::Requests && connection.is_open());
        usable.next().map(|(_, connection)| Arc::clone(connection))
    }

    /// A connection to this address; an open one is used again.
    ///
    /// # Errors
    /// The broker cannot be reached.
    pub async fn connect(
        &self,
        lane: Lane,
        address: Address,
    ) -> Result<Arc<Connection>, ClientError> {
        let key = (lane, address);
        let known = self.connections.lock().get(&key).cloned();
        if let Some(open) = known.filter(|connection| connection.is_open()) {
            return Ok(open);
        }
        let opened = Arc::new(self.open(&key.1).await?);
        let mut connections = self.connections.lock();
        connections.retain(|_, connection| connection.is_open());
        connections.insert(key, Arc::clone(&opened));
        Ok(opened)
    }

    /// Opens a connection, and says so if that takes long.
    async fn open(&self, address: &Address) -> Result<Connection, ClientError> {
        let client_id = self.config.client_id.clone();
        let opening = Connection::open(address, client_id, self.config.request_timeout);
        tokio::pin!(opening);
        if let Ok(done) = timeout(QUIET, &mut opening).await {
            return done;
        }
        self.notices.silent(address);
        let done = opening.await;
        if done.is_ok() {
            self.notices.succeeded();
        }
        done
    }

    /// A connection to the broker with this id.
    ///
    /// # Errors
    /// It is not known or cannot be reached.
    pub async fn broker(&self, id: i32) -> Result<Arc<Connection>, ClientError> {
        self.broker_on(Lane::Requests, id).await
    }

    /// A connection for certain requests to the broker with this id.
    ///
    /// # Errors
    /// It is not known or cannot be reached.
    pub async fn broker_on(&self, lane: Lane, id: i32) -> Result<Arc<Connection>, ClientError> {
        let mut address = self.known.lock().broker(id);
        if address.is_none() {
            self.metadata(Some(&[])).await?;
            address = self.known.lock().broker(id);
        }
        let unknown = || ClientError::refused(ErrorCode::BrokerNotAvailable, None);
        self.connect(lane, address.ok_or_else(unknown)?).await
    }

    /// A connection to the controller.
    ///
    /// # Errors
    /// It is not known or cannot be reached.
    pub async fn controller(&self) -> Result<Arc<Connection>, ClientError> {
        let id = self.metadata(Some(&[])).await?.controller_id;
        self.broker(id).await
    }

    /// Each leader of a topic's partitions, with these.
    ///
    /// # Errors
    /// A partition has no leader, or a leader cannot be reached.
    pub async fn leaders(
        &self,
        topic: &Topic,
    ) -> Result<Vec<(Arc<Connection>, Vec<i32>)>, ClientError> {
        let mut leaders = Vec::new();
        for (leader, partitions) in topic.by_leader()? {
            leaders.push((self.broker(leader).await?, partitions));
        }
        Ok(leaders)
    }

    /// The address of the coordinator of a consumer group.
    ///
    /// # Errors
    /// No broker can be asked, or there is no coordinator yet.
    pub async fn coordinator(&self, group: &str) -> Result<Address, ClientError> {
        let connection = self.any().await?;
        let newer = connection.version::<FindCoordinatorRequest>()? >= 4;
        let (key, keys) = match newer {
            true => (Str::default(), vec![Str::from(group)]),
            false => (Str::from(group), Vec::new()),
        };
        let request = FindCoordinatorRequest {
            key,
            coordinator_keys: keys,
            ..FindCoordinatorRequest::default()
        };
        let found = connection.call(&request).await?;
        let (code, message, host, port) = match found.coordinators.first() {
            Some(one) => (one.error_code, &one.error_message, &one.host, one.port),
            None => (found.error_code, &found.error_message, &found.host, found.port),
        };
        ClientError::check(code, message.as_deref())?;
        Ok(Address::new(host, u16::try_from(port).unwrap_or(0)))
    }

    /// A connection to the coordinator of a consumer group.
    ///
    /// # Errors
    /// There is none yet, or it cannot be reached.
    pub async fn coordinator_of(&self, group: &str) -> Result<Arc<Connection>, ClientError> {
        let address = self.coordinator(group).await?;
        self.connect(Lane::Requests, address).await
    }
}
