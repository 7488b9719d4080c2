//! A cluster: brokers found through the bootstrap servers, requests routed to the broker that can
//! answer them.

mod known;
mod route;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::codec::Request;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::MetadataRequest;
use barnabas_protocol::kafka::messages::metadata::{MetadataRequestTopic, MetadataResponse};
use parking_lot::Mutex;

use self::known::Known;
pub use self::known::Topic;
pub use self::route::Lane;
use crate::clock::now;
use crate::notice::Notices;
use crate::retry::Attempts;
use crate::{Address, ClientError, Connection, Notice};

/// How long a topic may take to appear that a broker was asked to create.
const CREATION: Duration = Duration::from_secs(5);

/// How to reach a cluster.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Brokers to start from.
    pub bootstrap: Vec<Address>,
    /// The name to give to brokers (`client.id`).
    pub client_id: Str,
    /// How long a broker may take to answer (`request.timeout.ms`).
    pub request_timeout: Duration,
    /// How long to try again what may succeed later (`default.api.timeout.ms`); none for ever.
    pub retry_for: Option<Duration>,
}

/// Connections to a cluster, opened as they are needed.
#[derive(Debug)]
pub struct Cluster {
    config: ClusterConfig,
    connections: Mutex<HashMap<(Lane, Address), Arc<Connection>>>,
    known: Mutex<Known>,
    notices: Notices,
}

impl Cluster {
    /// A cluster to which nothing is connected yet. `listener` hears what should be said while an
    /// operation is tried.
    pub fn new(config: ClusterConfig, listener: impl Fn(Notice) + Send + Sync + 'static) -> Self {
        Self {
            config,
            connections: Mutex::default(),
            known: Mutex::default(),
            notices: Notices::new(listener),
        }
    }

    /// Tries again for this long, or for ever, what may succeed later.
    #[must_use]
    pub fn retrying_for(mut self, retry_for: Option<Duration>) -> Self {
        self.config.retry_for = retry_for;
        self
    }

    /// Asks any broker.
    ///
    /// # Errors
    /// None can be reached, or it does not answer.
    pub async fn ask<R: Request>(&self, request: &R) -> Result<R::Response, ClientError> {
        self.any().await?.call(request).await
    }

    /// Asks the controller.
    ///
    /// # Errors
    /// It is not known, cannot be reached, or does not answer.
    pub async fn ask_controller<R: Request>(
        &self,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        self.controller().await?.call(request).await
    }

    /// Asks the broker with this id.
    ///
    /// # Errors
    /// It is not known, cannot be reached, or does not answer.
    pub async fn ask_broker<R: Request>(
        &self,
        id: i32,
        request: &R,
    ) -> Result<R::Response, ClientError> {
        self.broker(id).await?.call(request).await
    }

    /// Describes topics by name, or all, and the brokers. Does not create any.
    ///
    /// # Errors
    /// No broker can be reached, or it does not answer.
    pub async fn metadata(&self, topics: Option<&[&str]>) -> Result<MetadataResponse, ClientError> {
        self.metadata_request(topics, false).await
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
        let response = self.ask(&request).await?;
        self.known.lock().update(&response);
        Ok(response)
    }

    /// A topic whose partitions all have leaders, waiting for that. With `create` a broker is asked
    /// to create a topic that does not exist, as a Kafka client does, and the listener hears of it.
    ///
    /// # Errors
    /// The topic does not exist, or it takes too long.
    pub async fn topic(&self, name: &str, create: bool) -> Result<Arc<Topic>, ClientError> {
        match self.existing(name).await {
            Err(error) if create && unknown_topic(&error) => self.create(name).await,
            found => found,
        }
    }

    async fn existing(&self, name: &str) -> Result<Arc<Topic>, ClientError> {
        self.retry(async || self.describe(name, false).await).await
    }

    async fn create(&self, name: &str) -> Result<Arc<Topic>, ClientError> {
        let mut attempts = Attempts::new(now(), Some(CREATION));
        loop {
            match self.describe(name, true).await {
                // Brokers answer so until they know of the topic that they have created.
                Err(error) if error.is_retriable() => match attempts.next(now()) {
                    Some(next) => tokio::time::sleep_until(next).await,
                    None => return Err(error),
                },
                Err(error) => return Err(error),
                Ok(topic) => {
                    let (topic_name, partitions) = (name.to_owned(), topic.len());
                    self.notices.say(Notice::TopicCreated { topic: topic_name, partitions });
                    return Ok(topic);
                }
            }
        }
    }

    async fn describe(&self, name: &str, create: bool) -> Result<Arc<Topic>, ClientError> {
        let response = self.metadata_request(Some(&[name]), create).await?;
        for topic in &response.topics {
            ClientError::check(topic.error_code, None)?;
            for partition in &topic.partitions {
                ClientError::check(partition.error_code, None)?;
            }
        }
        let unknown = || ClientError::refused(ErrorCode::UnknownTopicOrPartition, None);
        self.known.lock().topic(name).ok_or_else(unknown)
    }

    /// A topic as it was last described; asks where nothing is known.
    ///
    /// # Errors
    /// It is not known, and a broker cannot be asked or does not know it either.
    pub async fn known_topic(&self, name: &str) -> Result<Arc<Topic>, ClientError> {
        let known = self.known.lock().topic(name);
        match known {
            Some(topic) => Ok(topic),
            None => self.describe(name, false).await,
        }
    }

    /// Asks again about a topic when it is needed next: a broker has said that it does not lead
    /// there.
    pub fn forget_topic(&self, name: &str) {
        self.known.lock().forget(name);
    }

    /// Tries again while the error says that it may help, and as long as the configuration allows.
    /// A topic that does not exist is not waited for: mostly it is a typing error.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn retry<T>(
        &self,
        mut attempt: impl AsyncFnMut() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let mut attempts = Attempts::new(now(), self.config.retry_for);
        loop {
            let error = match attempt().await {
                Err(error) if error.is_retriable() && !unknown_topic(&error) => error,
                Err(error) => return Err(error),
                Ok(done) => {
                    self.notices.succeeded();
                    return Ok(done);
                }
            };
            let Some(next) = attempts.next(now()) else { return Err(error) };
            self.notices.failed(now(), &error);
            tokio::time::sleep_until(next).await;
        }
    }

    /// How long a broker may take to answer.
    pub fn request_timeout(&self) -> Duration {
        self.config.request_timeout
    }

    /// How long to go on with what may succeed later.
    pub(crate) fn retry_for(&self) -> Option<Duration> {
        self.config.retry_for
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.notices
    }
}

fn unknown_topic(error: &ClientError) -> bool {
    error.code() == Some(ErrorCode::UnknownTopicOrPartition)
}
