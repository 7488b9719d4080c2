//! The `kafka-protocol` crate reads what we write, and we read what it writes.

use super::*;
use bytes::BytesMut;
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records as peer;

fn peer_codec(codec: Compression) -> peer::Compression {
    match codec {
        Compression::None => peer::Compression::None,
        Compression::Gzip => peer::Compression::Gzip,
        Compression::Snappy => peer::Compression::Snappy,
        Compression::Lz4 => peer::Compression::Lz4,
        Compression::Zstd => peer::Compression::Zstd,
    }
}

/// The peer keeps one header per key, the last one.
fn peer_headers(parts: &Parts) -> IndexMap<StrBytes, Option<Bytes>> {
    let pairs = parts.3.iter().cloned();
    pairs.map(|(k, v)| (StrBytes::from_string(k), v.map(Bytes::from))).collect()
}

fn peer_record(offset: i64, parts: &Parts) -> peer::Record {
    peer::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: 5,
        producer_epoch: 1,
        timestamp_type: peer::TimestampType::Creation,
        offset,
        sequence: offset as i32,
        timestamp: parts.0,
        key: parts.1.clone().map(Bytes::from),
        value: parts.2.clone().map(Bytes::from),
        headers: peer_headers(parts),
    }
}

proptest! {
    #[test]
    fn we_read_theirs(mut all in parts(), codec in codec()) {
        for parts in &mut all {
            let unique = peer_headers(parts).into_iter();
            parts.3 = unique.map(|(k, v)| (k.to_string(), v.map(|v| v.to_vec()))).collect();
        }
        let records: Vec<_> = (0..).zip(&all).map(|(i, parts)| peer_record(i, parts)).collect();
        let options = peer::RecordEncodeOptions { version: 2, compression: peer_codec(codec) };
        let mut bytes = BytesMut::new();
        peer::RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
        let batches: Result<Vec<_>, _> = RecordBatch::split_all(bytes.freeze()).collect();
        let batches = batches.unwrap();
        let batch = &batches[0];
        prop_assert_eq!(batches.len(), 1);
        prop_assert_eq!(batch.validate(), Ok(()));
        prop_assert_eq!(batch.header.compression(), Ok(codec));
        prop_assert_eq!((batch.header.producer_id.0, batch.header.producer_epoch, batch.header.base_sequence), (5, 1, 0));
        prop_assert_eq!(batch.header.max_timestamp, all.iter().map(|p| p.0).max().unwrap());
        prop_assert_eq!(unbuild(batch), all);
    }

    #[test]
    fn they_read_ours(all in parts(), codec in codec()) {
        let batch = build_with(BatchBuilder::new(codec).producer(5.into(), 1, 0), &all);
        let decoded = peer::RecordBatchDecoder::decode(&mut { batch.bytes }).unwrap();
        prop_assert_eq!(decoded.compression, peer_codec(codec));
        let records: Vec<_> = (0..).zip(&all).map(|(i, parts)| peer_record(i, parts)).collect();
        prop_assert_eq!(decoded.records, records);
    }
}
