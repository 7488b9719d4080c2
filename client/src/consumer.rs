//! Reads partitions: where to begin, then batches as the broker has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::fetch::{FetchPartition, FetchTopic, PartitionData};
use barnabas_protocol::kafka::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use barnabas_protocol::kafka::messages::metadata::{MetadataResponse, MetadataResponseTopic};
use barnabas_protocol::kafka::messages::{FetchRequest, ListOffsetsRequest};
use uuid::Uuid;

use super::{ClientError, Cluster, Connection};

/// ListOffsets: the end of a partition.
pub const LATEST: i64 = -1;
/// ListOffsets: the first record kept.
pub const EARLIEST: i64 = -2;

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

/// A reader of some partitions of one topic.
#[derive(Debug)]
pub struct Reader<'a> {
    cluster: &'a Cluster,
    topic: Str,
    metadata: MetadataResponse,
    described: MetadataResponseTopic,
    /// The next offset to read, by partition.
    pub positions: BTreeMap<i32, i64>,
    limits: FetchLimits,
}

impl<'a> Reader<'a> {
    /// A reader without partitions.
    pub async fn new(
        cluster: &'a Cluster,
        topic: &str,
        limits: FetchLimits,
    ) -> Result<Self, ClientError> {
        let (metadata, described) = cluster.topic(topic, true).await?;
        let (topic, positions) = (Str::from(topic), BTreeMap::new());
        Ok(Self { cluster, topic, metadata, described, positions, limits })
    }

    /// The topic's name.
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// The topic's partitions.
    pub fn partitions(&self) -> Vec<i32> {
        let mut all: Vec<_> =
            self.described.partitions.iter().map(|partition| partition.partition_index).collect();
        all.sort_unstable();
        all
    }

    /// The topic's id; zero where the broker does not tell.
    pub fn topic_id(&self) -> Uuid {
        self.described.topic_id
    }

    /// Each leader with its partitions.
    pub async fn leaders(&self) -> Result<Vec<(Arc<Connection>, Vec<i32>)>, ClientError> {
        self.cluster.leaders(&self.metadata, &self.described).await
    }

    /// The offset at a time, or at [`LATEST`] or [`EARLIEST`]; the end where nothing is as late.
    pub async fn offset_at(&self, index: i32, timestamp: i64) -> Result<i64, ClientError> {
        let found = self.list_offset(index, timestamp).await?;
        if found < 0 { self.list_offset(index, LATEST).await } else { Ok(found) }
    }

    async fn list_offset(&self, index: i32, timestamp: i64) -> Result<i64, ClientError> {
        let leader = self.cluster.broker(&self.metadata, self.leader(index)).await?;
        let partition = ListOffsetsPartition {
            partition_index: index,
            timestamp,
            ..ListOffsetsPartition::default()
        };
        let request = ListOffsetsRequest {
            replica_id: -1,
            isolation_level: i8::from(self.limits.read_committed),
            topics: vec![ListOffsetsTopic {
                name: self.topic.clone(),
                partitions: vec![partition],
            }],
            ..ListOffsetsRequest::default()
        };
        let response = leader.call(&request).await?;
        let mut offset = -1;
        for result in response.topics.iter().flat_map(|topic| &topic.partitions) {
            ClientError::check(result.error_code, None)?;
            offset = result.offset;
        }
        Ok(offset)
    }

    /// Asks again where the partitions are: a broker could not be reached.
    pub async fn refresh(&mut self) -> Result<(), ClientError> {
        (self.metadata, self.described) = self.cluster.topic(&self.topic, false).await?;
        Ok(())
    }

    /// Fetches once from the leader of each partition, waiting a little where there is nothing. Offsets that are
    /// out of range are the caller's to mend, in what is returned.
    pub async fn poll(&mut self) -> Result<Vec<PartitionData>, ClientError> {
        let mut by_leader: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for index in self.positions.keys() {
            by_leader.entry(self.leader(*index)).or_default().push(*index);
        }
        let mut all = Vec::new();
        for (leader, indexes) in by_leader {
            let connection = self.cluster.broker(&self.metadata, leader).await?;
            let mut request = self.request(&indexes);
            if connection.version::<FetchRequest>()? >= 13 {
                request.topics[0].topic_id = self.described.topic_id;
            }
            let response = connection.call(&request).await?;
            ClientError::check(response.error_code, None)?;
            all.extend(response.responses.into_iter().flat_map(|topic| topic.partitions));
        }
        if all.iter().any(|data| moved(data.error_code)) {
            self.refresh().await?;
            all.retain(|data| !moved(data.error_code));
        }
        for data in all.iter().filter(|data| data.error_code != ErrorCode::OffsetOutOfRange) {
            ClientError::check(data.error_code, None)?;
        }
        Ok(all)
    }

    fn request(&self, indexes: &[i32]) -> FetchRequest {
        let partitions = indexes.iter().map(|index| FetchPartition {
            partition: *index,
            fetch_offset: self.positions[index],
            partition_max_bytes: self.limits.max_bytes,
            ..FetchPartition::default()
        });
        FetchRequest {
            max_wait_ms: self.limits.max_wait_ms,
            min_bytes: 1,
            max_bytes: self.limits.max_bytes,
            isolation_level: i8::from(self.limits.read_committed),
            topics: vec![FetchTopic {
                topic: self.topic.clone(),
                partitions: partitions.collect(),
                ..FetchTopic::default()
            }],
            ..FetchRequest::default()
        }
    }

    fn leader(&self, index: i32) -> i32 {
        let placed = self.described.partitions.iter().find(|p| p.partition_index == index);
        placed.map_or(-1, |partition| partition.leader_id)
    }
}

/// The partition has another leader by now.
fn moved(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotLeaderOrFollower
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::UnknownLeaderEpoch
            | ErrorCode::LeaderNotAvailable
    )
}
