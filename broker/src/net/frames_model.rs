//! Frames over real sockets, cut up at random, of connections that share a budget which is too
//! small for them: they come out in order and byte for byte, or the connection ends with the right
//! error; and the budget is whole in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::budget::RequestBudget;
use super::frames::{FrameError, FrameReader};
use super::transport::Transport;

const MAX_FRAME: usize = 200_000;

/// What one client sends.
#[derive(Clone, Debug)]
struct Client {
    /// Lengths of frames.
    frames: Vec<usize>,
    /// A length that is none, at the end.
    bad: Option<i32>,
    /// Sizes of the pieces, again and again.
    cuts: Vec<usize>,
}

impl Client {
    fn frame(&self, number: usize) -> Vec<u8> {
        (0..self.frames[number]).map(|at| (at * 7 + number) as u8).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in 0..self.frames.len() {
            let frame = self.frame(number);
            bytes.extend(u32::try_from(frame.len()).expect("small").to_be_bytes());
            bytes.extend(frame);
        }
        bytes.extend(self.bad.iter().flat_map(|length| length.to_be_bytes()));
        bytes
    }
}

fn client() -> impl Strategy<Value = Client> {
    let frame = prop_oneof![1..100_usize, 1..=20_000_usize, 60_000..70_000_usize, 1..=MAX_FRAME];
    let bad =
        prop_oneof![Just(0), Just(-1), Just(i32::MIN), Just(MAX_FRAME as i32 + 1), Just(i32::MAX)];
    let cut = prop_oneof![1..10_usize, 1..5_000_usize, 1..100_000_usize];
    let frames = proptest::collection::vec(frame, 0..8);
    let cuts = proptest::collection::vec(cut, 1..20);
    (frames, proptest::option::of(bad), cuts).prop_map(|(frames, bad, cuts)| Client {
        frames,
        bad,
        cuts,
    })
}

/// The reader may end the connection before all is sent.
async fn send(mut stream: TcpStream, client: Client) {
    let bytes = client.bytes();
    let (mut rest, mut cuts) = (&bytes[..], client.cuts.iter().cycle());
    while let Some(cut) = cuts.next().filter(|_| !rest.is_empty()) {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        if stream.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
        rest = after;
    }
}

/// Takes all frames, holds each for a moment, and checks it; says how the connection ended.
async fn receive(
    stream: TcpStream,
    client: Client,
    budget: RequestBudget,
    overdrawn: Arc<AtomicUsize>,
) -> (usize, Option<FrameError>) {
    let transport = Transport::plain(stream);
    let mut reader = FrameReader::new(budget, MAX_FRAME);
    let mut taken = 0;
    loop {
        match reader.next_frame() {
            Ok(Some((frame, share))) => {
                assert_eq!(frame, client.frame(taken), "frame {taken}");
                taken += 1;
                let overdraws = share.bytes() < frame.len();
                let others = overdrawn.fetch_add(usize::from(overdraws), Ordering::Relaxed);
                // One among the small frames, and one among the large.
                assert!(!overdraws || others < 2, "{others} frames overdraw already");
                tokio::task::yield_now().await;
                overdrawn.fetch_sub(usize::from(overdraws), Ordering::Relaxed);
                continue;
            }
            Ok(None) => {}
            Err(error) => return (taken, Some(error)),
        }
        match reader.fill(&transport, false).await {
            Ok(true) => {}
            Ok(false) => return (taken, None),
            Err(error) => return (taken, Some(error)),
        }
    }
}

async fn run(clients: Vec<Client>, budget: RequestBudget) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let overdrawn = Arc::<AtomicUsize>::default();
    let mut readers = Vec::new();
    for client in clients {
        let sending = TcpStream::connect(address).await.expect("a connection");
        let (stream, _) = listener.accept().await.expect("a connection");
        tokio::spawn(send(sending, client.clone()));
        let receiving = receive(stream, client.clone(), budget.clone(), Arc::clone(&overdrawn));
        readers.push((client, tokio::spawn(receiving)));
    }
    for (client, reader) in readers {
        let (taken, end) = reader.await.expect("what was sent came out");
        let all = taken == client.frames.len();
        match (end, client.bad) {
            (None, None) => assert!(all, "{taken} frames"),
            (Some(FrameError::Length(length)), Some(bad)) => {
                assert!(all && length == bad && bad <= 0)
            }
            (Some(FrameError::TooLong { length, max: MAX_FRAME, .. }), Some(bad)) => {
                assert!(all && usize::try_from(bad) == Ok(length));
            }
            // The machine was busy with something else.
            (Some(FrameError::Stalled { .. }), _) => assert!(!all),
            (end, bad) => panic!("{end:?} where the last length is {bad:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn frames_come_out_as_they_were_sent(
        clients in proptest::collection::vec(client(), 1..6),
        budget_bytes in prop_oneof![Just(2048_usize), 2048..300_000_usize, Just(4_000_000)],
    ) {
        let budget = RequestBudget::new(budget_bytes);
        let whole = budget.free_bytes();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(run(clients, budget.clone()));
        drop(runtime);
        prop_assert_eq!(budget.free_bytes(), whole);
    }
}
