//! The formats before record batches (magic 0 and 1): no producer of today writes them, and they
//! may hold each other.

use barnabas_protocol::kafka::ErrorCode;
use barnabas_protocol::kafka::messages::FetchRequest;
use barnabas_protocol::kafka::record_batch::Compression;

use crate::neighbour::{Neighbour, fetch};
use crate::raw::{Answer, frame, request_bytes};
use crate::target::{MIB, Target, batch, produce, produced};

/// CRC-32 as in zip files, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}

/// A message with its offset and length, as it stands in a set.
fn message(magic: i8, codec: Compression, value: &[u8]) -> Vec<u8> {
    let attributes = i8::try_from(codec.id()).expect("small");
    let mut body = [magic.to_be_bytes(), attributes.to_be_bytes()].concat();
    if magic == 1 {
        body.extend(1_700_000_000_000_i64.to_be_bytes());
    }
    body.extend((-1_i32).to_be_bytes());
    body.extend(u32::try_from(value.len()).expect("small").to_be_bytes());
    body.extend(value);
    let length = i32::try_from(4 + body.len()).expect("small");
    [&[0; 8][..], &length.to_be_bytes(), &crc32(&body).to_be_bytes(), &body].concat()
}

/// Messages within compressed messages, `depth` of them.
fn nested(magic: i8, depth: usize) -> Vec<u8> {
    let inner = message(magic, Compression::None, b"inside");
    (0..depth).fold(inner, |inner, _| {
        message(magic, Compression::Gzip, &Compression::Gzip.compress(&inner).expect("compressed"))
    })
}

#[test]
fn message_sets_are_refused_unopened() {
    let mut target = Target::start(&[]);
    target.create_topic("old", &[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let mut client = target.connect();
    for magic in [0, 1] {
        let bomb = Compression::Gzip.compress(&vec![0; 64 * MIB]).expect("compressed");
        let sets = [
            ("a message", message(magic, Compression::None, b"value")),
            ("three messages", message(magic, Compression::None, b"value").repeat(3)),
            ("a compressed message", nested(magic, 1)),
            ("a hundred within each other", nested(magic, 100)),
            ("a bomb", message(magic, Compression::Gzip, &bomb)),
            (
                "a batch behind it",
                [message(magic, Compression::None, b"v"), batch(b"b").to_vec()].concat(),
            ),
            (
                "it behind a batch",
                [batch(b"b").to_vec(), message(magic, Compression::None, b"v")].concat(),
            ),
        ];
        for (what, set) in sets {
            for version in [3, 9] {
                let request = produce("old", 0, 1, set.clone().into());
                let answer =
                    client.ask(version, &request).responses.remove(0).partition_responses.remove(0);
                let code = answer.error_code;
                assert!(
                    matches!(code, ErrorCode::InvalidRecord | ErrorCode::CorruptMessage),
                    "magic {magic}, {what}, version {version}: {code:?}"
                );
                assert_eq!(answer.base_offset, -1);
            }
        }
    }
    assert_eq!(produced(&mut client, &produce("old", 0, 1, batch(b"new"))).base_offset, 0);
    neighbour.move_out();
    target.is_well();
    target.has_grown_less("VmHWM", before, 40 * MIB, "for message sets");
}

/// The versions of Produce and Fetch that would need them.
#[test]
fn requests_for_message_sets_close_their_connection() {
    let target = Target::start(&[]);
    target.create_topic("old", &[]);
    let produce =
        request_bytes(3, &produce("old", 0, 1, message(1, Compression::None, b"v").into()));
    for version in 0..3 {
        let mut client = target.connect();
        // As version 3 but for the transactional id, which is the first field.
        client.send_frame(&frame(0, version, 1, &produce[25..]));
        assert_eq!(client.answer(), Answer::Closed, "Produce {version}");
    }
    let fetch: FetchRequest = fetch("old", 0, 1000);
    let body = request_bytes(4, &fetch);
    for version in 0..4 {
        let mut client = target.connect();
        client.send_frame(&frame(1, version, 1, &body[21..]));
        assert_eq!(client.answer(), Answer::Closed, "Fetch {version}");
    }
}
