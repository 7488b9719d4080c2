//! Answers that nobody takes, and requests that wait: what they hold, and who has to wait for it.

use std::time::Duration;

use barnabas_protocol::kafka::ErrorCode;
use barnabas_protocol::kafka::messages::FetchRequest;

use crate::neighbour::{Neighbour, fetch};
use crate::raw::{Raw, request_bytes};
use crate::target::{MIB, Target, batch, produce, produced};

/// How long a socket must take nothing to count as stuck.
const STUCK: Duration = Duration::from_millis(300);

/// Fetches of all partitions of a topic at once, each with the largest limits.
fn greedy(topic: &str, partitions: i32) -> FetchRequest {
    let mut request = fetch(topic, 0, i32::MAX);
    let first = request.topics[0].partitions[0].clone();
    let partition = |partition| {
        let mut asked = first.clone();
        asked.partition = partition;
        asked
    };
    request.topics[0].partitions = (0..partitions).map(partition).collect();
    request
}

fn fill(producer: &mut Raw, topic: &str, partition: i32, mebibytes: usize) -> i64 {
    let value = batch(&vec![7; MIB / 2]);
    let mut first = i64::MAX;
    for _ in 0..2 * mebibytes {
        let sent = produced(producer, &produce(topic, partition, 1, value.clone()));
        assert_eq!(sent.error_code, ErrorCode::None);
        first = first.min(sent.base_offset);
    }
    first
}

/// Many partitions, many connections, no limit that the client sets: one answer has what
/// `fetch.max.bytes` allows, and all of them share what they are made of.
#[test]
fn greedy_fetches_share_what_they_hold() {
    let mut target = Target::start(&[]);
    target.create_partitions("greedy", 50);
    let mut producer = target.connect();
    for partition in 0..50 {
        fill(&mut producer, "greedy", partition, 2);
    }
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let requests = request_bytes(12, &greedy("greedy", 50)).repeat(20);
    let mut clients: Vec<Raw> = (0..100).map(|_| target.connect()).collect();
    for client in &mut clients {
        client.send(&requests);
    }
    neighbour.is_well();
    let mut one = target.connect();
    let answer = one.ask(12, &greedy("greedy", 50));
    let bytes: usize = answer.responses[0]
        .partitions
        .iter()
        .filter_map(|partition| Some(partition.records.as_ref()?.len()))
        .sum();
    assert!(bytes < 60 * MIB, "{bytes} bytes in one answer");
    target.has_grown_less(
        "VmHWM",
        before,
        400 * MIB,
        &format!("for 100 consumers that take nothing of {} MiB", bytes / MIB),
    );
    drop(clients);
    neighbour.move_out();
    target.is_well();
}

/// Consumers that come one after the other, each to records that no other has seen, and then take
/// nothing.
#[test]
fn consumers_that_stall_one_after_the_other_hold_little() {
    let mut target = Target::start(&[]);
    target.create_topic("stalls", &[("retention.bytes", "1048576")]);
    let neighbour = Neighbour::move_in(&target, 100);
    let mut producer = target.connect();
    let before = target.memory("VmRSS");
    let mut stalled = Vec::new();
    for _ in 0..30 {
        let first = fill(&mut producer, "stalls", 0, 40);
        let mut client = target.connect();
        client.send_until_stuck(&request_bytes(12, &fetch("stalls", first, i32::MAX)), STUCK);
        stalled.push(client);
    }
    neighbour.is_well();
    target.has_grown_less(
        "VmRSS",
        before,
        600 * MIB,
        &format!("for {} stalled consumers of 40 MiB each", stalled.len()),
    );
    drop(stalled);
    neighbour.move_out();
    target.is_well();
}

/// Fetches with a long list of partitions, that wait for records: more than the budget for small
/// requests holds.
#[test]
fn requests_that_wait_do_not_take_the_room_of_others() {
    let mut target = Target::start(&["queued.max.request.bytes=16777216"]);
    target.create_topic("quiet", &[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let mut wait = fetch("quiet", 0, i32::MAX);
    wait.max_wait_ms = 300_000;
    // The same partition again and again: 60 KB in the request, one to wait for.
    let partition = wait.topics[0].partitions[0].clone();
    wait.topics[0].partitions = vec![partition; 1800];
    let request = request_bytes(12, &wait);
    assert!((40 << 10..64 << 10).contains(&request.len()), "{} bytes", request.len());
    let mut waiting: Vec<Raw> = (0..100).map(|_| target.connect()).collect();
    for client in &mut waiting {
        client.send_until_stuck(&request, STUCK);
    }
    neighbour.is_well();
    // Small, but too large to be free of charge.
    let mut other = target.connect();
    target.create_topic("other", &[]);
    let sent = produced(&mut other, &produce("other", 0, 1, batch(&[7; 30_000])));
    assert_eq!(sent.error_code, ErrorCode::None);
    drop(waiting);
    neighbour.move_out();
    target.is_well();
}
