//! Batches at their place in the log, and what is looked up in them there.

use super::*;
use crate::state::ids::{LeaderEpoch, Offset, ProducerId};

fn at(batch: &RecordBatch, base_offset: i64) -> RecordBatch {
    RecordBatch::parse(&batch.stored(Offset(base_offset), LeaderEpoch(4)).to_bytes()).unwrap()
}

#[test]
fn a_stored_batch_shares_the_records() {
    let batch = plain(Compression::None, &[NOW, NOW]);
    let stored = batch.stored(Offset(42), LeaderEpoch(4));
    assert_eq!(stored.body.as_ptr(), batch.bytes[BatchHeader::LEN..].as_ptr());
    assert_eq!(stored.len(), batch.bytes.len());
    let header = stored.parse_header().unwrap();
    assert_eq!((header.base_offset, header.partition_leader_epoch), (Offset(42), LeaderEpoch(4)));
    assert_eq!((header.last_offset(), header.next_offset()), (Offset(43), Offset(44)));
    at(&batch, 42).check_crc().unwrap();
}

#[test]
fn append_time_replaces_all_timestamps() {
    for codec in Compression::ALL {
        let batch = plain(codec, &[NOW - 9, NOW - 5]);
        let header = batch.with_log_append_time(NOW);
        let batch = at(&RecordBatch { header, ..batch }, 7);
        batch.check_crc().unwrap();
        assert!(unbuild(&batch).iter().all(|(timestamp, ..)| *timestamp == NOW));
        let found = |time, from| batch.first_record_at_or_after(time, Offset(from), &LIMITS);
        assert_eq!(found(NOW, 0), Ok(Some((Offset(7), NOW))));
        assert_eq!(found(NOW, 8), Ok(Some((Offset(8), NOW))));
        assert_eq!(found(NOW, 9), Ok(None));
        assert_eq!(found(NOW + 1, 0), Ok(None));
        assert_eq!(batch.max_timestamp_record(&LIMITS), Ok(Some((Offset(7), NOW))));
    }
}

#[test]
fn offsets_by_time() {
    for codec in Compression::ALL {
        let batch = at(&plain(codec, &[10, 30, 20, 30]), 100);
        let found =
            |time, from| batch.first_record_at_or_after(time, Offset(from), &LIMITS).unwrap();
        assert_eq!(found(-1, 100), Some((Offset(100), 10)));
        assert_eq!(found(11, 100), Some((Offset(101), 30)));
        assert_eq!(found(30, 100), Some((Offset(101), 30)));
        assert_eq!(found(11, 102), Some((Offset(102), 20)));
        assert_eq!(found(30, 102), Some((Offset(103), 30)));
        assert_eq!(found(31, 100), None);
        assert_eq!(batch.max_timestamp_record(&LIMITS), Ok(Some((Offset(101), 30))));
    }
}

#[test]
fn compaction_leaves_gaps() {
    let mut builder = BatchBuilder::new(Compression::Zstd)
        .base_offset(Offset(50), LeaderEpoch(1))
        .log_append_time(NOW);
    builder.push_at(3, 0, Some(b"a"), None, &[]);
    builder.push_at(8, 0, Some(b"b"), None, &[]);
    let batch = RecordBatch::parse(&builder.build().unwrap()).unwrap();
    batch.check_crc().unwrap();
    assert_eq!(batch.header.next_offset(), Offset(59));
    let offsets = batch.records(&LIMITS).unwrap().map(|r| r.unwrap().offset(&batch.header).0);
    assert_eq!(offsets.collect::<Vec<_>>(), [53, 58]);
    assert_eq!(batch.first_record_at_or_after(0, Offset(0), &LIMITS), Ok(Some((Offset(53), NOW))));
}

#[test]
fn sequences_wrap() {
    let mut header = plain(Compression::None, &[NOW; 3]).header;
    assert_eq!(header.last_sequence(), -1);
    header.base_sequence = i32::MAX - 1;
    assert_eq!(header.last_sequence(), 0);
    header.base_sequence = 5;
    assert_eq!(header.last_sequence(), 7);
}

#[test]
fn markers_and_producers() {
    let mut builder =
        BatchBuilder::default().producer(ProducerId(9), 3, -1).transactional().control();
    builder.push(NOW, Some(&[0, 0, 0, 1]), Some(&[0; 6]), &[]);
    let header = BatchHeader::parse(&builder.build().unwrap()).unwrap();
    assert!(header.is_control() && header.is_transactional() && header.has_producer());
    assert_eq!((header.producer_id, header.producer_epoch), (ProducerId(9), 3));
}

proptest! {
    #[test]
    fn headers_round_trip(mut bytes: [u8; 32], tail: [u8; 29]) {
        (bytes[16], bytes[8]) = (2, bytes[8] & 0x7f | 1);
        let bytes = [&bytes[..], &tail].concat();
        let header = BatchHeader::parse(&bytes).unwrap();
        prop_assert_eq!(&header.to_bytes()[..], &bytes[..]);
    }

    #[test]
    fn built_batches_are_read_back(parts in parts(), codec in codec()) {
        let batch = build(codec, &parts);
        prop_assert_eq!(batch.validate(), Ok(()));
        prop_assert_eq!(unbuild(&batch), parts);
    }

    #[test]
    fn recompression_changes_the_codec_alone(parts in parts(), from in codec(), to in codec()) {
        let batch = build(from, &parts);
        let other = batch.recompressed(to, None, &LIMITS).unwrap();
        prop_assert_eq!(other.validate(), Ok(()));
        prop_assert_eq!(other.header.compression(), Ok(to));
        prop_assert_eq!(other.header.max_timestamp, batch.header.max_timestamp);
        prop_assert_eq!(unbuild(&other), parts);
    }

    #[test]
    fn several_batches_are_split(all in prop::collection::vec((parts(), codec()), 0..5)) {
        let batches: Vec<_> = all.iter().map(|(parts, codec)| build(*codec, parts)).collect();
        let bytes = batches.iter().map(|b| &b.bytes[..]).collect::<Vec<_>>().concat();
        let split: Result<Vec<_>, _> = RecordBatch::split_all(bytes.clone().into()).collect();
        prop_assert_eq!(split.as_ref(), Ok(&batches));
        let end = bytes_before_end(&batches);
        let mut cut = RecordBatch::split_all(Bytes::from(bytes).slice(..end)).skip(batches.len().saturating_sub(1));
        let cut_off = matches!(cut.next(), Some(Err(BatchError::Truncated { .. })));
        prop_assert_eq!(cut_off, !batches.is_empty());
        prop_assert!(cut.next().is_none());
    }
}

fn bytes_before_end(batches: &[RecordBatch]) -> usize {
    batches.iter().map(|b| b.bytes.len()).sum::<usize>().saturating_sub(1)
}
