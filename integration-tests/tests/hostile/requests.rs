//! Requests that lie about their contents, or ask for the impossible.

use barnabas_protocol::kafka::ApiKey;
use barnabas_protocol::kafka::ErrorCode::*;
use barnabas_protocol::kafka::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use barnabas_protocol::kafka::messages::list_offsets::{ListOffsetsPartition, ListOffsetsTopic};
use barnabas_protocol::kafka::messages::*;
use barnabas_protocol::kafka::primitives::varint::u32_bytes;

use crate::neighbour::{Neighbour, fetch};
use crate::raw::{Answer, frame};
use crate::target::{MIB, Target, batch, produce, produced};

/// Sends a body behind a header; the connection must end.
#[track_caller]
fn closes(target: &Target, what: &str, api: ApiKey, version: i16, body: &[u8]) {
    let mut client = target.connect();
    client.send_frame(&frame(api.into(), version, api.request_header_version(version), body));
    assert_eq!(client.answer(), Answer::Closed, "{what}");
}

#[test]
fn counts_and_lengths_that_lie_close_the_connection() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let array = |count: i32| [&count.to_be_bytes()[..], &[0, 1, b't', 0]].concat();
    for count in [i32::MAX, 1 << 30, 3, -2, i32::MIN] {
        let what = format!("an array of {count} topics");
        closes(&target, &what, ApiKey::Metadata, 1, &array(count));
    }
    let compact: [(&str, &[u8]); 6] = [
        ("2^32-2 topics", &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0]),
        ("2^31 topics", &[0x81, 0x80, 0x80, 0x80, 0x08, 0, 0, 0, 0]),
        ("a count of 33 bits", &[0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0, 0]),
        ("a count without end", &[0xff; 12]),
        ("a count that ends too early", &[0x80]),
        (
            "a name of 2^31 bytes",
            &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0x80, 0x80, 0x80, 8],
        ),
    ];
    for (what, body) in compact {
        closes(&target, what, ApiKey::Metadata, 12, body);
    }
    let strings: [(&str, &[u8]); 3] = [
        ("a name of 32 767 bytes", &[0, 0, 0, 1, 0x7f, 0xff, b't']),
        ("a name of -2 bytes", &[0, 0, 0, 1, 0xff, 0xfe, b't', b't']),
        ("a name that is null", &[0, 0, 0, 1, 0xff, 0xff, 0, 0]),
    ];
    for (what, body) in strings {
        closes(&target, what, ApiKey::Metadata, 1, body);
    }
    let nested = [
        &[0xff, 0xff, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 1, b't'][..],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0; 60],
    ];
    closes(&target, "2^31-1 partitions", ApiKey::Produce, 7, &nested.concat());
    let records = [
        &[0xff, 0xff, 0, 1, 0, 0, 0, 9, 0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0][..],
        &[0x7f, 0xff, 0xff, 0xff],
        &[0; 60],
    ];
    closes(&target, "2^31-1 bytes of records", ApiKey::Produce, 7, &records.concat());
    neighbour.move_out();
    target.is_well();
    target.has_grown_less("VmHWM", before, 40 * MIB, "for lengths that lie");
}

/// KIP-482: unknown tags are skipped; sections that lie are refused.
#[test]
fn tagged_fields_are_skipped_or_refused() {
    let target = Target::start(&[]);
    let api_versions = |tags: &[u8]| [&[2, b'x', 2, b'1'][..], tags].concat();
    let refused: [(&str, &[u8]); 5] = [
        ("2^32-1 tags", &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        ("2^31 tags, and some are there", &[0x80, 0x80, 0x80, 0x80, 0x08, 1, 0, 2, 0, 3, 0]),
        ("a tag of 2^31-1 bytes", &[1, 9, 0xff, 0xff, 0xff, 0xff, 0x07, 0]),
        ("a tag without end", &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
        ("fewer tags than said", &[2, 9, 0]),
    ];
    for (what, tags) in refused {
        closes(&target, what, ApiKey::ApiVersions, 3, &api_versions(tags));
    }
    let mut client = target.connect();
    let many = (0..50).flat_map(|tag| [50 + tag, 1, 7]).collect::<Vec<u8>>();
    for tags in [vec![1, 100, 2, 7, 7], [vec![50], many].concat()] {
        client.send_frame(&frame(ApiKey::ApiVersions.into(), 3, 2, &api_versions(&tags)));
        assert!(!client.response::<ApiVersionsRequest>(3).api_keys.is_empty());
    }
}

/// Elements that take one byte in the frame and fifty in memory.
#[test]
fn small_frames_do_not_become_large_in_memory() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let count = 8_000_000_u32;
    let body = [u32_bytes(count + 1).as_slice(), &vec![1; count as usize], &[0, 0]].concat();
    closes(&target, "eight million empty names", ApiKey::DescribeGroups, 5, &body);
    neighbour.move_out();
    target.is_well();
    target.has_grown_less("VmHWM", before, 200 * MIB, "for a frame of 8 MB");
}

#[test]
fn odd_fetches_get_their_errors() {
    let mut target = Target::start(&[]);
    target.create_topic("odd", &[]);
    let mut client = target.connect();
    assert_eq!(produced(&mut client, &produce("odd", 0, 1, batch(b"x"))).error_code, None);
    let mut at =
        |offset| client.ask(12, &fetch("odd", offset, 1000)).responses[0].partitions[0].error_code;
    for offset in [-1, -2, 2, i64::MIN, i64::MAX] {
        assert_eq!(at(offset), OffsetOutOfRange, "{offset}");
    }
    // Nothing to wait for, whatever is said about waiting.
    for (wait, min, max) in
        [(0, i32::MAX, i32::MAX), (-1, 1, 0), (i32::MIN, i32::MIN, i32::MIN), (100, i32::MAX, -1)]
    {
        let mut request = fetch("odd", 0, max);
        (request.max_wait_ms, request.min_bytes) = (wait, min);
        let response = client.ask(12, &request);
        assert_eq!(response.responses[0].partitions[0].error_code, None, "{wait} {min} {max}");
    }
    // Sessions that nobody opened.
    for (id, epoch, expected) in [
        (12345, 5, FetchSessionIdNotFound),
        (-1, 1, FetchSessionIdNotFound),
        (0, 7, FetchSessionIdNotFound),
    ] {
        let mut request = fetch("odd", 0, 1000);
        (request.session_id, request.session_epoch) = (id, epoch);
        assert_eq!(client.ask(12, &request).error_code, expected, "{id} {epoch}");
    }
    // A client that says it is a broker (CVE-2018-1288) moves nothing and learns nothing.
    let mut follower = fetch("odd", 1, 1000);
    follower.replica_id = 2;
    let partition = client.ask(12, &follower).responses[0].partitions.remove(0);
    assert!(
        matches!(
            partition.error_code,
            NotLeaderOrFollower
                | UnknownTopicOrPartition
                | UnknownServerError
                | ReplicaNotAvailable
        ),
        "{partition:?}"
    );
    target.is_well();
}

#[test]
fn odd_offsets_get_their_errors() {
    let target = Target::start(&[]);
    target.create_topic("odd", &[]);
    let mut client = target.connect();
    let mut list = |timestamp| {
        let partitions =
            vec![ListOffsetsPartition { timestamp, ..ListOffsetsPartition::default() }];
        let topics = vec![ListOffsetsTopic { name: "odd".into(), partitions }];
        let request =
            ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
        client.ask(7, &request).topics[0].partitions[0].error_code
    };
    for timestamp in [-1, -2, 0, i64::MAX] {
        assert_eq!(list(timestamp), None, "{timestamp}");
    }
    for timestamp in [-100, i64::MIN] {
        let code = list(timestamp);
        assert!(
            matches!(code, None | InvalidRequest | UnsupportedVersion),
            "{timestamp}: {code:?}"
        );
    }
    let mut cut = |offset| {
        let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset }];
        let topics = vec![DeleteRecordsTopic { name: "odd".into(), partitions }];
        let request = DeleteRecordsRequest { topics, timeout_ms: 1000 };
        client.ask(2, &request).topics[0].partitions[0].error_code
    };
    for offset in [-2, 1, i64::MIN, i64::MAX] {
        assert_eq!(cut(offset), OffsetOutOfRange, "{offset}");
    }
    assert_eq!(cut(-1), None);
}
