//! Bytes as Kafka's deserializers would print them.

use anyhow::bail;
use uuid::Uuid;

/// How the bytes of a key or value are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Deserializer {
    /// As they are: text, mostly.
    #[default]
    Bytes,
    /// A big-endian number of so many bytes.
    Integer(usize),
    /// The text of a UUID, checked.
    Uuid,
}

impl Deserializer {
    /// By the name of Kafka's class, with or without its package.
    pub(super) fn parse(class: &str) -> Result<Self, String> {
        match class.rsplit('.').next().unwrap_or_default() {
            "StringDeserializer"
            | "ByteArrayDeserializer"
            | "BytesDeserializer"
            | "ByteBufferDeserializer" => Ok(Self::Bytes),
            "ShortDeserializer" => Ok(Self::Integer(2)),
            "IntegerDeserializer" => Ok(Self::Integer(4)),
            "LongDeserializer" => Ok(Self::Integer(8)),
            "UUIDDeserializer" => Ok(Self::Uuid),
            other => Err(format!(
                "there is no {other} here, Java classes cannot be loaded: String, ByteArray, Short, Integer, Long or \
                 UUIDDeserializer"
            )),
        }
    }

    /// What to print.
    pub(super) fn show(self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Bytes => Ok(bytes.to_vec()),
            Self::Integer(size) if size == bytes.len() => {
                let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
                let number = bytes.iter().fold(sign, |n: i64, byte| n << 8 | i64::from(*byte));
                Ok(number.to_string().into_bytes())
            }
            Self::Integer(size) => bail!("{} bytes where a number of {size} is due", bytes.len()),
            Self::Uuid => Ok(Uuid::try_parse_ascii(bytes)?.to_string().into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_java_reads_them() {
        let long = Deserializer::parse("org.apache.kafka.common.serialization.LongDeserializer");
        let long = long.expect("known");
        for number in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(
                long.show(&number.to_be_bytes()).expect("8 bytes"),
                number.to_string().into_bytes()
            );
        }
        assert_eq!(Deserializer::Integer(2).show(&[0xff, 0xfe]).expect("2 bytes"), b"-2");
        assert!(long.show(b"text").is_err());
        assert_eq!(Deserializer::Bytes.show(b"\xff").expect("any"), b"\xff");
        assert!(
            Deserializer::parse("io.confluent.kafka.serializers.KafkaAvroDeserializer").is_err()
        );
    }
}
