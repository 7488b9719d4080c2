//! Fetch sessions: what a broker remembers for its clients.

use barnabas_protocol::kafka::ErrorCode::*;
use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::FetchRequest;
use barnabas_protocol::kafka::messages::fetch::{FetchPartition, FetchTopic};

use crate::neighbour::{Neighbour, fetch};
use crate::target::{MIB, Target};

/// Only so many fetch sessions are kept; who is too late does without.
#[test]
fn fetch_sessions_are_limited() {
    let mut target = Target::start(&["max.incremental.fetch.session.cache.slots=50"]);
    target.create_topic("sessions", &[]);
    let mut client = target.connect();
    let mut request = fetch("sessions", 0, 1000);
    (request.session_epoch, request.max_wait_ms) = (0, 0);
    let opened = (0..200).filter(|_| client.ask(12, &request).session_id != 0).count();
    assert!(!target.is_ours() || opened == 50, "{opened}");
    target.is_well();
}

/// Partitions that do not exist, of a topic with this name.
fn imagined(name: &str, indexes: std::ops::Range<i32>) -> FetchTopic {
    let partition = |partition| FetchPartition { partition, ..FetchPartition::default() };
    FetchTopic {
        topic: name.into(),
        partitions: indexes.map(partition).collect(),
        ..FetchTopic::default()
    }
}

/// A request of a session with these topics.
fn of_session(id: i32, epoch: i32, topics: Vec<FetchTopic>) -> FetchRequest {
    FetchRequest { session_id: id, session_epoch: epoch, topics, ..fetch("", 0, 1000) }
}

/// A session that was opened with little and then grows: it is gone once all of them have a million
/// partitions.
#[test]
fn sessions_do_not_grow_without_end() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let mut client = target.connect();
    let opened = client.ask(12, &of_session(0, 0, vec![imagined("t", 0..1)]));
    assert_ne!(opened.session_id, 0);
    let before = target.memory("VmHWM");
    let mut answers = (1..=15).map(|epoch| {
        let more = imagined("t", epoch * 100_000..(epoch + 1) * 100_000);
        client.ask(12, &of_session(opened.session_id, epoch, vec![more])).error_code
    });
    let grown = answers.by_ref().take_while(|code| *code == None).count();
    let after: Vec<_> = answers.collect();
    if target.is_ours() {
        assert_eq!(grown, 9, "of 100 000 partitions each");
        assert!(after.iter().all(|code| *code == FetchSessionIdNotFound), "{after:?}");
        target.has_grown_less("VmHWM", before, 2048 * MIB, "for sessions of a million partitions");
    }
    neighbour.move_out();
    target.is_well();
}

/// Names that no topic can have are as good for filling memory as partitions.
#[test]
fn sessions_with_long_names_are_limited() {
    let mut target = Target::start(&[]);
    if !target.is_ours() {
        return;
    }
    let neighbour = Neighbour::move_in(&target, 100);
    let mut client = target.connect();
    let long = |n: usize| Str::from(format!("{n:05}{}", "x".repeat(30_000)));
    let topics: Vec<_> = (0..1000).map(|n| imagined(&long(n), 0..1)).collect();
    let opened =
        (0..30).filter(|_| client.ask(11, &of_session(0, 0, topics.clone())).session_id != 0);
    assert_eq!(opened.count(), 8, "sessions of 30 MB, where 256 MB are the most");
    neighbour.move_out();
    target.is_well();
}
