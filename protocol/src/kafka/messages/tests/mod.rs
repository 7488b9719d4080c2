//! Properties that hold for every message in every version: the table of APIs hands each of them to
//! these tests.
//!
//! Samples are made from a seed, by an implementation of [`Sample`] that the message macro writes
//! beside the codec.

mod allocation;
mod differential;
mod hostile;
mod round_trip;

use bytes::Bytes;
use uuid::Uuid;

use crate::kafka::codec::{Decode, Encode};
use crate::kafka::{DecodeError, ErrorCode, Reader, Records, Str, Writer};

/// A stream of numbers that follows from a seed (SplitMix64).
#[derive(Debug)]
pub(crate) struct Source(u64);

impl Source {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("smaller than a usize")
    }

    fn bytes(&mut self, max: usize) -> Vec<u8> {
        (0..self.below(max + 1)).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// Values to test with, which a version can say.
pub(crate) trait Sample {
    fn sample(source: &mut Source, version: i16) -> Self;
}

macro_rules! sample_integers {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn sample(source: &mut Source, _version: i16) -> Self {
                match source.below(6) {
                    0 => 0,
                    1 => (0 as $type).wrapping_sub(1),
                    2 => <$type>::MIN,
                    3 => <$type>::MAX,
                    _ => {
                        let bytes = source.next().to_be_bytes();
                        *bytes.first_chunk().map(|chunk| <$type>::from_be_bytes(*chunk)).as_ref().expect("8 bytes")
                    }
                }
            }
        }
    )*};
}
sample_integers! { i8 i16 u16 i32 i64 }

impl Sample for f64 {
    /// Never NaN, which is not equal to itself.
    fn sample(source: &mut Source, version: i16) -> Self {
        match source.below(4) {
            0 => Self::INFINITY,
            1 => Self::MIN_POSITIVE,
            _ => Self::from(i32::sample(source, version)) / 7.0,
        }
    }
}

impl Sample for bool {
    fn sample(source: &mut Source, _version: i16) -> Self {
        source.below(2) == 1
    }
}

impl Sample for ErrorCode {
    fn sample(source: &mut Source, version: i16) -> Self {
        i16::sample(source, version).into()
    }
}

impl Sample for Uuid {
    fn sample(source: &mut Source, _version: i16) -> Self {
        Self::from_u64_pair(source.next(), source.next())
    }
}

impl Sample for Str {
    fn sample(source: &mut Source, _version: i16) -> Self {
        match source.below(8) {
            0 => Self::default(),
            1 => "größer 東京 🦀".into(),
            2 => "x".repeat(200).into(),
            _ => format!("topic-{}", source.below(1000)).into(),
        }
    }
}

impl Sample for Bytes {
    fn sample(source: &mut Source, _version: i16) -> Self {
        source.bytes(20).into()
    }
}

impl Sample for Records {
    fn sample(source: &mut Source, _version: i16) -> Self {
        (0..source.below(3)).map(|_| source.bytes(150).into()).collect::<Vec<Bytes>>().into()
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source, version: i16) -> Self {
        (source.below(4) != 0).then(|| T::sample(source, version))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source, version: i16) -> Self {
        (0..source.below(4)).map(|_| T::sample(source, version)).collect()
    }
}

/// The message in one piece.
fn encoded<M: Encode>(message: &M, version: i16) -> Bytes {
    let mut writer = Writer::new();
    message.encode(&mut writer, version).expect("a sample fits its version");
    let bytes: Bytes = writer.into_segments().concat().into();
    bytes
}

/// The message that is all of `bytes`.
fn decoded<M: Decode>(bytes: Bytes, version: i16) -> Result<M, DecodeError> {
    let mut reader = Reader::new(bytes);
    let message = M::decode(&mut reader, version)?;
    reader.finish()?;
    Ok(message)
}
