//! Batches against Kafka's own answers, against another implementation, and against hostile bytes.

mod differential;
mod fixtures;
mod hostile;
mod produce;
mod stored;

use super::*;
use bytes::Bytes;
use proptest::prelude::*;

const LIMITS: DecompressLimits = DecompressLimits { max_bytes: 16 << 20, max_ratio: 250 };

/// Some time in 2026, in milliseconds.
const NOW: i64 = 1_780_000_000_000;

/// A record to be made: timestamp, key, value, headers.
type Parts = (i64, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

fn parts() -> impl Strategy<Value = Vec<Parts>> {
    let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    let headers = prop::collection::vec(("[a-c]{0,2}", bytes()), 0..4);
    prop::collection::vec((NOW - 1000..NOW + 1000, bytes(), bytes(), headers), 1..30)
}

fn codec() -> impl Strategy<Value = Compression> {
    prop::sample::select(Compression::ALL.to_vec())
}

fn build_with(mut builder: BatchBuilder, parts: &[Parts]) -> RecordBatch {
    for (timestamp, key, value, headers) in parts {
        let headers: Vec<_> = headers.iter().map(|(k, v)| (k.as_bytes(), v.as_deref())).collect();
        builder.push(*timestamp, key.as_deref(), value.as_deref(), &headers);
    }
    RecordBatch::parse(&builder.build().unwrap()).unwrap()
}

fn build(codec: Compression, parts: &[Parts]) -> RecordBatch {
    build_with(BatchBuilder::new(codec), parts)
}

/// Reads a batch back to what it was made of.
fn unbuild(batch: &RecordBatch) -> Vec<Parts> {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    let vec = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.to_vec());
    let records = batch.records(&LIMITS).unwrap().map(Result::unwrap);
    records
        .map(|record| {
            let timestamp = record.timestamp(&batch.header);
            let headers = record.headers.into_iter().map(|(k, v)| (text(k), vec(v))).collect();
            (timestamp, vec(record.key), vec(record.value), headers)
        })
        .collect()
}

/// A batch of plain records `a`, `b`, ... with these timestamps.
fn plain(codec: Compression, timestamps: &[i64]) -> RecordBatch {
    let mut builder = BatchBuilder::new(codec);
    for (key, timestamp) in (b'a'..).zip(timestamps) {
        builder.push(*timestamp, Some(&[key]), Some(b"value"), &[]);
    }
    RecordBatch::parse(&builder.build().unwrap()).unwrap()
}

/// The batch with another header, its checksum made right again.
fn edited(batch: &RecordBatch, edit: impl FnOnce(&mut BatchHeader)) -> RecordBatch {
    let mut header = batch.header;
    edit(&mut header);
    let mut bytes = batch.bytes.to_vec();
    bytes[..BatchHeader::LEN].copy_from_slice(&header.to_bytes());
    header.crc = crc32c::crc32c(&bytes[BatchHeader::CRC_START..]);
    bytes[..BatchHeader::LEN].copy_from_slice(&header.to_bytes());
    RecordBatch { header, bytes: bytes.into() }
}

/// A batch of one record whose bytes, after its length, are these.
fn raw_record(record: &[u8]) -> RecordBatch {
    let batch = plain(Compression::None, &[NOW]);
    let mut bytes = batch.bytes[..BatchHeader::LEN].to_vec();
    bytes.push(record.len() as u8 * 2);
    bytes.extend_from_slice(record);
    let header = BatchHeader { batch_length: bytes.len() as i32 - 12, ..batch.header };
    edited(&RecordBatch { header, bytes: bytes.into() }, |_| {})
}
