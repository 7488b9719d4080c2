//! Many connections, and connections that are half-open, slow or greedy.

use std::net::Ipv4Addr;
use std::time::Duration;

use barnabas_integration_tests::broker::BrokerOptions;
use barnabas_integration_tests::wait;
use barnabas_protocol::kafka::ErrorCode;
use barnabas_protocol::kafka::messages::ProduceRequest;

use crate::neighbour::{Neighbour, fetch};
use crate::raw::{Answer, Raw, api_versions, request_bytes};
use crate::target::{MIB, Target, batch, produce, produced};

const LIMIT: Duration = Duration::from_secs(60);
/// How long a socket must take nothing to count as stuck.
const STUCK: Duration = Duration::from_millis(300);

/// The most memory that an idle connection may cost the broker, in bytes.
const IDLE_BYTES: usize = 20 * 1024;
const IDLE_CONNECTIONS: usize = 5000;

fn more_files() {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}

#[test]
fn five_thousand_idle_connections_are_cheap() {
    more_files();
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmRSS");
    let mut idle: Vec<Raw> = (0..IDLE_CONNECTIONS).map(|_| target.connect()).collect();
    // Each has been used, as those of clients are.
    for client in &mut idle {
        assert!(client.is_served());
    }
    let each = target.memory("VmRSS").saturating_sub(before) / IDLE_CONNECTIONS;
    println!("{each} bytes for each of {IDLE_CONNECTIONS} idle connections");
    assert!(each < IDLE_BYTES, "{each} bytes for an idle connection");
    neighbour.move_out();
    target.is_well();
}

/// The same for consumers that wait for records.
#[test]
fn a_thousand_waiting_consumers_are_cheap() {
    more_files();
    let mut target = Target::start(&[]);
    target.create_topic("quiet", &[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmRSS");
    let mut wait = fetch("quiet", 0, i32::MAX);
    wait.max_wait_ms = 300_000;
    let mut waiting: Vec<Raw> = (0..1000).map(|_| target.connect()).collect();
    for client in &mut waiting {
        assert!(client.is_served());
        client.send_request(12, &wait);
    }
    neighbour.is_well();
    let each = target.memory("VmRSS").saturating_sub(before) / waiting.len();
    println!("{each} bytes for each of {} waiting consumers", waiting.len());
    assert!(each < 2 * IDLE_BYTES, "{each} bytes for a waiting consumer");
    neighbour.move_out();
    target.is_well();
}

#[test]
fn a_thousand_half_open_frames_take_little() {
    more_files();
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let start = [&(100_i32 << 20).to_be_bytes()[..], &[0; 200]].concat();
    let half_open: Vec<Raw> = (0..1000)
        .map(|_| {
            let mut client = target.connect();
            client.send(&start);
            client
        })
        .collect();
    neighbour.is_well();
    target.has_grown_less("VmHWM", before, 40 * MIB, "for 100 000 MiB announced");
    drop(half_open);
    neighbour.move_out();
    target.is_well();
}

/// Frames that use up the whole budget and then stop. They hold nobody up for long, and go once
/// they do.
#[test]
fn stalled_frames_give_way() {
    let mut target = Target::start(&["queued.max.request.bytes=16777216"]);
    let small = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let start = [&(8_i32 << 20).to_be_bytes()[..], &vec![0; MIB]].concat();
    let mut stalled: Vec<Raw> = (0..60).map(|_| target.connect()).collect();
    for client in &mut stalled {
        client.send_until_stuck(&start, STUCK);
    }
    small.is_well();
    let mut large = target.connect();
    target.create_topic("large", &[]);
    let sent = produced(&mut large, &produce("large", 0, 1, batch(&vec![1; 900_000])));
    assert_eq!(sent.error_code, ErrorCode::None);
    target.has_grown_less("VmHWM", before, 64 * MIB, "with a budget of 16 MiB");
    small.move_out();
    target.is_well();
}

/// Large frames that arrive together and of which the budget holds one and a half: each gets its
/// turn. A frame above the budget does, too.
#[test]
fn large_frames_wait_for_each_other_and_all_get_through() {
    let mut target = Target::start(&["queued.max.request.bytes=8388608"]);
    target.create_topic("large", &[("max.message.bytes", "33554432")]);
    let neighbour = Neighbour::move_in(&target, 100);
    std::thread::scope(|scope| {
        for mebibytes in [4, 4, 4, 4, 5, 5, 6, 20] {
            let mut client = target.connect();
            scope.spawn(move || {
                let request = produce("large", 0, 1, batch(&vec![1; mebibytes * MIB]));
                for _ in 0..3 {
                    assert_eq!(produced(&mut client, &request).error_code, ErrorCode::None);
                }
            });
        }
    });
    neighbour.move_out();
    target.is_well();
}

/// Requests without end from clients that read no answer.
#[test]
fn clients_that_read_nothing_are_not_read_from() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let flood = request_bytes(3, &api_versions()).repeat(500_000);
    let mut clients: Vec<Raw> = (0..10).map(|_| target.connect()).collect();
    for client in &mut clients {
        let taken = client.send_until_stuck(&flood, STUCK);
        assert!(taken < flood.len(), "all {taken} bytes were taken");
    }
    neighbour.is_well();
    target.has_grown_less("VmHWM", before, 40 * MIB, "for answers that nobody reads");
    drop(clients);
    neighbour.move_out();
    target.is_well();
}

/// Clients that always have another request under way and take every answer: their connections
/// never have to wait. There are more of them than threads, and yet others are served, etcd is kept
/// in touch with, and the broker ends when told to.
#[test]
fn busy_connections_give_way() {
    let mut target = Target::start(&[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let threads = std::thread::available_parallelism().expect("known").get();
    let requests = request_bytes(3, &api_versions()).repeat(2000);
    std::thread::scope(|scope| {
        for _ in 0..2 * threads {
            let (mut sender, mut receiver) = target.connect().split();
            let requests = &requests;
            // Until the connection is gone.
            scope.spawn(move || while sender.try_send(requests) {});
            scope.spawn(move || receiver.take_all());
        }
        neighbour.is_well();
        neighbour.move_out();
        target.is_well();
        target.ends_when_told();
    });
}

/// Consumers that wait hold nothing of what all requests may take: others get their turn, however
/// small that is.
#[test]
fn waiting_consumers_leave_the_memory_for_requests() {
    let mut target = Target::start(&["queued.max.request.bytes=65536"]);
    target.create_topic("quiet", &[]);
    let mut wait = fetch("quiet", 0, i32::MAX);
    wait.max_wait_ms = 300_000;
    let mut waiting: Vec<Raw> = (0..100).map(|_| target.connect()).collect();
    for client in &mut waiting {
        assert!(client.is_served());
        client.send_request(12, &wait);
    }
    let neighbour = Neighbour::move_in(&target, 100);
    neighbour.move_out();
    // They were not sent away: a record wakes all of them.
    let sent = produced(&mut target.connect(), &produce("quiet", 0, 1, batch(b"at last")));
    assert_eq!(sent.error_code, ErrorCode::None);
    assert!(waiting.iter_mut().all(|client| matches!(client.answer(), Answer::Frame(_))));
    target.is_well();
}

/// Consumers that ask for much, again and again, and take a little now and then.
#[test]
fn slow_consumers_hold_one_answer_each() {
    let mut target = Target::start(&[]);
    target.create_topic("much", &[]);
    let mut producer = target.connect();
    for _ in 0..64 {
        let sent = produced(&mut producer, &produce("much", 0, 1, batch(&vec![7; 512 << 10])));
        assert_eq!(sent.error_code, ErrorCode::None);
    }
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let requests = request_bytes(12, &fetch("much", 0, i32::MAX)).repeat(150);
    let mut slow: Vec<Raw> = (0..20).map(|_| target.connect()).collect();
    for client in &mut slow {
        client.send(&requests);
    }
    // An answer has 32 MiB, as long as the bound on all of them lets it.
    let is_large = |client: &mut Raw| matches!(client.answer(), Answer::Frame(frame) if frame.len() > 30 * MIB);
    let large = slow.iter_mut().filter_map(|client| is_large(client).then_some(())).count();
    assert!(large >= 7, "{large} large answers");
    neighbour.is_well();
    target.has_grown_less(
        "VmHWM",
        before,
        250 * MIB,
        "for 20 consumers with 32 MiB outstanding each",
    );
    drop(slow);
    neighbour.move_out();
    target.is_well();
}

/// A producer that wants no answer is slowed down to what the log can take.
#[test]
fn producers_without_acknowledgements_are_slowed_down() {
    let mut target =
        Target::start(&["queued.max.request.bytes=33554432", "log.retention.bytes=1048576"]);
    target.create_topic("flood", &[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmHWM");
    let request: Vec<u8> = request_bytes(9, &produce("flood", 0, 0, batch(&vec![7; 900_000])));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut client = target.connect();
            let request = &request;
            scope.spawn(move || {
                for _ in 0..150 {
                    client.send(request);
                }
                // In order: what comes before is done.
                assert!(client.is_served());
            });
        }
    });
    target.has_grown_less(
        "VmHWM",
        before,
        400 * MIB,
        "while 540 MB were sent without acknowledgement",
    );
    neighbour.move_out();
    target.is_well();
}

/// Frames of which only a small part is accepted: the rest must not stay in memory beside it.
#[test]
fn a_small_batch_does_not_keep_its_large_frame() {
    let mut target = Target::start(&[]);
    target.create_topic("kept", &[]);
    let neighbour = Neighbour::move_in(&target, 100);
    let before = target.memory("VmRSS");
    let mut request: ProduceRequest = produce("kept", 0, 1, batch(&[7; 5000]));
    let junk = produce("no such topic", 0, 1, vec![0; 2 * MIB].into());
    request.topic_data.extend(junk.topic_data);
    let mut client = target.connect();
    for _ in 0..200 {
        let response = client.ask(9, &request);
        assert_eq!(response.responses[0].partition_responses[0].error_code, ErrorCode::None);
    }
    target.has_grown_less("VmRSS", before, 100 * MIB, "for 1 MB of records in 400 MiB of frames");
    neighbour.move_out();
    target.is_well();
}

#[test]
fn connections_are_limited_by_address_and_in_all() {
    let mut target = Target::start(&["max.connections.per.ip=20", "max.connections=35"]);
    let neighbour = Neighbour::move_in(&target, 100);
    let bootstrap = target.bootstrap().to_owned();
    let from = |last: u8| Raw::connect_from(Ipv4Addr::new(127, 0, 0, last), &bootstrap);
    let fill = |last: u8, count: usize| -> Vec<Raw> {
        let mut clients: Vec<Raw> = (0..count).map(|_| from(last)).collect();
        assert!(clients.iter_mut().all(Raw::is_served), "within the limit");
        clients
    };
    let mut first = fill(3, 20);
    assert!((0..100).all(|_| from(3).answer() == Answer::Closed), "too many from one address");
    // Another address has room; with the two of the neighbour that makes 35 in all.
    let second = fill(4, 13);
    assert!((0..100).all(|_| from(5).answer() == Answer::Closed), "too many in all");
    neighbour.is_well();
    drop(second);
    first.pop();
    wait::until_true(LIMIT, "room for another", || from(3).is_served());
    neighbour.move_out();
    target.is_well();
}

/// As many connections as the process has files: the log keeps some for itself.
#[test]
fn connections_do_not_take_the_files_of_the_log() {
    let options = BrokerOptions { open_files: Some(400), ..BrokerOptions::default() };
    let mut target = Target::launch(options);
    let neighbour = Neighbour::move_in(&target, 100);
    let mut greedy: Vec<Raw> = (0..600).map(|_| target.connect()).collect();
    let served = greedy.iter_mut().filter_map(|client| client.is_served().then_some(())).count();
    assert!((200..=300).contains(&served), "{served} connections with 400 files");
    // New topics need new files.
    neighbour.is_well();
    drop(greedy);
    wait::until_true(LIMIT, "room for another", || target.connect().is_served());
    target.create_topic("after", &[]);
    neighbour.move_out();
    target.is_well();
}

/// A connection that does nothing is closed in the end.
#[test]
fn idle_connections_are_closed() {
    let target = Target::start(&["connections.max.idle.ms=1500"]);
    let mut client = target.connect();
    assert!(client.is_served());
    assert_eq!(client.answer(), Answer::Closed);
    let mut silent = target.connect();
    assert_eq!(silent.answer(), Answer::Closed);
}
