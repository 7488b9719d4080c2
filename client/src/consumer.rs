//! Reads partitions, as whole batches whose bytes are never copied: one fetch at a time from each
//! leader.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::{FetchPartition, FetchTopic, PartitionData};
use barnabas_protocol::kafka::messages::{FetchRequest, FetchResponse};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use crate::clock::now;
use crate::retry::Attempts;
use crate::{ByPartition, ClientError, Cluster, Lane, PartitionSet};

/// How much to fetch at once and how long to wait for it.
#[derive(Clone, Copy, Debug)]
pub struct FetchLimits {
    /// Bytes in one answer, and of one partition in it.
    pub max_bytes: i32,
    /// How long a broker may wait for records, in ms.
    pub max_wait_ms: i32,
    /// Leave out the records of transactions that are open or were aborted.
    pub read_committed: bool,
}

/// What a leader has of a partition: batches from the position on, or that the position is out of
/// range. The first batch may begin before the position.
#[derive(Debug)]
pub struct Fetched {
    /// The topic.
    pub topic: Str,
    /// Batches, or an error code.
    pub data: PartitionData,
}

/// A fetch that was answered.
#[derive(Debug)]
struct Answered {
    leader: i32,
    /// The positions that it asked for, by topic.
    asked: ByPartition<i64>,
    topics: BTreeMap<Uuid, Str>,
    outcome: Result<FetchResponse, ClientError>,
}

/// A reader of partitions.
///
/// All futures that it returns may be dropped at any moment: what is on its way stays on its way.
#[derive(Debug)]
pub struct Consumer {
    cluster: Arc<Cluster>,
    limits: FetchLimits,
    /// The next offset to read.
    positions: ByPartition<i64>,
    fetching: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// The leaders that have a fetch.
    busy: Vec<i32>,
    /// Since the last success.
    attempts: Option<Attempts>,
    paused_until: Option<Instant>,
}

impl Consumer {
    /// A reader without partitions.
    pub fn new(cluster: Arc<Cluster>, limits: FetchLimits) -> Self {
        Self {
            cluster,
            limits,
            positions: ByPartition::default(),
            fetching: FuturesUnordered::new(),
            busy: Vec::new(),
            attempts: None,
            paused_until: None,
        }
    }

    /// Reads a partition from this offset on; or goes on there.
    pub fn seek(&mut self, topic: Str, index: i32, offset: i64) {
        self.positions.insert(topic, index, offset);
    }

    /// Stops reading partitions.
    pub fn drop_partitions(&mut self, partitions: &PartitionSet) {
        self.positions.retain(|topic, index, _| !partitions.contains(topic, index));
    }

    /// The next offset to read of each partition.
    pub fn positions(&self) -> &ByPartition<i64> {
        &self.positions
    }

    /// Waits until a leader has answered. The position is for the caller to move on, by
    /// [`Consumer::seek`].
    ///
    /// Leaders that move and brokers that go away are followed and waited for, as long as the
    /// cluster's configuration allows.
    ///
    /// # Errors
    /// It is time to give up, or the error cannot pass.
    pub async fn poll(&mut self) -> Result<Vec<Fetched>, ClientError> {
        loop {
            if let Some(pause) = self.paused_until {
                sleep_until(pause).await;
                self.paused_until = None;
            }
            if let Err(error) = self.send_fetches().await {
                self.failed(error)?;
                continue;
            }
            let Some(answered) = self.fetching.next().await else {
                // Without partitions there is nothing to wait for.
                return std::future::pending().await;
            };
            self.busy.retain(|leader| *leader != answered.leader);
            match self.take(answered) {
                Ok(fetched) => {
                    if self.attempts.take().is_some() {
                        self.cluster.notices().succeeded();
                    }
                    if !fetched.is_empty() {
                        return Ok(fetched);
                    }
                }
                Err(error) => self.failed(error)?,
            }
        }
    }

    /// Waits a little before the next attempt, or gives up.
    fn failed(&mut self, error: ClientError) -> Result<(), ClientError> {
        if !error.is_retriable() {
            return Err(error);
        }
        let (now, retry_for) = (now(), self.cluster.retry_for());
        let attempts = self.attempts.get_or_insert_with(|| Attempts::new(now, retry_for));
        let Some(next) = attempts.next(now) else { return Err(error) };
        self.cluster.notices().failed(now, &error);
        self.paused_until = Some(next);
        Ok(())
    }

    /// Sends a fetch to each leader that has none.
    async fn send_fetches(&mut self) -> Result<(), ClientError> {
        let mut by_leader: BTreeMap<i32, ByPartition<i64>> = BTreeMap::new();
        let mut topics = BTreeMap::new();
        for (name, partitions) in self.positions.topics() {
            let topic = self.cluster.known_topic(name).await?;
            topics.insert(topic.id, name.clone());
            for (index, position) in partitions {
                let leader =
                    topic.leader(*index).inspect_err(|_| self.cluster.forget_topic(name))?;
                by_leader.entry(leader).or_default().insert(name.clone(), *index, *position);
            }
        }
        for (leader, asked) in by_leader {
            if !self.busy.contains(&leader) {
                self.busy.push(leader);
                let fetch =
                    fetch(Arc::clone(&self.cluster), self.limits, leader, asked, topics.clone());
                self.fetching.push(Box::pin(fetch));
            }
        }
        Ok(())
    }

    /// What is still wanted of an answer.
    fn take(&self, answered: Answered) -> Result<Vec<Fetched>, ClientError> {
        let Answered { asked, topics, outcome, .. } = answered;
        let forget = || asked.topics().for_each(|(name, _)| self.cluster.forget_topic(name));
        let response = outcome
            .and_then(|r| ClientError::check(r.error_code, None).map(|()| r))
            .inspect_err(|_| forget())?;
        let mut fetched = Vec::new();
        for mut topic in response.responses {
            let by_id = topics.get(&topic.topic_id).filter(|_| !topic.topic_id.is_nil());
            let name = by_id.unwrap_or(&topic.topic).clone();
            for data in topic.partitions.drain(..) {
                let position = self.positions.get(&name, data.partition_index);
                // Another member has the partition by now, or reading goes on elsewhere.
                if position.is_none() || position != asked.get(&name, data.partition_index) {
                    continue;
                }
                match data.error_code {
                    ErrorCode::None if data.records.as_ref().is_none_or(|r| r.is_empty()) => {}
                    ErrorCode::None | ErrorCode::OffsetOutOfRange => {
                        fetched.push(Fetched { topic: name.clone(), data });
                    }
                    code => {
                        self.cluster.forget_topic(&name);
                        ClientError::check(code, None)?;
                    }
                }
            }
        }
        Ok(fetched)
    }
}

async fn fetch(
    cluster: Arc<Cluster>,
    limits: FetchLimits,
    leader: i32,
    asked: ByPartition<i64>,
    topics: BTreeMap<Uuid, Str>,
) -> Answered {
    let outcome = async {
        let connection = cluster.broker_on(Lane::Fetches, leader).await?;
        let by_id = connection.version::<FetchRequest>()? >= 13;
        let ids = topics.iter().filter(|_| by_id).map(|(id, name)| (name, *id)).collect();
        let patience = Duration::from_millis(limits.max_wait_ms.unsigned_abs().into());
        connection.call_patiently(&fetch_request(limits, &asked, &ids), patience).await
    };
    let outcome = outcome.await;
    Answered { leader, asked, topics, outcome }
}

fn fetch_request(
    limits: FetchLimits,
    positions: &ByPartition<i64>,
    ids: &BTreeMap<&Str, Uuid>,
) -> FetchRequest {
    let topics = positions.topics().map(|(name, partitions)| FetchTopic {
        topic: name.clone(),
        topic_id: ids.get(name).copied().unwrap_or_default(),
        partitions: partitions
            .iter()
            .map(|(index, offset)| FetchPartition {
                partition: *index,
                fetch_offset: *offset,
                partition_max_bytes: limits.max_bytes,
                ..FetchPartition::default()
            })
            .collect(),
    });
    FetchRequest {
        max_wait_ms: limits.max_wait_ms,
        min_bytes: 1,
        max_bytes: limits.max_bytes,
        isolation_level: i8::from(limits.read_committed),
        topics: topics.collect(),
        ..FetchRequest::default()
    }
}
