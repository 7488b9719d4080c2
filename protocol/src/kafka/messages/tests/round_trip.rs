//! What is encoded decodes to the same message; what a version cannot say is refused.

use bytes::Bytes;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Sample, Source, decoded, encoded};
use crate::kafka::codec::{Decode, Encode, Request};
use crate::kafka::messages::fetch::{FetchPartition, FetchTopic, ForgottenTopic};
use crate::kafka::messages::produce::{PartitionProduceData, TopicProduceData};
use crate::kafka::messages::*;
use crate::kafka::{DecodeError, EncodeError, Records, Str, Writer};

fn round_trips<M: Encode + Decode + Sample + PartialEq + std::fmt::Debug>(seed: u64, version: i16) {
    let sample = M::sample(&mut Source::new(seed), version);
    let bytes = encoded(&sample, version);
    assert_eq!(decoded::<M>(bytes, version).as_ref(), Ok(&sample), "version {version}");
}

macro_rules! round_trip_tests {
    ($($key:ident: $request:ident, $response:ident;)*) => {
        proptest! {
            #[test]
            fn every_message_in_every_version(seed: u64) {
                $(for version in $request::VERSIONS {
                    round_trips::<$request>(seed, version);
                    round_trips::<$response>(seed, version);
                })*
            }
        }

        #[test]
        fn other_versions_are_refused() {
            $(
                let (min, max) = $request::VERSIONS.into_inner();
                for version in [min - 1, max + 1, i16::MIN, i16::MAX] {
                    let message = stringify!($request);
                    let unsupported = Err(DecodeError::UnsupportedVersion { message, version });
                    assert_eq!(decoded::<$request>(Bytes::new(), version), unsupported);
                    let unsupported = Err(EncodeError::UnsupportedVersion { message, version });
                    assert_eq!($request::default().encode(&mut Writer::new(), version), unsupported);
                    let message = stringify!($response);
                    let unsupported = Err(DecodeError::UnsupportedVersion { message, version });
                    assert_eq!(decoded::<$response>(Bytes::new(), version), unsupported);
                }
            )*
        }
    };
}
for_each_api!(round_trip_tests);

#[test]
fn values_that_a_version_lacks() {
    let mut writer = Writer::new();
    let rack = FetchRequest { rack_id: "a".into(), ..FetchRequest::default() };
    assert_eq!(rack.encode(&mut writer, 4), Ok(()), "a rack is only a hint");
    let forgotten = FetchRequest {
        forgotten_topics_data: vec![ForgottenTopic::default()],
        ..FetchRequest::default()
    };
    let field = "FetchRequest::forgotten_topics_data";
    assert_eq!(
        forgotten.encode(&mut writer, 4),
        Err(EncodeError::FieldNotInVersion { field, version: 4 })
    );
}

#[test]
fn null_where_a_version_lacks_it() {
    let all = MetadataRequest { topics: None, ..MetadataRequest::default() };
    let field = "MetadataRequest::topics";
    let refused = Err(EncodeError::UnexpectedNull { field, version: 0 });
    assert_eq!(all.encode(&mut Writer::new(), 0), refused);
    let null = Bytes::from_static(&[0xff; 4]);
    assert_eq!(
        decoded::<MetadataRequest>(null.clone(), 0),
        Err(DecodeError::UnexpectedNull(field))
    );
    assert_eq!(decoded::<MetadataRequest>(null, 1), Ok(MetadataRequest { topics: None, ..all }));
    // A length of -1 where null is never allowed.
    let null_group = Bytes::from_static(&[0xff, 0xff]);
    let refused = Err(DecodeError::UnexpectedNull("a string"));
    assert_eq!(decoded::<HeartbeatRequest>(null_group, 0), refused);
}

#[test]
fn known_bytes_of_a_flexible_request() {
    let id = Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10);
    let partition = FetchPartition {
        partition: 3,
        fetch_offset: 7,
        partition_max_bytes: 1 << 20,
        replica_directory_id: Uuid::max(),
        ..FetchPartition::default()
    };
    let topic = FetchTopic { topic_id: id, partitions: vec![partition], ..FetchTopic::default() };
    let request = FetchRequest {
        max_wait_ms: 500,
        min_bytes: 1,
        topics: vec![topic],
        ..FetchRequest::default()
    };
    let expected = [
        &[0, 0, 1, 0xf4, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0][..], // wait, minimum, maximum, isolation
        &[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],                       // session
        &[2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], // one topic
        &[2, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 7], // one partition: index, epoch, offset
        &[0xff; 12],                // epoch fetched last, log start
        &[0, 0x10, 0, 0, 1, 0, 16], // most bytes, one tagged field
        &[0xff; 16],                // its value
        &[0, 1, 1, 0],              // topic's tags, nothing forgotten, no rack, request's tags
    ];
    assert_eq!(encoded(&request, 17), expected.concat());
}

#[test]
fn records_are_never_copied() {
    let first = Bytes::from(vec![1; 100]);
    let second = Bytes::from(vec![2; 50]);
    let records = Some(Records::from(vec![first.clone(), second.clone()]));
    let partition = PartitionProduceData { index: 1, records };
    let topic = TopicProduceData { name: Str::from_static("t"), partition_data: vec![partition] };
    let request = ProduceRequest { topic_data: vec![topic], ..ProduceRequest::default() };
    let mut writer = Writer::new();
    request.encode(&mut writer, 9).unwrap();
    let total = writer.len();
    let segments = writer.into_segments();
    assert_eq!(segments.iter().map(Bytes::len).sum::<usize>(), total);
    assert_eq!(segments.len(), 4, "small data, two segments of records, small data");
    assert_eq!((segments[1].as_ptr(), segments[2].as_ptr()), (first.as_ptr(), second.as_ptr()));

    let frame: Bytes = segments.concat().into();
    let range = frame.as_ptr_range();
    let back: ProduceRequest = decoded(frame, 9).unwrap();
    let records = back.topic_data[0].partition_data[0].records.as_ref().unwrap();
    assert!(range.contains(&records.segments()[0].as_ptr()));
    assert!(range.contains(&back.topic_data[0].name.as_ptr()));
}
