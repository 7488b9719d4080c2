//! What a produce request may hold. The answers are those of Apache Kafka 4.3.1 to the same bytes,
//! unless a comment says otherwise.

use super::*;
use crate::kafka::ErrorCode;
use crate::state::ids::{Offset, ProducerId};

const RULES: AppendRules = AppendRules {
    compacted: false,
    timestamp_type: TimestampType::CreateTime,
    before_max_ms: i64::MAX,
    after_max_ms: 3_600_000,
};
const COMPACTED: AppendRules = AppendRules { compacted: true, ..RULES };
const APPEND_TIME: AppendRules =
    AppendRules { timestamp_type: TimestampType::LogAppendTime, ..RULES };
const FAR: i64 = NOW + 7_200_000;

/// The error code for records in a produce request of version 8.
fn code(rules: &AppendRules, records: &[u8]) -> ErrorCode {
    code_at(8, rules, records)
}

fn code_at(version: i16, rules: &AppendRules, records: &[u8]) -> ErrorCode {
    RecordBatch::from_produce(&Bytes::copy_from_slice(records), version)
        .and_then(|batch| batch.prepare_append(rules, NOW, &LIMITS))
        .map_or_else(|error| error.error_code(), |_| ErrorCode::None)
}

fn two() -> RecordBatch {
    plain(Compression::None, &[NOW, NOW])
}

#[test]
fn one_batch_and_no_more() {
    let batch = two().bytes;
    let after = |tail: &[u8]| code(&RULES, &[&batch, tail].concat());
    assert_eq!(after(&[]), ErrorCode::None);
    assert_eq!(after(&batch), ErrorCode::InvalidRecord);
    assert_eq!(after(&batch[..batch.len() - 1]), ErrorCode::None);
    assert_eq!(after(&[0; 5]), ErrorCode::None);
    assert_eq!(after(&[0; 12]), ErrorCode::CorruptMessage);
    assert_eq!(after(&[0; 20]), ErrorCode::CorruptMessage);
    for cut in [0, 10, 16, batch.len() - 1] {
        assert_eq!(code(&RULES, &batch[..cut]), ErrorCode::InvalidRecord, "{cut}");
    }
}

#[test]
fn magic_and_length() {
    let byte = |at: usize, value: u8| {
        let mut bytes = two().bytes.to_vec();
        bytes[at] = value;
        code(&RULES, &bytes)
    };
    assert_eq!(byte(16, 0), ErrorCode::InvalidRecord);
    assert_eq!(byte(16, 1), ErrorCode::InvalidRecord);
    assert_eq!(byte(16, 3), ErrorCode::CorruptMessage);
    assert_eq!(byte(16, 0xff), ErrorCode::CorruptMessage);
    assert_eq!(byte(17, 77), ErrorCode::CorruptMessage);
    assert_eq!(byte(8, 0xff), ErrorCode::CorruptMessage);
    for length in [13, 14, 48, two().header.batch_length as u8 - 1] {
        assert_eq!(byte(11, length), ErrorCode::CorruptMessage, "{length}");
    }
}

#[test]
fn header_fields() {
    let with = |edit: fn(&mut BatchHeader)| code(&RULES, &edited(&two(), edit).bytes);
    let invalid: [fn(&mut BatchHeader); 12] = [
        |h| h.base_offset = Offset(5),
        |h| h.base_offset = Offset(-1),
        |h| h.last_offset_delta = 0,
        |h| h.last_offset_delta = 5,
        |h| h.last_offset_delta = -1,
        |h| h.records_count = 0,
        |h| h.records_count = -1,
        |h| (h.last_offset_delta, h.records_count) = (-1, 0),
        |h| (h.last_offset_delta, h.records_count) = (0, 1),
        |h| (h.last_offset_delta, h.records_count) = (2, 3),
        |h| (h.last_offset_delta, h.records_count) = (i32::MAX, i32::MIN),
        |h| h.set_control(true),
    ];
    for (index, edit) in invalid.into_iter().enumerate() {
        assert_eq!(with(edit), ErrorCode::InvalidRecord, "{index}");
    }
    assert_eq!(with(|h| h.producer_id = ProducerId(5)), ErrorCode::InvalidRecord);
    assert_eq!(with(|h| (h.producer_id, h.base_sequence) = (ProducerId(5), 0)), ErrorCode::None);
    assert_eq!(with(|h| h.base_sequence = 3), ErrorCode::None);
    assert_eq!(with(|h| h.producer_id = ProducerId(-2)), ErrorCode::None);
    assert_eq!(with(|h| h.attributes = 0x40), ErrorCode::None);
    assert_eq!(with(|h| h.attributes = 0x7f80), ErrorCode::None);
}

#[test]
fn codecs() {
    let zstd = plain(Compression::Zstd, &[NOW]).bytes;
    assert_eq!(code_at(6, &RULES, &zstd), ErrorCode::UnsupportedCompressionType);
    assert_eq!(code_at(7, &RULES, &zstd), ErrorCode::None);
    // Kafka: UNKNOWN_SERVER_ERROR.
    let unknown = edited(&two(), |h| h.attributes = 5);
    assert_eq!(code(&RULES, &unknown.bytes), ErrorCode::UnsupportedCompressionType);
    // Kafka: UNKNOWN_SERVER_ERROR, and also where nothing asks to open the batch.
    for attributes in 1..=4 {
        let garbage = edited(&two(), |h| h.attributes = attributes);
        assert_eq!(code(&COMPACTED, &garbage.bytes), ErrorCode::InvalidRecord, "{attributes}");
    }
}

#[test]
fn record_form() {
    let raw = |record: &[u8]| code(&RULES, &raw_record(record).bytes);
    // Attributes, timestamp delta, offset delta, key, value, number of headers; -1 is 1 in zigzag.
    assert_eq!(raw(&[0, 0, 0, 1, 1, 0]), ErrorCode::None);
    assert_eq!(raw(&[1, 0, 0, 1, 1, 0]), ErrorCode::None);
    assert_eq!(raw(&[0, 0, 0, 13, 17, 0]), ErrorCode::None);
    assert_eq!(raw(&[0, 0, 0, 1, 1, 2, 4, 0xff, 0xfe, 1]), ErrorCode::None);
    for record in [
        &[0, 0, 0, 1, 1, 0, 9][..],
        &[0, 0, 0, 1, 1],
        &[],
        &[0, 0, 0, 1, 1, 1],
        &[0, 0, 0, 1, 1, 100],
        &[0, 0, 0, 1, 1, 2, 1, 1],
        &[0, 0, 0, 8, 1, 0],
        &[0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0],
    ] {
        assert_eq!(raw(record), ErrorCode::InvalidRecord, "{record:?}");
    }
    // Kafka stores this, and consumers see an offset twice or never.
    assert_eq!(raw(&[0, 0, 2, 1, 1, 0]), ErrorCode::InvalidRecord);
}

#[test]
fn keys_on_compacted_topics() {
    for codec in Compression::ALL {
        let keys = |keys: &[Option<&[u8]>]| {
            let mut builder = BatchBuilder::new(codec);
            keys.iter().for_each(|key| builder.push(NOW, *key, None, &[]));
            RecordBatch::parse(&builder.build().unwrap()).unwrap()
        };
        assert_eq!(code(&COMPACTED, &keys(&[Some(b"")]).bytes), ErrorCode::None);
        let batch = keys(&[Some(b"k"), None, None]);
        assert_eq!(code(&RULES, &batch.bytes), ErrorCode::None);
        let Err(BatchError::Rejected(rejected)) = batch.prepare_append(&COMPACTED, NOW, &LIMITS)
        else {
            panic!("keyless records are not rejected")
        };
        let error = |batch_index| RecordError { batch_index, kind: RecordErrorKind::MissingKey };
        assert_eq!(rejected, RejectedRecords { errors: vec![error(1), error(2)], total: 2 });
        assert_eq!(BatchError::from(rejected).error_code(), ErrorCode::InvalidRecord);
        let validated = batch.validate_records(&COMPACTED, NOW, &LIMITS);
        assert!(matches!(validated, Err(BatchError::Rejected(_))));
    }
}

#[test]
fn timestamps_of_producers() {
    for codec in Compression::ALL {
        let times = |times: &[i64]| code(&RULES, &plain(codec, times).bytes);
        assert_eq!(times(&[NOW, FAR]), ErrorCode::InvalidTimestamp);
        assert_eq!(times(&[0, NOW]), ErrorCode::None);
        assert_eq!(times(&[-1, -1]), ErrorCode::None);
        assert_eq!(times(&[-5, -5]), ErrorCode::None);
        let bounded = AppendRules { before_max_ms: 1000, ..RULES };
        let late = plain(codec, &[NOW, NOW - 1001, NOW]);
        let Err(BatchError::Rejected(rejected)) = late.prepare_append(&bounded, NOW, &LIMITS)
        else {
            panic!("an old timestamp is not rejected")
        };
        assert_eq!((rejected.total, rejected.errors[0].batch_index), (1, 1));
        assert_eq!(code(&APPEND_TIME, &plain(codec, &[FAR]).bytes), ErrorCode::None);
    }
}

#[test]
fn one_bad_timestamp_decides_the_code() {
    let mut builder = BatchBuilder::default();
    builder.push(NOW, None, None, &[]);
    builder.push(FAR, Some(b"k"), None, &[]);
    assert_eq!(code(&COMPACTED, &builder.build().unwrap()), ErrorCode::InvalidTimestamp);
}

#[test]
fn a_wrong_maximum_is_put_right() {
    for codec in Compression::ALL {
        for claimed in [-1, FAR, NOW - 1] {
            let batch = edited(&plain(codec, &[NOW, NOW + 7]), |h| h.max_timestamp = claimed);
            let header = batch.prepare_append(&RULES, NOW, &LIMITS).unwrap();
            assert_eq!(header.max_timestamp, NOW + 7);
            assert!(RecordBatch { header, ..batch }.stored(Offset(0), 0.into()).crc_matches());
        }
    }
}

impl StoredBatch {
    fn crc_matches(&self) -> bool {
        RecordBatch::parse(&self.to_bytes()).unwrap().check_crc().is_ok()
    }
}

/// The bit says that the broker has set the time, but it is a client that says so.
#[test]
fn log_append_time_by_clients() {
    let marked = |base: i64, max: i64| {
        edited(&two(), |h| {
            h.set_timestamp_type(TimestampType::LogAppendTime);
            (h.base_timestamp, h.max_timestamp) = (base, max);
        })
    };
    assert_eq!(code(&APPEND_TIME, &marked(NOW, NOW).bytes), ErrorCode::InvalidTimestamp);
    assert_eq!(code(&RULES, &marked(-1, -1).bytes), ErrorCode::InvalidTimestamp);
    assert_eq!(code(&RULES, &marked(NOW, -1).bytes), ErrorCode::InvalidTimestamp);
    assert_eq!(code(&RULES, &marked(NOW, FAR).bytes), ErrorCode::InvalidTimestamp);
    assert_eq!(code(&RULES, &marked(-1, NOW).bytes), ErrorCode::None);
    let header = marked(FAR, NOW).prepare_append(&RULES, NOW, &LIMITS).unwrap();
    assert_eq!((header.timestamp_type(), header.max_timestamp), (TimestampType::CreateTime, NOW));
    let missing_key = raw_record(&[0, 0, 0, 1, 1, 0]);
    let marked = edited(&missing_key, |h| h.set_timestamp_type(TimestampType::LogAppendTime));
    assert_eq!(code(&COMPACTED, &marked.bytes), ErrorCode::InvalidRecord);
}

#[test]
fn a_batch_full_of_errors_gives_a_bounded_answer() {
    let batch = plain(Compression::None, &[FAR; 5000]);
    let Err(BatchError::Rejected(rejected)) = batch.prepare_append(&RULES, NOW, &LIMITS) else {
        panic!("far timestamps are not rejected")
    };
    assert_eq!((rejected.errors.len(), rejected.total), (RejectedRecords::MAX_ERRORS, 5000));
}
