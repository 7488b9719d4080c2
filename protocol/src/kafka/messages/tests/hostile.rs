//! Decoders fed what an attacker sends: they return, with an error or a message, and stay within
//! their memory.
//!
//! None of these bytes may reach `kafka-protocol`, which aborts on some of them.

use bytes::Bytes;
use proptest::prelude::*;

use super::allocation::peak_of;
use super::{Sample, Source, decoded, encoded};
use crate::kafka::codec::{Decode, DecodeErrorKind, Encode, Request};
use crate::kafka::messages::*;
use crate::kafka::{DecodeError, Reader};

/// Bookkeeping of `Bytes` that no count of the peer changes.
const SLACK_BYTES: usize = 512;

/// What a length, a count, a varint or a tag section may claim without it being true.
const LIES: [&[u8]; 7] = [
    &[0x7f, 0xff, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xfe],
    &[0x00, 0x00, 0xff, 0xff],
    &[0xff, 0xff, 0xff, 0xff, 0x0f],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x80],
    &[0x00],
];

/// Decodes and measures.
fn attack<M: Decode>(bytes: Vec<u8>, version: i16) -> Result<M, DecodeError> {
    let budget = Reader::budget_for(bytes.len());
    let frame = Bytes::from(bytes);
    let (result, peak) = peak_of(|| decoded::<M>(frame, version));
    assert!(peak <= budget + SLACK_BYTES, "{peak} bytes allocated, {budget} allowed");
    result
}

fn truncated<M: Encode + Decode + Sample>(seed: u64, version: i16) {
    let bytes = encoded(&M::sample(&mut Source::new(seed), version), version);
    for length in 0..bytes.len() {
        let result = attack::<M>(bytes[..length].to_vec(), version);
        assert_eq!(result.err().map(|error| error.kind()), Some(DecodeErrorKind::Truncated));
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    assert_eq!(attack::<M>(longer, version).err(), Some(DecodeError::TrailingBytes(1)));
}

fn lying<M: Encode + Decode + Sample>(seed: u64, version: i16) {
    let bytes = encoded(&M::sample(&mut Source::new(seed), version), version);
    for (start, lie) in (0..bytes.len()).flat_map(|start| LIES.map(|lie| (start, lie))) {
        let mut overwritten = bytes.to_vec();
        overwritten.splice(start..bytes.len().min(start + lie.len()), lie.iter().copied());
        let _ = attack::<M>(overwritten, version);
    }
}

fn mutated<M: Encode + Decode + Sample>(seed: u64, version: i16) {
    let mut source = Source::new(seed);
    let mut bytes = encoded(&M::sample(&mut source, version), version).to_vec();
    for _ in 0..=source.below(4) {
        let place = source.below(bytes.len() + 1);
        let byte = source.next().to_le_bytes()[0];
        match source.below(3) {
            0 => bytes.insert(place, byte),
            1 if place < bytes.len() => bytes[place] = byte,
            _ => bytes.truncate(place),
        }
    }
    // What is still a message has to survive another round.
    if let Ok(message) = attack::<M>(bytes, version) {
        let _ = encoded(&message, version);
    }
}

/// A frame of the same byte over and over: all counts, lengths and tags are as large as its varints
/// get.
fn repeated<M: Decode>(version: i16) {
    for byte in 0..=u8::MAX {
        let _ = attack::<M>(vec![byte; 4096], version);
    }
}

macro_rules! hostile_tests {
    ($($key:ident: $request:ident, $response:ident;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(6))]

            #[test]
            fn truncated_messages(seed: u64) {
                $(for version in $request::VERSIONS {
                    truncated::<$request>(seed, version);
                    truncated::<$response>(seed, version);
                })*
            }

            #[test]
            fn lengths_that_lie(seed: u64) {
                $(for version in $request::VERSIONS {
                    lying::<$request>(seed, version);
                    lying::<$response>(seed, version);
                })*
            }
        }

        proptest! {
            #[test]
            fn mutated_messages(seed: u64) {
                $(for version in $request::VERSIONS {
                    mutated::<$request>(seed, version);
                    mutated::<$response>(seed, version);
                })*
            }

            #[test]
            fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
                $(for version in $request::VERSIONS {
                    let _ = attack::<$request>(bytes.clone(), version);
                    let _ = attack::<$response>(bytes.clone(), version);
                })*
            }
        }

        #[test]
        fn one_byte_repeated() {
            $(for version in $request::VERSIONS {
                repeated::<$request>(version);
                repeated::<$response>(version);
            })*
        }
    };
}
for_each_api!(hostile_tests);

#[test]
fn a_count_that_could_not_follow_allocates_nothing() {
    let topics = [0x7f, 0xff, 0xff, 0xff, 0, 0].to_vec();
    let (result, peak) = peak_of(|| decoded::<MetadataRequest>(topics.into(), 1));
    assert!(matches!(result, Err(DecodeError::Truncated { remaining: 2, .. })));
    assert!(peak < SLACK_BYTES);
}

#[test]
fn many_tiny_elements_exhaust_the_budget() {
    // Empty names of topics: one byte on the wire, a whole `Str` in memory, in an array whose count
    // is true.
    let count = 2_000_000_u32;
    let mut frame = crate::kafka::primitives::varint::u32_bytes(count + 1).as_slice().to_vec();
    frame.resize(frame.len() + count as usize, 1);
    frame.push(0);
    let result = attack::<DescribeGroupsRequest>(frame, 5);
    assert!(matches!(result, Err(DecodeError::BudgetExceeded { .. })), "{result:?}");
}
