//! Bytes that mean harm: every answer is allowed but a panic, an endless loop or memory without
//! bound.

use super::*;

/// Everything that the broker does with a batch that it has not made.
fn handle(bytes: &Bytes) {
    let rules = AppendRules {
        compacted: true,
        timestamp_type: TimestampType::CreateTime,
        before_max_ms: 1000,
        after_max_ms: 1000,
    };
    if let Ok(batch) = RecordBatch::from_produce(bytes, 12) {
        let _ = batch.prepare_append(&rules, NOW, &LIMITS);
    }
    for batch in RecordBatch::split_all(bytes.clone()).flatten() {
        let _ = batch.validate();
        let _ = batch.validate_records(&rules, NOW, &LIMITS);
        let _ = batch.first_record_at_or_after(NOW, batch.header.base_offset, &LIMITS);
        let _ = batch.max_timestamp_record(&LIMITS);
        let _ = batch.recompressed(Compression::Lz4, None, &LIMITS);
        let _ = (batch.header.last_offset(), batch.header.next_offset());
        let _ = (batch.header.last_sequence(), batch.header.delete_horizon());
        for record in batch.records(&LIMITS).into_iter().flatten().flatten() {
            let _ = (record.offset(&batch.header), record.timestamp(&batch.header));
        }
    }
}

/// A lie that the checksum does not give away.
fn resealed(mut bytes: Vec<u8>) -> Bytes {
    if bytes.len() > BatchHeader::LEN {
        let crc = crc32c::crc32c(&bytes[BatchHeader::CRC_START..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    bytes.into()
}

proptest! {
    #[test]
    fn garbage(bytes: Vec<u8>) {
        handle(&bytes.into());
    }

    #[test]
    fn truncated(parts in parts(), codec in codec(), cut: prop::sample::Index) {
        let bytes = build(codec, &parts).bytes;
        handle(&bytes.slice(..cut.index(bytes.len())));
    }

    #[test]
    fn mutated(parts in parts(), codec in codec(), edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = build(codec, &parts).bytes.to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        handle(&bytes.clone().into());
        handle(&resealed(bytes));
    }

    /// The header promises a number of records, or a length, that is not there.
    #[test]
    fn lying_numbers(parts in parts(), codec in codec(), at in prop::sample::select(vec![0, 8, 23, 27, 35, 57]), number: i32) {
        let mut bytes = build(codec, &parts).bytes.to_vec();
        bytes[at..at + 4].copy_from_slice(&number.to_be_bytes());
        handle(&resealed(bytes));
    }

    #[test]
    fn damage_under_the_checksum_is_seen(parts in parts(), codec in codec(), at: prop::sample::Index, bit in 0..8u8) {
        let mut bytes = build(codec, &parts).bytes.to_vec();
        let at = BatchHeader::CRC_START + at.index(bytes.len() - BatchHeader::CRC_START);
        bytes[at] ^= 1u8 << bit;
        let validated = RecordBatch::parse(&bytes.into()).unwrap().validate();
        let seen = matches!(validated, Err(BatchError::Crc { .. }));
        prop_assert!(seen);
    }
}

/// 2 147 483 647 records in a batch of one: nothing may be reserved for them.
#[test]
fn a_count_reserves_nothing() {
    let batch = edited(&plain(Compression::None, &[NOW]), |h| {
        (h.records_count, h.last_offset_delta) = (i32::MAX, i32::MAX - 1);
    });
    let index = 1;
    let error = BatchError::Record { index, error: FormatError::Truncated };
    assert_eq!(batch.validate(), Err(error.clone()));
    let records: Vec<_> = batch.records(&LIMITS).unwrap().collect();
    assert_eq!((records.len(), records[1].clone()), (2, Err(error)));
}

#[test]
fn a_bomb_in_a_batch_is_refused() {
    let mut builder = BatchBuilder::new(Compression::Zstd);
    builder.push(NOW, Some(b"k"), Some(&vec![0; LIMITS.max_bytes]), &[]);
    let batch = RecordBatch::parse(&builder.build().unwrap()).unwrap();
    assert_eq!(batch.validate(), Ok(()));
    let opened = batch.records(&LIMITS).map(|_| ());
    assert!(matches!(opened, Err(BatchError::Compression(CompressionError::OverLimit { .. }))));
}
