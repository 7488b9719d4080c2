//! Sends record batches to the leaders of their partitions.

use barnabas_protocol::kafka::messages::ProduceRequest;
use barnabas_protocol::kafka::messages::produce::{PartitionProduceData, TopicProduceData};
use barnabas_protocol::kafka::{Records, Str};
use bytes::Bytes;

use crate::{ClientError, Cluster};

/// A produce request for one partition.
pub fn produce_request(
    topic: &str,
    index: i32,
    batch: impl Into<Records>,
    acks: i16,
    timeout_ms: i32,
) -> ProduceRequest {
    let data = PartitionProduceData { index, records: Some(batch.into()) };
    ProduceRequest {
        acks,
        timeout_ms,
        topic_data: vec![TopicProduceData { name: Str::from(topic), partition_data: vec![data] }],
        ..ProduceRequest::default()
    }
}

/// Sends a batch and waits for the acknowledgement, following the leader where it moves. Returns
/// the offset of the first record, or -1 with acks=0.
///
/// # Errors
/// The leader cannot be reached or refuses, for as long as the cluster's configuration has it tried
/// again.
pub async fn produce(
    cluster: &Cluster,
    topic: &str,
    index: i32,
    batch: &Bytes,
    acks: i16,
    timeout_ms: i32,
) -> Result<i64, ClientError> {
    let request = produce_request(topic, index, batch.clone(), acks, timeout_ms);
    cluster
        .retry(async || {
            let sent = send(cluster, topic, index, &request).await;
            if sent.is_err() {
                cluster.forget_topic(topic);
            }
            sent
        })
        .await
}

async fn send(
    cluster: &Cluster,
    topic: &str,
    index: i32,
    request: &ProduceRequest,
) -> Result<i64, ClientError> {
    let leader = cluster.known_topic(topic).await?.leader(index)?;
    let leader = cluster.broker(leader).await?;
    if request.acks == 0 {
        leader.send_one_way(request).await?;
        return Ok(-1);
    }
    let response = leader.call(request).await?;
    let results = response.responses.iter().flat_map(|topic| &topic.partition_responses);
    let mut base_offset = -1;
    for result in results {
        ClientError::check(result.error_code, result.error_message.as_deref())?;
        base_offset = result.base_offset;
    }
    Ok(base_offset)
}

/// The partition that Java's default partitioner gives to a key.
pub fn partition_for(key: &[u8], partitions: usize) -> i32 {
    let positive = murmur2(key) & 0x7fff_ffff;
    (positive as usize % partitions.max(1)) as i32
}

/// Kafka's hash of keys: MurmurHash2 with its own seed.
fn murmur2(data: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ data.len() as u32;
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        word = word.wrapping_mul(MIX);
        word = (word ^ (word >> 24)).wrapping_mul(MIX);
        hash = hash.wrapping_mul(MIX) ^ word;
    }
    let tail = chunks.remainder();
    for (at, byte) in tail.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * at);
    }
    if !tail.is_empty() {
        hash = hash.wrapping_mul(MIX);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hash_as_in_java() {
        // From the tests of Kafka's own client.
        for (key, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }
}
