//! Records of the `partitions` column family: what is known about a log beyond its batches, and
//! about the store. Every value starts with a version byte (1); numbers are big-endian.
//!
//! | kind | about | value |
//! |---|---|---|
//! | 1 identity | log | topic uuid, partition i32 |
//! | 2 log start | log | offset i64 |
//! | 3 high watermark | log | offset i64 |
//! | 4 epochs | log | (epoch i32, start i64) … |
//! | 5 producers | log | offset i64, bytes as `partition` encodes them |
//! | 6 end | log | offset i64: the log ends here at least, though no batch says so (after a truncation) |
//! | 7 acted on | log | the last state that was acted on, as `acted_on` encodes it |
//! | 16 next log | store | id u32: the next to give out |
//! | 17 generation | store | u32: chunks of this and earlier generations are all in `index` |
//! | 18 clean shutdown | store | nothing: its presence counts |
//! | 19 probe | store | nothing: written to see whether writing works |
//! | 20 restored | store | how often etcd had been restored i64, the revision of that i64 |

use barnabas_protocol::state::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use bytes::Bytes;

use super::acted_on;
use super::keys::{RecordKey, STORE};
use crate::log::{ActedOn, EpochEntry, LogId, RestoreCount};

const VERSION: u8 = 1;

/// A record that cannot be decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::log) enum BadRecord {
    #[error("record of unknown kind {0}")]
    Kind(u8),
    #[error("record of kind {kind} has version {version}; this version reads 1")]
    Version { kind: u8, version: u8 },
    #[error("malformed record of kind {0}")]
    Malformed(u8),
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::log) enum Record {
    Identity { topic: TopicId, partition: PartitionIndex },
    LogStart(Offset),
    HighWatermark(Offset),
    Epochs(Vec<EpochEntry>),
    Producers(Offset, Bytes),
    End(Offset),
    ActedOn(ActedOn),
    NextLog(LogId),
    Generation(u32),
    CleanShutdown,
    Probe,
    Restored(RestoreCount),
}

impl Record {
    /// The kinds that a log may have, all of which go when it is deleted.
    pub(in crate::log) const OF_A_LOG: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];
    /// The kind of [`Record::Producers`].
    pub(in crate::log) const PRODUCERS: u8 = 5;

    pub(in crate::log) const fn kind(&self) -> u8 {
        match self {
            Self::Identity { .. } => 1,
            Self::LogStart(_) => 2,
            Self::HighWatermark(_) => 3,
            Self::Epochs(_) => 4,
            Self::Producers(..) => Self::PRODUCERS,
            Self::End(_) => 6,
            Self::ActedOn(_) => 7,
            Self::NextLog(_) => 16,
            Self::Generation(_) => 17,
            Self::CleanShutdown => 18,
            Self::Probe => 19,
            Self::Restored(_) => 20,
        }
    }

    /// The key under which it stands for `log`.
    pub(in crate::log) const fn key(&self, log: LogId) -> RecordKey {
        RecordKey { log, kind: self.kind() }
    }

    /// The key of a record about the store.
    pub(in crate::log) const fn store_key(&self) -> RecordKey {
        self.key(STORE)
    }

    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut value = vec![VERSION];
        match self {
            Self::Identity { topic, partition } => {
                value.extend_from_slice(topic.0.as_bytes());
                value.extend_from_slice(&partition.0.to_be_bytes());
            }
            Self::LogStart(offset) | Self::HighWatermark(offset) | Self::End(offset) => {
                value.extend_from_slice(&offset.0.to_be_bytes());
            }
            Self::Epochs(entries) => {
                for entry in entries {
                    value.extend_from_slice(&entry.epoch.0.to_be_bytes());
                    value.extend_from_slice(&entry.start.0.to_be_bytes());
                }
            }
            Self::Producers(offset, state) => {
                value.extend_from_slice(&offset.0.to_be_bytes());
                value.extend_from_slice(state);
            }
            Self::Restored(RestoreCount { count, revision }) => {
                value.extend_from_slice(&count.to_be_bytes());
                value.extend_from_slice(&revision.to_be_bytes());
            }
            Self::ActedOn(state) => acted_on::encode(state, &mut value),
            Self::NextLog(LogId(number)) | Self::Generation(number) => {
                value.extend_from_slice(&number.to_be_bytes());
            }
            Self::CleanShutdown | Self::Probe => {}
        }
        value
    }

    pub(in crate::log) fn decode(kind: u8, value: &[u8]) -> Result<Self, BadRecord> {
        let bad = || BadRecord::Malformed(kind);
        let (&version, body) = value.split_first().ok_or_else(bad)?;
        if version != VERSION {
            return Err(BadRecord::Version { kind, version });
        }
        Ok(match kind {
            1 => {
                let (topic, partition) = body.split_first_chunk::<16>().ok_or_else(bad)?;
                let topic = TopicId(uuid::Uuid::from_bytes(*topic));
                let partition = PartitionIndex(i32::from_be_bytes(exactly(kind, partition)?));
                Self::Identity { topic, partition }
            }
            2 => Self::LogStart(offset(kind, body)?),
            3 => Self::HighWatermark(offset(kind, body)?),
            4 => Self::Epochs(epochs(kind, body)?),
            5 => {
                let (at, state) = body.split_first_chunk::<8>().ok_or_else(bad)?;
                Self::Producers(offset(kind, at)?, Bytes::copy_from_slice(state))
            }
            6 => Self::End(offset(kind, body)?),
            7 => Self::ActedOn(acted_on::decode(body).ok_or_else(bad)?),
            16 => Self::NextLog(LogId(u32::from_be_bytes(exactly(kind, body)?))),
            17 => Self::Generation(u32::from_be_bytes(exactly(kind, body)?)),
            18 if body.is_empty() => Self::CleanShutdown,
            19 if body.is_empty() => Self::Probe,
            20 => {
                let (count, revision) = body.split_first_chunk::<8>().ok_or_else(bad)?;
                let revision = i64::from_be_bytes(exactly(kind, revision)?);
                Self::Restored(RestoreCount { count: i64::from_be_bytes(*count), revision })
            }
            18 | 19 => return Err(bad()),
            _ => return Err(BadRecord::Kind(kind)),
        })
    }
}

fn exactly<const N: usize>(kind: u8, body: &[u8]) -> Result<[u8; N], BadRecord> {
    body.try_into().map_err(|_| BadRecord::Malformed(kind))
}

fn offset(kind: u8, body: &[u8]) -> Result<Offset, BadRecord> {
    let offset = i64::from_be_bytes(exactly(kind, body)?);
    if offset < 0 { Err(BadRecord::Malformed(kind)) } else { Ok(Offset(offset)) }
}

fn epochs(kind: u8, body: &[u8]) -> Result<Vec<EpochEntry>, BadRecord> {
    let (entries, rest) = body.as_chunks::<12>();
    if !rest.is_empty() {
        return Err(BadRecord::Malformed(kind));
    }
    let entry = |raw: &[u8; 12]| {
        let (epoch, start) = raw.split_at(4);
        let epoch = LeaderEpoch(i32::from_be_bytes(exactly(kind, epoch)?));
        Ok(EpochEntry { epoch, start: offset(kind, start)? })
    };
    entries.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use barnabas_protocol::state::ids::{BrokerId, PartitionEpoch};
    use proptest::prelude::*;

    use super::*;

    fn any_offset() -> impl Strategy<Value = Offset> {
        (0..i64::MAX).prop_map(Offset)
    }

    fn any_acted_on() -> impl Strategy<Value = ActedOn> {
        let epochs = (any::<i64>(), any::<i32>(), any::<i64>());
        let replicas = prop::collection::vec(any::<i32>().prop_map(BrokerId), 0..4);
        (epochs, any::<i32>(), replicas, "\\PC{0,9}").prop_map(
            |((partition_epoch, leader_epoch, restored), partitions, replicas, topic)| ActedOn {
                topic,
                partitions,
                restored,
                partition_epoch: PartitionEpoch(partition_epoch),
                leader_epoch: LeaderEpoch(leader_epoch),
                replicas,
            },
        )
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let entry = (any::<i32>(), any_offset())
            .prop_map(|(epoch, start)| EpochEntry { epoch: LeaderEpoch(epoch), start });
        prop_oneof![
            (any::<u128>(), any::<i32>()).prop_map(|(topic, partition)| Record::Identity {
                topic: TopicId(uuid::Uuid::from_u128(topic)),
                partition: PartitionIndex(partition),
            }),
            any_offset().prop_map(Record::LogStart),
            any_offset().prop_map(Record::HighWatermark),
            prop::collection::vec(entry, 0..9).prop_map(Record::Epochs),
            (any_offset(), prop::collection::vec(any::<u8>(), 0..99))
                .prop_map(|(at, state)| Record::Producers(at, state.into())),
            any_offset().prop_map(Record::End),
            any_acted_on().prop_map(Record::ActedOn),
            any::<u32>().prop_map(|id| Record::NextLog(LogId(id))),
            any::<u32>().prop_map(Record::Generation),
            Just(Record::CleanShutdown),
            Just(Record::Probe),
            (any::<i64>(), any::<i64>())
                .prop_map(|(count, revision)| Record::Restored(RestoreCount { count, revision })),
        ]
    }

    proptest! {
        #[test]
        fn records_survive(record in any_record()) {
            let decoded = Record::decode(record.kind(), &record.encode());
            prop_assert_eq!(decoded, Ok(record));
        }

        #[test]
        fn arbitrary_bytes_do_no_harm(kind: u8, value in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Record::decode(kind, &value);
        }
    }

    #[test]
    fn rejects() {
        let rejected = |kind, value: &[u8]| Record::decode(kind, value).unwrap_err();
        assert_eq!(rejected(2, &[2, 0]), BadRecord::Version { kind: 2, version: 2 });
        assert_eq!(rejected(2, &[]), BadRecord::Malformed(2));
        assert_eq!(rejected(2, &[1, 0, 0]), BadRecord::Malformed(2));
        assert_eq!(rejected(2, &[1, 255, 0, 0, 0, 0, 0, 0, 0]), BadRecord::Malformed(2));
        assert_eq!(rejected(4, &[1, 0]), BadRecord::Malformed(4));
        assert_eq!(rejected(18, &[1, 0]), BadRecord::Malformed(18));
        assert_eq!(rejected(7, &[1, 0, 0]), BadRecord::Malformed(7));
        assert_eq!(rejected(99, &[1]), BadRecord::Kind(99));
    }
}
