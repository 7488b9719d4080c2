//! Our bytes against those of `kafka-protocol`, an independent codec made from Kafka's schemas.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, Encodable};
use proptest::prelude::*;

use super::{Sample, Source, decoded, encoded};
use crate::kafka::codec::{Decode, Encode, Request};
use crate::kafka::messages::*;

/// We encode, they decode and encode again, we decode: the same bytes and the same message.
fn agrees<Ours, Theirs>(seed: u64, version: i16)
where
    Ours: Encode + Decode + Sample + PartialEq + std::fmt::Debug,
    Theirs: Encodable + Decodable + std::fmt::Debug,
{
    let sample = Ours::sample(&mut Source::new(seed), version);
    let bytes = encoded(&sample, version);
    let mut unread = bytes.clone();
    let read = Theirs::decode(&mut unread, version)
        .unwrap_or_else(|error| panic!("version {version} of {sample:?}: {error}"));
    assert!(unread.is_empty(), "version {version} of {sample:?}: bytes left");
    let again = their_bytes(&read, version);
    assert_eq!(again, bytes, "version {version}: {sample:?} became {read:?}");
    assert_eq!(decoded::<Ours>(again, version), Ok(sample));
}

/// The defaults of both, which are the schemas', are the same bytes.
fn same_defaults<Ours: Encode + Default, Theirs: Encodable + Default>(version: i16) {
    let (ours, theirs) =
        (encoded(&Ours::default(), version), their_bytes(&Theirs::default(), version));
    assert_eq!(ours, theirs, "defaults of {} in version {version}", std::any::type_name::<Ours>());
}

fn their_bytes<M: Encodable>(message: &M, version: i16) -> Bytes {
    let mut bytes = BytesMut::new();
    message.encode(&mut bytes, version).unwrap();
    bytes.freeze()
}

macro_rules! differential_tests {
    ($($key:ident: $request:ident, $response:ident;)*) => {
        proptest! {
            #[test]
            fn every_message_in_every_version(seed: u64) {
                $(for version in $request::VERSIONS {
                    agrees::<$request, theirs::$request>(seed, version);
                    agrees::<$response, theirs::$response>(seed, version);
                })*
            }
        }

        #[test]
        fn defaults() {
            $(for version in $request::VERSIONS {
                same_defaults::<$request, theirs::$request>(version);
                same_defaults::<$response, theirs::$response>(version);
            })*
        }

        #[test]
        fn the_other_codec_covers_our_versions() {
            use kafka_protocol::protocol::Message;
            $(
                let covered = <theirs::$request as Message>::VERSIONS;
                let (min, max) = $request::VERSIONS.into_inner();
                assert!(covered.min <= min && max <= covered.max, "{}: {covered}", stringify!($key));
                let key = theirs::ApiKey::try_from(i16::from($request::API_KEY)).unwrap();
                for version in $request::VERSIONS {
                    assert_eq!($request::API_KEY.request_header_version(version), key.request_header_version(version));
                    assert_eq!($request::API_KEY.response_header_version(version), key.response_header_version(version));
                }
            )*
        }
    };
}
for_each_api!(differential_tests);
