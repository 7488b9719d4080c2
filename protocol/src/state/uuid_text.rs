//! UUIDs as Kafka prints them: 16 bytes as 22 characters of URL-safe base64 without padding.
//!
//! Topic ids and cluster ids look like this in Kafka's tools, in log directories and in our values
//! in etcd.

use super::ids::{ClusterUuid, TopicId};
use uuid::Uuid;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const TEXT_LEN: usize = 22;

/// A text that is not a UUID in Kafka's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID of {TEXT_LEN} base64url characters: {text:?}")]
pub struct UuidTextError {
    text: String,
}

fn encode(id: Uuid) -> String {
    let mut bits = id.as_u128();
    let mut text = [0u8; TEXT_LEN];
    // 22 characters hold 132 bits: the last one has four bits of padding.
    text[TEXT_LEN - 1] = ALPHABET[((bits & 0b11) << 4) as usize];
    bits >>= 2;
    for character in text[..TEXT_LEN - 1].iter_mut().rev() {
        *character = ALPHABET[(bits & 0x3f) as usize];
        bits >>= 6;
    }
    text.iter().map(|&c| char::from(c)).collect()
}

fn decode(text: &str) -> Result<Uuid, UuidTextError> {
    // A long text is not repeated whole in the error.
    let error = || UuidTextError { text: text.chars().take(2 * TEXT_LEN).collect() };
    let bytes = text.as_bytes();
    if bytes.len() != TEXT_LEN {
        return Err(error());
    }
    let digit = |c: &u8| ALPHABET.iter().position(|a| a == c).ok_or_else(error);
    let mut bits: u128 = 0;
    for character in &bytes[..TEXT_LEN - 1] {
        bits = (bits << 6) | digit(character)? as u128;
    }
    let last = digit(&bytes[TEXT_LEN - 1])?;
    // One UUID has one text: bits set in the padding would make another.
    if last & 0b1111 != 0 {
        return Err(error());
    }
    Ok(Uuid::from_u128((bits << 2) | (last >> 4) as u128))
}

/// Gives an identifier its text form.
macro_rules! kafka_text {
    ($name:ident) => {
        impl $name {
            /// The id as Kafka prints it: 22 characters of URL-safe base64.
            #[must_use]
            pub fn to_kafka_string(self) -> String {
                encode(self.0)
            }

            /// Reads what [`to_kafka_string`](Self::to_kafka_string) wrote.
            ///
            /// # Errors
            /// Anything but the one text of a UUID.
            pub fn from_kafka_string(text: &str) -> Result<Self, UuidTextError> {
                decode(text).map(Self)
            }
        }
    };
}

kafka_text!(TopicId);
kafka_text!(ClusterUuid);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_what_kafka_writes() {
        // org.apache.kafka.common.Uuid: ZERO_UUID, ONE_UUID, METADATA_TOPIC_ID.
        assert_eq!(encode(Uuid::nil()), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(encode(Uuid::from_u128(1)), "AAAAAAAAAAAAAAAAAAAAAQ");
        assert_eq!(encode(Uuid::from_u128(u128::MAX)), "_____________________w");
    }

    #[test]
    fn refuses_other_texts() {
        for text in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAAR",
            "AAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAAA==",
        ] {
            assert!(TopicId::from_kafka_string(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn round_trip(bits: u128) {
            let id = TopicId(Uuid::from_u128(bits));
            prop_assert_eq!(TopicId::from_kafka_string(&id.to_kafka_string()), Ok(id));
        }

        #[test]
        fn never_panics(text in "\\PC{0,30}") {
            let _ = ClusterUuid::from_kafka_string(&text);
        }
    }
}
