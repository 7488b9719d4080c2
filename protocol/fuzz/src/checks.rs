//! What has to hold for any bytes: nothing panics, nothing grows without bound, and what was read
//! can be written and read again.
//!
//! Each function is one fuzz target. They use what the crate offers to everybody, nothing internal.

use barnabas_protocol::kafka::codec::{Decode, DecodeError, Encode, Request};
use barnabas_protocol::kafka::frame::split_frame;
use barnabas_protocol::kafka::header::{RequestHeader, ResponseHeader};
use barnabas_protocol::kafka::messages::*;
use barnabas_protocol::kafka::record_batch::{
    AppendRules, BatchHeader, Compression, DecompressLimits, RecordBatch, TimestampType,
};
use barnabas_protocol::kafka::{ApiKey, Reader, Writer};
use barnabas_protocol::state::ids::{LeaderEpoch, Offset};
use bytes::{Bytes, BytesMut};

/// Largest frame that the frame target lets pass, in bytes.
const MAX_FRAME: usize = 1 << 16;
/// Any time will do, as long as it is always the same.
const NOW_MS: i64 = 1_700_000_000_000;
/// Small, so that a bomb is found out early.
const LIMITS: DecompressLimits = DecompressLimits { max_bytes: 1 << 20, max_ratio: 250 };

/// Frames and headers: how the bytes are cut into reads must not matter. The first byte is the size
/// of the reads.
pub fn frame(data: &[u8]) {
    let Some((&step, stream)) = data.split_first() else { return };
    let whole = split_all(stream, stream.len().max(1));
    let pieces = split_all(stream, usize::from(step).max(1));
    assert_eq!(whole, pieces, "frames depend on how they arrive");
    for frame in whole {
        let Ok((key, version)) = RequestHeader::peek_api(&frame) else { continue };
        for header_version in 1..=2 {
            let mut reader = Reader::new(frame.clone());
            if let Ok(header) = RequestHeader::decode(&mut reader, header_version) {
                assert_eq!((header.api_key, header.api_version), (key, version));
                let mut writer = Writer::new();
                header.encode(&mut writer, header_version).expect("a header that was read");
                let mut again = Reader::new(writer.into_segments().concat().into());
                assert_eq!(RequestHeader::decode(&mut again, header_version), Ok(header));
            }
        }
        let _ = ResponseHeader::decode(&mut Reader::new(frame.clone()), 1);
        request_of(key, version, &frame);
    }
}

fn split_all(stream: &[u8], step: usize) -> Vec<Bytes> {
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for read in stream.chunks(step) {
        buffer.extend_from_slice(read);
        loop {
            match split_frame(&mut buffer, MAX_FRAME) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_) => return frames,
            }
        }
    }
    frames
}

/// A whole request frame as a broker takes it: the header, then the body of the API that it names.
fn request_of(key: i16, version: i16, frame: &Bytes) {
    let Ok(api) = ApiKey::try_from(key) else { return };
    if !api.versions().is_some_and(|versions| versions.contains(&version)) {
        return;
    }
    let mut reader = Reader::new(frame.clone());
    if RequestHeader::decode(&mut reader, api.request_header_version(version)).is_ok() {
        let body = frame.slice(frame.len() - reader.remaining()..);
        message(api, version, body, Side::Request);
    }
}

/// The bodies of requests. The first byte chooses the API, the second its version.
pub fn request(data: &[u8]) {
    chosen(data, Side::Request);
}

/// The bodies of responses, which a broker reads from other brokers and a command line from any.
/// Bytes as in [`request`].
pub fn response(data: &[u8]) {
    chosen(data, Side::Response);
}

#[derive(Clone, Copy)]
enum Side {
    Request,
    Response,
}

fn chosen(data: &[u8], side: Side) {
    let [api, version, body @ ..] = data else { return };
    let with_messages = ApiKey::ALL.iter().filter(|api| api.versions().is_some());
    let Some((api, versions)) =
        with_messages.cycle().nth(usize::from(*api)).and_then(|api| Some((*api, api.versions()?)))
    else {
        return;
    };
    let count = versions.end() - versions.start() + 1;
    let version = versions.start() + i16::from(*version) % count;
    message(api, version, Bytes::copy_from_slice(body), side);
}

/// Declares [`message`]. An API that has messages and is missing here makes the first input for it
/// fail.
macro_rules! messages {
    ($($key:ident: $request:ty;)*) => {
        fn message(api: ApiKey, version: i16, body: Bytes, side: Side) {
            match (api, side) {
                $(
                    (ApiKey::$key, Side::Request) => round_trip::<$request>(version, body),
                    (ApiKey::$key, Side::Response) => {
                        round_trip::<<$request as Request>::Response>(version, body)
                    }
                )*
                (other, _) => panic!("{other:?} is not in the table"),
            }
        }
    };
}

messages! {
    Produce: ProduceRequest;
    Fetch: FetchRequest;
    ListOffsets: ListOffsetsRequest;
    Metadata: MetadataRequest;
    ApiVersions: ApiVersionsRequest;
    OffsetForLeaderEpoch: OffsetForLeaderEpochRequest;
    DescribeTopicPartitions: DescribeTopicPartitionsRequest;
    OffsetCommit: OffsetCommitRequest;
    OffsetFetch: OffsetFetchRequest;
    FindCoordinator: FindCoordinatorRequest;
    JoinGroup: JoinGroupRequest;
    Heartbeat: HeartbeatRequest;
    LeaveGroup: LeaveGroupRequest;
    SyncGroup: SyncGroupRequest;
    DescribeGroups: DescribeGroupsRequest;
    ListGroups: ListGroupsRequest;
    DeleteGroups: DeleteGroupsRequest;
    OffsetDelete: OffsetDeleteRequest;
    InitProducerId: InitProducerIdRequest;
    CreateTopics: CreateTopicsRequest;
    DeleteTopics: DeleteTopicsRequest;
    CreatePartitions: CreatePartitionsRequest;
    DeleteRecords: DeleteRecordsRequest;
    DescribeConfigs: DescribeConfigsRequest;
    AlterConfigs: AlterConfigsRequest;
    IncrementalAlterConfigs: IncrementalAlterConfigsRequest;
    DescribeCluster: DescribeClusterRequest;
    DescribeLogDirs: DescribeLogDirsRequest;
    AddPartitionsToTxn: AddPartitionsToTxnRequest;
    AddOffsetsToTxn: AddOffsetsToTxnRequest;
    EndTxn: EndTxnRequest;
    TxnOffsetCommit: TxnOffsetCommitRequest;
    SaslHandshake: SaslHandshakeRequest;
    SaslAuthenticate: SaslAuthenticateRequest;
    DescribeAcls: DescribeAclsRequest;
    CreateAcls: CreateAclsRequest;
    DeleteAcls: DeleteAclsRequest;
    DescribeUserScramCredentials: DescribeUserScramCredentialsRequest;
    AlterUserScramCredentials: AlterUserScramCredentialsRequest;
    DescribeClientQuotas: DescribeClientQuotasRequest;
    AlterClientQuotas: AlterClientQuotasRequest;
    ElectLeaders: ElectLeadersRequest;
    AlterPartitionReassignments: AlterPartitionReassignmentsRequest;
    ListPartitionReassignments: ListPartitionReassignmentsRequest;
    DescribeProducers: DescribeProducersRequest;
    DescribeTransactions: DescribeTransactionsRequest;
    ListTransactions: ListTransactionsRequest;
    ListConfigResources: ListConfigResourcesRequest;
    DescribeQuorum: DescribeQuorumRequest;
    UpdateFeatures: UpdateFeaturesRequest;
    UnregisterBroker: UnregisterBrokerRequest;
}

/// What can be read can be written, and is then read as the same; and is written as the same bytes.
fn round_trip<M: Decode + Encode + PartialEq + std::fmt::Debug>(version: i16, body: Bytes) {
    let Ok(message) = M::decode(&mut Reader::new(body), version) else { return };
    let written = write(&message, version);
    let mut reader = Reader::new(written.clone());
    match M::decode(&mut reader, version) {
        Ok(again) => {
            assert_eq!(again, message, "version {version}");
            assert_eq!(reader.finish(), Ok(()), "version {version}");
            assert_eq!(write(&again, version), written, "version {version}");
        }
        // Padding bought memory, and it is not written again.
        Err(DecodeError::BudgetExceeded { .. }) => {}
        Err(error) => panic!("version {version}: {error} in what was written of {message:?}"),
    }
}

fn write<M: Encode + std::fmt::Debug>(message: &M, version: i16) -> Bytes {
    let mut writer = Writer::new();
    if let Err(error) = message.encode(&mut writer, version) {
        panic!("version {version}: {error} for {message:?}");
    }
    writer.into_segments().concat().into()
}

/// Record batches as a producer sends them and as the log keeps them. The first byte: bit 0 puts
/// the checksum right, bit 1 the length, so that what is behind them is reached; bit 2 chooses
/// rules that open the batch.
pub fn record_batch(data: &[u8]) {
    let Some((&mode, batch)) = data.split_first() else { return };
    let bytes = repaired(batch.to_vec(), mode);
    let rules = AppendRules {
        compacted: mode & 4 != 0,
        timestamp_type: if mode & 8 == 0 {
            TimestampType::CreateTime
        } else {
            TimestampType::LogAppendTime
        },
        before_max_ms: if mode & 16 == 0 { i64::MAX } else { 3_600_000 },
        after_max_ms: 3_600_000,
    };
    if let Ok(batch) = RecordBatch::from_produce(&bytes, 9 + i16::from(mode >> 7)) {
        appended(&batch, &rules);
    }
    for batch in RecordBatch::split_all(bytes).flatten() {
        kept(&batch, &rules);
    }
}

fn repaired(mut bytes: Vec<u8>, mode: u8) -> Bytes {
    if mode & 2 != 0 && bytes.len() > BatchHeader::LEN {
        let length = i32::try_from(bytes.len() - BatchHeader::LENGTH_OVERHEAD).unwrap_or(0);
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[16] = BatchHeader::MAGIC.cast_unsigned();
    }
    if mode & 1 != 0
        && let Ok(mut batch) = RecordBatch::parse(&Bytes::copy_from_slice(&bytes))
        && let Err(barnabas_protocol::kafka::record_batch::BatchError::Crc { computed, .. }) =
            batch.check_crc()
    {
        batch.header.crc = computed;
        bytes[..BatchHeader::LEN].copy_from_slice(&batch.header.to_bytes());
    }
    bytes.into()
}

/// What a broker does with a produced batch, and what must be true of the batch that it stores.
fn appended(batch: &RecordBatch, rules: &AppendRules) {
    let Ok(header) = batch.prepare_append(rules, NOW_MS, &LIMITS) else { return };
    let mut batch = batch.clone();
    batch.header = header;
    let stored = batch.stored(Offset(7), LeaderEpoch(3)).to_bytes();
    let again = RecordBatch::parse(&stored).expect("a stored batch is a batch");
    assert_eq!(again.bytes.len(), stored.len());
    assert_eq!(again.check_crc(), Ok(()), "the checksum of a stored batch");
    assert_eq!(again.header.next_offset(), Offset(7 + i64::from(header.records_count)));
    if header.compression() == Ok(Compression::None) || rules.compacted {
        let records: Result<Vec<_>, _> =
            again.records(&LIMITS).expect("was opened before").collect();
        let records = records.expect("was walked before");
        assert_eq!(Ok(records.len()), usize::try_from(header.records_count));
        if rules.timestamp_type == TimestampType::CreateTime {
            let largest = records.iter().map(|record| record.timestamp(&again.header)).max();
            assert_eq!(largest.map(|t| t.max(-1)), Some(again.header.max_timestamp));
        }
    }
}

/// What is done with batches that lie in a log, whatever is in them.
fn kept(batch: &RecordBatch, rules: &AppendRules) {
    let _ = batch.validate();
    let _ = batch.validate_records(rules, NOW_MS, &LIMITS);
    let _ = batch.first_record_at_or_after(NOW_MS, batch.header.base_offset, &LIMITS);
    let _ = batch.max_timestamp_record(&LIMITS);
    let _ = (batch.header.last_offset(), batch.header.next_offset());
    let _ = (batch.header.last_sequence(), batch.header.delete_horizon());
    if let Ok(other) = batch.recompressed(Compression::None, None, &LIMITS) {
        assert_eq!(other.check_crc(), Ok(()), "the checksum of a recompressed batch");
        assert_eq!(Ok(other.body()), batch.decompressed(&LIMITS));
    }
    for record in batch.records(&LIMITS).into_iter().flatten().flatten() {
        let _ = (record.offset(&batch.header), record.timestamp(&batch.header));
    }
}

/// One codec: never more than the limit, and what comes out goes in and out again.
pub fn decompress(codec: Compression, data: &[u8]) {
    let Ok(opened) = codec.decompress(data, &LIMITS) else { return };
    assert!(opened.len() <= LIMITS.max_bytes, "{} bytes", opened.len());
    let packed = codec.compress(&opened).expect("any bytes can be compressed");
    assert_eq!(codec.decompress(&packed, &LIMITS), Ok(opened));
}
