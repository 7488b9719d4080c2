//! What members of a consumer group tell each other through the coordinator, which does not look
//! into it: Kafka's ConsumerProtocol.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::codec::{DecodeError, EncodeError, Reader, Writer};
use bytes::Bytes;

use crate::PartitionSet;

/// The version written: the first that has the generation of the owned partitions. Newer ones are
/// read as this, as later versions only append fields.
const VERSION: i16 = 2;

/// What a member wants, and what it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// The topics it wants.
    pub topics: Vec<Str>,
    /// What its assignor adds.
    pub user_data: Option<Bytes>,
    /// The partitions that it has not given up.
    pub owned: PartitionSet,
    /// The generation in which it got them; -1 if it does not tell.
    pub generation: i32,
}

impl Subscription {
    /// Reads a subscription of any version.
    ///
    /// # Errors
    /// It is cut off or malformed.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.i16()?;
        let topics = strings(&mut reader)?;
        let user_data = reader.bytes(false)?;
        let owned = if version >= 1 { partitions(&mut reader)? } else { PartitionSet::default() };
        let generation = if version >= 2 { reader.i32()? } else { -1 };
        Ok(Self { topics, user_data, owned, generation })
    }

    /// Writes the subscription.
    ///
    /// # Errors
    /// A name is too long.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        writer.i16(VERSION);
        writer.length(Some(self.topics.len()), false)?;
        for topic in &self.topics {
            writer.string(Some(topic), false)?;
        }
        writer.bytes(self.user_data.as_deref(), false)?;
        write_partitions(&mut writer, &self.owned)?;
        writer.i32(self.generation);
        Ok(finish(writer))
    }
}

/// The partitions that the leader of a group gives to a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The member's partitions.
    pub partitions: PartitionSet,
}

impl Assignment {
    /// Reads an assignment of any version; that of a member without any may have no byte at all.
    ///
    /// # Errors
    /// It is cut off or malformed.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader::new(bytes);
        reader.i16()?;
        Ok(Self { partitions: partitions(&mut reader)? })
    }

    /// Writes the assignment.
    ///
    /// # Errors
    /// A name is too long.
    pub fn encode(&self) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        writer.i16(VERSION);
        write_partitions(&mut writer, &self.partitions)?;
        writer.bytes(None, false)?;
        Ok(finish(writer))
    }
}

/// What Kafka's sticky assignor puts into the user data: the partitions of the last assignment and
/// its generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StickyData {
    pub(super) partitions: PartitionSet,
    /// -1 where it is not told.
    pub(super) generation: i32,
}

impl StickyData {
    pub(super) fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let partitions = partitions(&mut reader)?;
        let generation = if reader.remaining() >= 4 { reader.i32()? } else { -1 };
        Ok(Self { partitions, generation })
    }

    pub(super) fn encode(&self) -> Result<Bytes, EncodeError> {
        let mut writer = Writer::new();
        write_partitions(&mut writer, &self.partitions)?;
        writer.i32(self.generation);
        Ok(finish(writer))
    }
}

fn finish(writer: Writer) -> Bytes {
    writer.into_segments().concat().into()
}

fn write_partitions(writer: &mut Writer, partitions: &PartitionSet) -> Result<(), EncodeError> {
    let topics = partitions.topics();
    writer.length(Some(topics.len()), false)?;
    for (topic, indexes) in topics {
        writer.string(Some(topic), false)?;
        writer.length(Some(indexes.len()), false)?;
        indexes.keys().for_each(|index| writer.i32(*index));
    }
    Ok(())
}

fn partitions(reader: &mut Reader) -> Result<PartitionSet, DecodeError> {
    let mut all = PartitionSet::default();
    for _ in 0..count(reader, 6)? {
        let topic = string(reader)?;
        for _ in 0..count(reader, 4)? {
            all.insert(topic.clone(), reader.i32()?, ());
        }
    }
    Ok(all)
}

fn strings(reader: &mut Reader) -> Result<Vec<Str>, DecodeError> {
    (0..count(reader, 2)?).map(|_| string(reader)).collect()
}

/// A name with memory of its own: it outlives the frame.
fn string(reader: &mut Reader) -> Result<Str, DecodeError> {
    Ok(reader.string(false)?.map(|text| text.detach()).unwrap_or_default())
}

/// The number of elements that follow, which must fit into what is left.
fn count(reader: &mut Reader, min_bytes: usize) -> Result<usize, DecodeError> {
    let count = reader.length(false)?.unwrap_or(0);
    let (needed, remaining) = (count.saturating_mul(min_bytes), reader.remaining());
    if needed > remaining { Err(DecodeError::Truncated { needed, remaining }) } else { Ok(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(partitions: &[(&'static str, i32)]) -> PartitionSet {
        partitions.iter().map(|(topic, index)| (Str::from_static(topic), *index)).collect()
    }

    #[test]
    fn subscriptions_and_assignments_round_trip() {
        let subscription = Subscription {
            topics: vec!["a".into(), "b".into()],
            user_data: Some(Bytes::from_static(b"x")),
            owned: set(&[("a", 0), ("a", 2), ("b", 1)]),
            generation: 7,
        };
        let bytes = subscription.encode().expect("short names");
        assert_eq!(Subscription::decode(bytes.clone()), Ok(subscription));
        for length in 0..bytes.len() {
            assert!(Subscription::decode(bytes.slice(..length)).is_err(), "{length}");
        }
        let assignment = Assignment { partitions: set(&[("a", 0)]) };
        assert_eq!(Assignment::decode(assignment.encode().expect("short")), Ok(assignment));
        assert_eq!(Assignment::decode(Bytes::new()), Ok(Assignment::default()));
        let data = StickyData { partitions: set(&[("a", 3)]), generation: 5 };
        assert_eq!(StickyData::decode(data.encode().expect("short")), Ok(data));
    }

    /// As librdkafka and kafka-python write them, and as Java does today.
    #[test]
    fn other_versions_are_read() {
        let zero: &[u8] = &[0, 0, 0, 0, 0, 1, 0, 1, b't', 0xff, 0xff, 0xff, 0xff];
        let read = Subscription::decode(Bytes::from_static(zero)).expect("version 0");
        assert_eq!((read.topics, read.user_data, read.generation), (vec!["t".into()], None, -1));
        let one = [&[0, 1], &zero[2..], &[0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 4]].concat();
        let read = Subscription::decode(one.into()).expect("version 1");
        assert_eq!((read.owned, read.generation), (set(&[("t", 4)]), -1));
        let three = [&[0, 3], &zero[2..], &[0, 0, 0, 0, 0, 0, 0, 9, 0, 1, b'r']].concat();
        let read = Subscription::decode(three.into()).expect("version 3");
        assert_eq!((read.owned, read.generation), (PartitionSet::default(), 9));
    }

    #[test]
    fn counts_beyond_the_frame_are_refused() {
        let many: &[u8] = &[0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 1, b't'];
        assert!(Subscription::decode(Bytes::from_static(many)).is_err());
    }
}
