//! A producer and a consumer that do nothing wrong, beside an attack: every record is acknowledged
//! and comes back, in order, within the time that a socket waits.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use barnabas_integration_tests::wait;
use barnabas_protocol::kafka::ErrorCode;
use barnabas_protocol::kafka::messages::FetchRequest;
use barnabas_protocol::kafka::messages::fetch::{FetchPartition, FetchTopic};
use bytes::Bytes;

use crate::raw::Raw;
use crate::target::{Target, batch, produce, produced};

/// Round trips that are to succeed during and after every attack.
const ROUNDS: u64 = 20;
const LIMIT: Duration = Duration::from_secs(30);
/// Between two round trips. Without it the records of the neighbour, which stay in the broker's
/// memory for a while, are most of what an attack seems to cost, and the more the faster the
/// machine is.
const PAUSE: Duration = Duration::from_millis(5);

/// The two, at work.
pub(crate) struct Neighbour {
    /// Dropped when it is to stop.
    stop: Option<Sender<()>>,
    rounds: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    /// Begins, with records of `bytes`, from an address that no attacker has.
    pub(crate) fn move_in(target: &Target, bytes: usize) -> Self {
        let topic = "neighbour";
        target.create_topic(topic, &[]);
        let (stop, stopped) = channel();
        let rounds = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&rounds);
        let bootstrap = target.bootstrap().to_owned();
        let thread = std::thread::spawn(move || {
            let home = Ipv4Addr::new(127, 0, 0, 2);
            let mut producer = Raw::connect_from(home, &bootstrap);
            let mut consumer = Raw::connect_from(home, &bootstrap);
            let value = batch(&vec![b'n'; bytes]);
            while stopped.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                round(&mut producer, &mut consumer, topic, value.clone());
                counted.fetch_add(1, Ordering::Relaxed);
            }
        });
        let neighbour = Self { stop: Some(stop), rounds, thread: Some(thread) };
        neighbour.is_well();
        neighbour
    }

    /// Waits for some more round trips.
    #[track_caller]
    pub(crate) fn is_well(&self) {
        let before = self.rounds.load(Ordering::Relaxed);
        wait::until_true(LIMIT, "round trips of the neighbour", || {
            let ended = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
            assert!(!ended, "the neighbour has met an error");
            self.rounds.load(Ordering::Relaxed) >= before + ROUNDS
        });
    }

    /// Some more round trips, then the end.
    #[track_caller]
    pub(crate) fn move_out(mut self) {
        self.is_well();
        self.stop = None;
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(matches!(ended, Some(Ok(()))), "the neighbour has met an error");
    }
}

fn round(producer: &mut Raw, consumer: &mut Raw, topic: &str, value: Bytes) {
    let sent = produced(producer, &produce(topic, 0, -1, value.clone()));
    assert_eq!(sent.error_code, ErrorCode::None);
    let records = fetched(consumer, topic, sent.base_offset);
    // Offset and leader epoch are the broker's; another neighbour's records may follow.
    assert!(records.len() >= value.len(), "{} bytes come back", records.len());
    assert_eq!(records[17..value.len()], value[17..], "what was sent comes back");
}

/// All that a fetch from this offset gives.
pub(crate) fn fetched(consumer: &mut Raw, topic: &str, offset: i64) -> Bytes {
    let response = consumer.ask(12, &fetch(topic, offset, i32::MAX));
    assert_eq!(response.error_code, ErrorCode::None);
    let partition = &response.responses[0].partitions[0];
    assert_eq!(partition.error_code, ErrorCode::None);
    partition.records.as_ref().map(|records| records.to_bytes()).unwrap_or_default()
}

/// A fetch of one partition; waits for records.
pub(crate) fn fetch(topic: &str, offset: i64, max_bytes: i32) -> FetchRequest {
    let partition = FetchPartition {
        fetch_offset: offset,
        partition_max_bytes: max_bytes,
        ..FetchPartition::default()
    };
    let partitions = vec![partition];
    let topic = FetchTopic { topic: topic.into(), partitions, ..FetchTopic::default() };
    FetchRequest {
        max_wait_ms: 10_000,
        min_bytes: 1,
        max_bytes,
        topics: vec![topic],
        ..FetchRequest::default()
    }
}
