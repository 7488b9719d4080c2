//! Record batches: whatever is wrong with one is answered with Kafka's error, and nothing of it is
//! in the log.

use barnabas_protocol::kafka::ErrorCode::{self, *};
use barnabas_protocol::kafka::record_batch::{BatchBuilder, BatchHeader, Compression};
use barnabas_protocol::state::ids::ProducerId;
use bytes::Bytes;

use crate::neighbour::Neighbour;
use crate::raw::{Answer, Raw};
use crate::target::{MIB, Target, batch, produce, produced};

const NOW_MS: i64 = 1_700_000_000_000;

/// A batch of three records.
fn three(compression: Compression) -> Vec<u8> {
    builder(compression).build().expect("a batch").to_vec()
}

fn builder(compression: Compression) -> BatchBuilder {
    let mut builder = BatchBuilder::new(compression);
    for value in [b"one", b"two", b"six"] {
        builder.push(NOW_MS, Some(b"key"), Some(value), &[]);
    }
    builder
}

/// A lie that the checksum does not give away.
fn resealed(mut bytes: Vec<u8>) -> Bytes {
    if let Some(covered) = bytes.get(21..) {
        let crc = crc32c::crc32c(covered);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    bytes.into()
}

/// The batch of three with other bytes at one place of its header.
fn with(at: usize, bytes: &[u8]) -> Bytes {
    let mut batch = three(Compression::None);
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    resealed(batch)
}

/// A batch with a header of our choice around any bytes.
fn around(body: &[u8], count: i32, attributes: i16) -> Bytes {
    let empty = three(Compression::None);
    let mut bytes = [&empty[..BatchHeader::LEN], body].concat();
    let length = i32::try_from(bytes.len() - BatchHeader::LENGTH_OVERHEAD).expect("fits");
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    bytes[21..23].copy_from_slice(&attributes.to_be_bytes());
    bytes[23..27].copy_from_slice(&(count - 1).to_be_bytes());
    bytes[57..61].copy_from_slice(&count.to_be_bytes());
    resealed(bytes)
}

/// Sends each and checks its error; afterwards the log is still empty.
#[track_caller]
fn refused(target: &Target, topic: &str, cases: Vec<(&str, Bytes, &[ErrorCode])>) {
    target.create_topic(topic, &[]);
    let mut client = target.connect();
    let mut wrong = Vec::new();
    for (what, bytes, expected) in cases {
        let got = produced(&mut client, &produce(topic, 0, 1, bytes));
        // Kafka does not expect everything.
        let unexpected = !target.is_ours() && got.error_code == UnknownServerError;
        if !(expected.contains(&got.error_code) || unexpected) || got.base_offset != -1 {
            wrong.push(format!("{what}: {:?} at {}", got.error_code, got.base_offset));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    first_is_first(&mut client, topic);
}

/// A good batch gets offset 0: nothing came before it.
#[track_caller]
fn first_is_first(client: &mut Raw, topic: &str) {
    let good = produced(client, &produce(topic, 0, 1, batch(b"good")));
    assert_eq!((good.error_code, good.base_offset), (None, 0));
}

#[test]
fn headers_that_lie_are_refused() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let whole = three(Compression::None);
    let length = |length: i32| with(8, &length.to_be_bytes());
    let count = |count: i32| with(57, &count.to_be_bytes());
    let delta = |delta: i32| with(23, &delta.to_be_bytes());
    let mut bad_crc = whole.clone();
    bad_crc[17] ^= 1;
    let mut bad_value = whole.clone();
    *bad_value.last_mut().expect("bytes") ^= 1;
    let corrupt: &[ErrorCode] = &[CorruptMessage];
    let invalid: &[ErrorCode] = &[InvalidRecord];
    let cases = vec![
        ("no bytes", Bytes::new(), invalid),
        ("half a header", whole[..30].to_vec().into(), invalid),
        ("all but the last byte", whole[..whole.len() - 1].to_vec().into(), invalid),
        ("two batches", whole.repeat(2).into(), invalid),
        ("length 0", length(0), corrupt),
        ("length -1", length(-1), corrupt),
        ("length -2^31", length(i32::MIN), corrupt),
        ("length 13", length(13), corrupt),
        ("length 48", length(48), corrupt),
        ("length 2^31-1", length(i32::MAX), invalid),
        ("magic -1", with(16, &[0xff]), corrupt),
        ("magic 0", with(16, &[0]), &[InvalidRecord, CorruptMessage]),
        ("magic 1", with(16, &[1]), &[InvalidRecord, CorruptMessage]),
        ("magic 3", with(16, &[3]), corrupt),
        ("checksum", bad_crc.into(), corrupt),
        ("a bit of a value", bad_value.into(), corrupt),
        ("count 0", count(0), invalid),
        ("count -1", count(-1), invalid),
        ("count 2", count(2), invalid),
        ("count 2^31-1", count(i32::MAX), invalid),
        ("last offset delta 3", delta(3), invalid),
        ("last offset delta -1", delta(-1), invalid),
        ("count and delta 2^31-1", around(&whole[61..], i32::MAX, 0), invalid),
        ("base offset 5", with(0, &5_i64.to_be_bytes()), invalid),
        ("base offset -1", with(0, &(-1_i64).to_be_bytes()), invalid),
        ("a control batch", with(21, &0x20_i16.to_be_bytes()), invalid),
        (
            "a control batch of a transaction",
            with(21, &0x30_i16.to_be_bytes()),
            &[InvalidRecord, TransactionalIdAuthorizationFailed],
        ),
        ("codec 5", with(21, &5_i16.to_be_bytes()), &[UnsupportedCompressionType]),
        ("codec 7", with(21, &7_i16.to_be_bytes()), &[UnsupportedCompressionType]),
    ];
    refused(&target, "headers", cases);
    neighbour.move_out();
    target.is_well();
}

#[test]
fn records_that_lie_are_refused() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let huge = [0xfe, 0xff, 0xff, 0xff, 0x0f];
    let overlong = [0xff; 11];
    // A record: length, attributes, timestamp, offset, key, value, headers; numbers in zigzag.
    let mut records: Vec<(&str, Vec<u8>)> = vec![
        ("length 2^31-1", huge.to_vec()),
        ("length without end", overlong.to_vec()),
        ("length -1", vec![1, 0]),
        ("length 0", vec![0]),
        ("length beyond the batch", vec![0x7e, 0, 0, 0, 1, 1, 0]),
        ("length of half the record", vec![6, 0, 0, 0, 1, 1, 0]),
        ("key of 2^31-1 bytes", [&[20, 0, 0, 0][..], &huge, &[1, 0]].concat()),
        ("value of 2^31-1 bytes", [&[20, 0, 0, 0, 1][..], &huge, &[0]].concat()),
        ("2^31-1 headers", [&[18, 0, 0, 0, 1, 1][..], &huge].concat()),
        ("-1 headers", vec![12, 0, 0, 0, 1, 1, 1]),
        ("a header without key", vec![16, 0, 0, 0, 1, 1, 2, 1, 1]),
        ("a header key of 2^31-1 bytes", [&[22, 0, 0, 0, 1, 1, 2][..], &huge].concat()),
        ("a header value of 2^31-1 bytes", [&[24, 0, 0, 0, 1, 1, 2, 0][..], &huge].concat()),
        ("offset without end", [&[32, 0, 0][..], &overlong, &[1, 1, 0]].concat()),
        ("timestamp without end", [&[32, 0][..], &overlong, &[0, 1, 1, 0]].concat()),
        ("bytes behind the record", vec![12, 0, 0, 0, 1, 1, 0, 7, 7]),
        ("bytes behind the headers", vec![16, 0, 0, 0, 1, 1, 0, 7, 7]),
    ];
    if target.is_ours() {
        // Kafka takes it, and gives it an offset that is not its own.
        records.push(("offset 1", vec![12, 0, 0, 2, 1, 1, 0]));
    }
    let expected: &[ErrorCode] = &[InvalidRecord];
    let cases = records.iter().map(|(what, body)| (*what, around(body, 1, 0), expected)).collect();
    refused(&target, "records", cases);
    neighbour.move_out();
    target.is_well();
}

#[test]
fn producers_that_lie_are_refused() {
    let target = Target::start(&[]);
    let numbered = |id: i64, epoch: i16, sequence: i32| {
        builder(Compression::None).producer(ProducerId(id), epoch, sequence).build().expect("ok")
    };
    let transactional = builder(Compression::None).producer(ProducerId(7), 0, 0).transactional();
    let invalid: &[ErrorCode] = &[InvalidRecord];
    let cases = vec![
        ("a producer without a sequence", numbered(7, 0, -1), invalid),
        ("sequence -2^31", numbered(7, 0, i32::MIN), invalid),
        (
            "a transaction that nobody began",
            transactional.build().expect("a batch"),
            &[
                InvalidTxnState,
                InvalidProducerEpoch,
                TransactionalIdAuthorizationFailed,
                InvalidProducerIdMapping,
            ][..],
        ),
    ];
    refused(&target, "producers", cases);

    // The sequence of a producer that is known here.
    target.create_topic("sequence", &[]);
    let mut client = target.connect();
    let mut send = |epoch, sequence| {
        produced(&mut client, &produce("sequence", 0, 1, numbered(9, epoch, sequence)))
    };
    assert_eq!(send(5, 0).base_offset, 0);
    assert_eq!(send(5, 0).base_offset, 0, "the same again");
    assert_eq!(send(5, 4).error_code, OutOfOrderSequenceNumber, "a gap");
    assert_eq!(send(5, 1).error_code, OutOfOrderSequenceNumber, "half of it again");
    assert_eq!(send(4, 3).error_code, InvalidProducerEpoch, "an older epoch");
    assert_eq!(send(6, 3).error_code, OutOfOrderSequenceNumber, "a new epoch starts at 0");
    assert_eq!(send(i16::MAX, 0).base_offset, 3, "the last epoch");
    assert_eq!(send(i16::MAX, 3).base_offset, 6);
}

/// A bound on timestamps in the past: every record is looked at, so compressed ones have to be
/// opened.
const LOOKED_AT: (&str, &str) = ("message.timestamp.before.max.ms", "9000000000000000");

#[test]
fn bombs_and_broken_codecs_are_refused_in_bounded_memory() {
    let mut target = Target::start(&[]);
    let configs = [LOOKED_AT, ("max.message.bytes", "20971520")];
    target.create_topic("looked-at", &configs);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let codecs = [Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd];
    let mut cases: Vec<(String, Bytes)> = Vec::new();
    for codec in codecs {
        let zeros = codec.compress(&vec![0; 64 * MIB]).expect("compressed");
        let name = codec.name();
        // Every codec but LZ4 allows for one after the other; that is cut off by the length of the
        // batch.
        let bomb = zeros.repeat((10 * MIB / zeros.len()).clamp(1, 200));
        cases.push((format!("a bomb of {name}"), around(&bomb, 1, codec.id())));
        cases.push((format!("{name} cut off"), around(&zeros[..zeros.len() / 2], 1, codec.id())));
        cases.push((format!("{name} that is none"), around(&[0x55; 500], 1, codec.id())));
        cases.push((format!("{name} of nothing"), around(&[], 1, codec.id())));
    }
    let snappy = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\x7f\xff\xff\xff";
    cases.push(("a snappy chunk of 2^31-1 bytes".into(), around(snappy, 1, 2)));
    cases.push((
        "a snappy block of 2^32-1 bytes".into(),
        around(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], 1, 2),
    ));
    let window = [0x28, 0xb5, 0x2f, 0xfd, 0, (31 - 10) << 3, 1, 0, 0];
    cases.push(("a zstd window of 2 GiB".into(), around(&window, 1, 4)));
    let lz4 = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82, 0xff, 0xff, 0xff, 0x7f];
    cases.push(("an LZ4 block of 2 GiB".into(), around(&lz4, 1, 3)));
    let mut client = target.connect();
    let mut wrong = Vec::new();
    for (what, bytes) in cases {
        let got = produced(&mut client, &produce("looked-at", 0, 1, bytes)).error_code;
        // Kafka answers UNKNOWN_SERVER_ERROR to what it cannot open.
        let right = if target.is_ours() { got == InvalidRecord } else { got != None };
        if !right {
            wrong.push(format!("{what}: {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    first_is_first(&mut client, "looked-at");
    neighbour.move_out();
    target.is_well();
    target.has_grown_less("VmHWM", before, 420 * MIB, "for bombs");
}

/// What a topic does not need to look at, it keeps closed: as in Kafka, that is the consumers'
/// business.
#[test]
fn too_large_batches_are_refused_before_they_are_opened() {
    let target = Target::start(&[]);
    target.create_topic("limited", &[("max.message.bytes", "1000"), LOOKED_AT]);
    let mut client = target.connect();
    let bomb = Compression::Gzip.compress(&vec![0; 8 * MIB]).expect("compressed");
    for bytes in [batch(&[7; 2000]), around(&bomb, 1, 1)] {
        let got = produced(&mut client, &produce("limited", 0, 1, bytes));
        assert_eq!(got.error_code, MessageTooLarge);
    }
    first_is_first(&mut client, "limited");
}

#[test]
fn odd_produce_requests_get_their_errors() {
    let target = Target::start(&[]);
    target.create_topic("odd", &[]);
    let mut client = target.connect();
    let mut send = |topic: &str, index, acks| {
        produced(&mut client, &produce(topic, index, acks, batch(b"x"))).error_code
    };
    for acks in [2, 7, -2, i16::MAX, i16::MIN] {
        assert_eq!(send("odd", 0, acks), InvalidRequiredAcks, "acks={acks}");
    }
    for index in [1, -1, i32::MIN, i32::MAX] {
        assert_eq!(send("odd", index, 1), UnknownTopicOrPartition, "partition {index}");
    }
    for topic in ["", "..", "a b", "../../etc/passwd", "nul\0l"] {
        let got = send(topic, 0, 1);
        assert!(matches!(got, UnknownTopicOrPartition | InvalidTopicException), "{topic}: {got:?}");
    }
    let internal = send("__consumer_offsets", 0, 1);
    assert!(matches!(internal, UnknownTopicOrPartition | InvalidTopicException), "{internal:?}");
    first_is_first(&mut client, "odd");
    // Who wants no answer learns of an error by the end of the connection.
    client.send_request(9, &produce("odd", 5, 0, batch(b"x")));
    assert_eq!(client.answer(), Answer::Closed);
}
