//! What is wrong before a request is understood.

use barnabas_protocol::kafka::codec::Decode;
use barnabas_protocol::kafka::messages::{
    ApiVersionsRequest, ApiVersionsResponse, MetadataRequest,
};
use barnabas_protocol::kafka::{ApiKey, ErrorCode, Reader};

use crate::neighbour::Neighbour;
use crate::raw::{Answer, Raw, api_versions, frame, request_bytes};
use crate::target::{MIB, Target, batch, produce, produced};

/// Sends bytes on a connection of their own; they must end it.
#[track_caller]
fn closes(target: &Target, what: &str, bytes: &[u8]) {
    let mut client = target.connect();
    client.send(bytes);
    assert_eq!(client.answer(), Answer::Closed, "{what}");
}

/// As [`closes`], for a frame with its true length.
#[track_caller]
fn frame_closes(target: &Target, what: &str, bytes: &[u8]) {
    let mut client = target.connect();
    client.send_frame(bytes);
    assert_eq!(client.answer(), Answer::Closed, "{what}");
}

fn supported(target: &Target) -> ApiVersionsResponse {
    target.ask(3, &api_versions())
}

#[test]
fn impossible_frames_close_their_connection() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let too_long = 100 * 1024 * 1024 + 1;
    for length in [0, -1, i32::MIN, too_long, i32::MAX] {
        closes(&target, &format!("length {length}"), &length.to_be_bytes());
    }
    for length in [1, 2, 3, 7, 8, 9] {
        let start = &frame(3, 9, 1, &[])[..length];
        frame_closes(&target, &format!("a header of {length} bytes"), start);
    }
    frame_closes(&target, "a client id of 32 767 bytes", &[0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 0xff]);
    frame_closes(&target, "a client id of -2 bytes", &[0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xfe, 0, 0]);
    let tags = frame(3, 9, 1, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]);
    frame_closes(&target, "2^32-1 tags in the header", &tags);
    let tag = frame(3, 9, 1, &[1, 0, 0xff, 0xff, 0xff, 0xff, 0x07, 0, 0]);
    frame_closes(&target, "a tag of 2^31-1 bytes in the header", &tag);
    neighbour.move_out();
    target.is_well();
}

#[test]
fn other_protocols_are_recognized() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    // The start of a TLS 1.2 ClientHello, with the record layer of TLS 1.0 as everybody sends it.
    let tls = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 506]].concat();
    closes(&target, "TLS", &tls);
    closes(&target, "GET", b"GET /metrics HTTP/1.1\r\nHost: broker:9092\r\n\r\n");
    closes(&target, "POST", b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    closes(&target, "HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    closes(&target, "SSH", b"SSH-2.0-OpenSSH_9.2\r\n");
    closes(&target, "PROXY", b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
    if target.is_ours() {
        let log = target.log();
        assert!(log.contains("TLS") && log.contains("HTTP"), "{log}");
    }
    neighbour.move_out();
    target.is_well();
}

#[test]
fn unknown_apis_and_versions_close_their_connection() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let served = supported(&target).api_keys;
    for key in [-1, 93, 1000, i16::MAX, i16::MIN] {
        frame_closes(&target, &format!("API {key}"), &frame(key, 0, 1, &[]));
    }
    // What brokers and controllers say to each other is not for clients, whatever the version.
    let forged = [
        ApiKey::LeaderAndIsr,
        ApiKey::StopReplica,
        ApiKey::UpdateMetadata,
        ApiKey::ControlledShutdown,
        ApiKey::AlterPartition,
        ApiKey::Vote,
        ApiKey::Envelope,
        ApiKey::BrokerRegistration,
    ];
    for api in forged {
        for version in 0..8 {
            let forged = frame(api.into(), version, 2, &[0; 64]);
            frame_closes(&target, &format!("{api} {version}"), &forged);
        }
    }
    for api in served.iter().filter(|api| api.api_key != i16::from(ApiKey::ApiVersions)) {
        for version in [-1, i16::MIN, api.max_version + 1, i16::MAX] {
            let what = format!("API {} version {version}", api.api_key);
            frame_closes(&target, &what, &frame(api.api_key, version, 1, &[0; 16]));
        }
    }
    neighbour.move_out();
    target.is_well();
}

/// KIP-511: a client from the future is told what there is, in a version that it can read.
#[test]
fn api_versions_from_the_future_are_answered_in_version_zero() {
    let target = Target::start(&[]);
    for version in [-1, 5, 100, i16::MAX] {
        let mut client = target.connect();
        client.send_frame(&frame(ApiKey::ApiVersions.into(), version, 1, &[0; 40]));
        let Answer::Frame(answer) = client.answer() else { panic!("closed at version {version}") };
        let mut reader = Reader::new(answer.slice(4..));
        let response = ApiVersionsResponse::decode(&mut reader, 0).expect("version 0");
        assert_eq!(response.error_code, ErrorCode::UnsupportedVersion);
        // The connection goes on.
        assert!(!client.ask(3, &api_versions()).api_keys.is_empty());
    }
}

/// A flexible body behind an old header, and the other way round.
#[test]
fn a_header_of_another_version_does_not_get_through() {
    let target = Target::start(&[]);
    let produce = [0, 0, 1, 0, 0, 0x75, 0x30, 2, 2, b't', 1, 0, 0];
    frame_closes(&target, "Produce 9 with header 1", &frame(0, 9, 1, &produce));
    let old = [0xff, 0xff, 0, 1, 0, 0, 0x75, 0x30, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 0];
    frame_closes(&target, "Produce 7 with header 2", &frame(0, 7, 2, &old));
}

/// Every served API in its first and last version, with bodies that are as wrong as they can be.
/// Some are answered, most are not; what counts is that the broker and its neighbour live on.
#[test]
fn any_body_is_survived_by_every_api() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    for api in supported(&target).api_keys {
        for version in [api.min_version, api.max_version] {
            for byte in [0, 1, 2, 0x7f, 0x80, 0xfe, 0xff] {
                for length in [0, 5, 300] {
                    for header_version in [1, 2] {
                        let body = vec![byte; length];
                        let mut client = target.connect();
                        client.send_frame(&frame(api.api_key, version, header_version, &body));
                        client.finish_sending();
                    }
                }
            }
        }
    }
    neighbour.move_out();
    target.is_well();
    target.has_grown_less("VmHWM", before, 100 * MIB, "for bodies of any kind");
}

#[test]
fn a_thousand_bad_clients_write_a_few_lines() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    for round in 0..1000 {
        let mut client = target.connect();
        match round % 3 {
            0 => client.send(b"GET / HTTP/1.1\r\n\r\n"),
            1 => client.send_frame(&frame(i16::MAX, 0, 1, &[])),
            _ => client.send_frame(&frame(3, 1, 1, &[0x7f, 0xff, 0xff, 0xff])),
        }
        assert_eq!(client.answer(), Answer::Closed);
    }
    neighbour.move_out();
    target.is_well();
}

/// What a client has sent is answered also when it sends no more: `printf ... | nc` works.
#[test]
fn a_half_closed_connection_is_answered() {
    let target = Target::start(&[]);
    let mut client = target.connect();
    let metadata = request_bytes(
        1,
        &MetadataRequest { topics: Some(Vec::new()), ..MetadataRequest::default() },
    );
    client.send(&metadata.repeat(3));
    client.finish_sending();
    for _ in 0..3 {
        assert!(!client.response::<MetadataRequest>(1).brokers.is_empty());
    }
    assert_eq!(client.answer(), Answer::Closed);
}

/// A length and its frame, byte by byte; two frames in one piece; bytes behind a message.
#[test]
fn honest_frames_arrive_however_they_are_cut() {
    let target = Target::start(&[]);
    let mut client = Raw::connect(target.bootstrap());
    let request = request_bytes(3, &api_versions());
    for byte in &request {
        client.send(&[*byte]);
    }
    assert!(!client.response::<ApiVersionsRequest>(3).api_keys.is_empty());
    client.send(&request.repeat(2));
    for _ in 0..2 {
        assert!(!client.response::<ApiVersionsRequest>(3).api_keys.is_empty());
    }
    client.send_frame(&[&request[4..], &[1, 2, 3]].concat());
    assert!(!client.response::<ApiVersionsRequest>(3).api_keys.is_empty());
}

/// What came before a frame that ends the connection was done, and its sender is told so: also
/// where the end comes for a length, an API, or a produce request that fails without an answer.
#[test]
fn what_came_before_the_last_frame_is_answered() {
    let mut target = Target::start(&[]);
    target.create_topic("last", &[]);
    let good = request_bytes(9, &produce("last", 0, -1, batch(&[7; 100])));
    let silent = request_bytes(9, &produce("no such topic", 0, 0, batch(b"lost")));
    let unknown = [&[0, 0, 0, 8][..], &[0x7f; 8]].concat();
    let negative = vec![0xff; 4];
    for last in [silent, unknown, negative] {
        let mut client = target.connect();
        client.send(&[&good.repeat(20)[..], &last, &good].concat());
        for _ in 0..20 {
            assert!(matches!(client.answer(), Answer::Frame(_)), "before {last:?}");
        }
        assert_eq!(client.answer(), Answer::Closed, "after {last:?}");
    }
    let next = produced(&mut target.connect(), &produce("last", 0, -1, batch(b"next")));
    assert!(!target.is_ours() || next.base_offset == 60, "at {}", next.base_offset);
    target.is_well();
}
