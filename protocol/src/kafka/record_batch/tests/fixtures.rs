//! Batches as Kafka's Java producer (4.3.1) and librdkafka write them, one of each codec, fetched
//! from a Kafka broker.

use super::*;

macro_rules! fixtures {
    ($($writer:literal $codec:ident $name:literal),* $(,)?) => {
        [$((
            $writer,
            Compression::$codec,
            include_bytes!(concat!("fixtures/", $writer, "-", $name, ".batch")).as_slice(),
        )),*]
    };
}

const FIXTURES: [(&str, Compression, &[u8]); 10] = fixtures![
    "java" None "none",
    "java" Gzip "gzip",
    "java" Snappy "snappy",
    "java" Lz4 "lz4",
    "java" Zstd "zstd",
    "rdk" None "none",
    "rdk" Gzip "gzip",
    "rdk" Snappy "snappy",
    "rdk" Lz4 "lz4",
    "rdk" Zstd "zstd",
];

/// The forty records that both producers were given; librdkafka's have a header twice.
#[test]
fn real_clients_batches_are_read() {
    for (writer, codec, bytes) in FIXTURES {
        let batch = RecordBatch::parse(&Bytes::from_static(bytes)).unwrap();
        batch.validate().unwrap();
        assert_eq!(batch.header.compression(), Ok(codec));
        let records = unbuild(&batch);
        assert_eq!((records.len(), batch.bytes.len()), (40, bytes.len()), "{writer} {codec:?}");
        for (index, (timestamp, key, value, headers)) in records.iter().enumerate() {
            assert!((batch.header.base_timestamp..=batch.header.max_timestamp).contains(timestamp));
            assert_eq!(key.as_deref(), Some(format!("key-{}", index % 3).as_bytes()));
            let expected = format!("value {index} {}", "x".repeat(index % 50));
            assert_eq!(value.as_deref(), Some(expected.as_bytes()));
            let header = |value: &[u8]| ("h".to_owned(), Some(value.to_vec()));
            let twice = vec![header(b"1"), header(b"2")];
            assert_eq!(*headers, if writer == "rdk" { twice } else { Vec::new() });
        }
    }
}

/// The broker does not touch what such producers send.
#[test]
fn real_clients_headers_need_no_repair() {
    for (writer, codec, bytes) in FIXTURES {
        let batch = RecordBatch::from_produce(&Bytes::from_static(bytes), 12).unwrap();
        let rules = AppendRules {
            compacted: true,
            timestamp_type: TimestampType::CreateTime,
            before_max_ms: 3_600_000,
            after_max_ms: 3_600_000,
        };
        let header = batch.prepare_append(&rules, batch.header.max_timestamp, &LIMITS);
        assert_eq!(header, Ok(batch.header), "{writer} {codec:?}");
    }
}
