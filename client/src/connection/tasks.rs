//! The two tasks of a connection, and what they share.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;

use barnabas_protocol::kafka::frame::{LENGTH_BYTES, split_frame};
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// The largest answer accepted.
const MAX_FRAME: usize = 1 << 30;
/// The least to ask the socket for at once.
const READ_BYTES: usize = 64 << 10;
/// The most to reserve at once for an answer whose length is known.
const RESERVE_BYTES: usize = 16 << 20;
/// Frames for one system call.
const WRITE_FRAMES: usize = 64;

/// A frame to write.
pub(super) struct Outgoing {
    pub(super) segments: Vec<Bytes>,
    pub(super) receipt: Receipt,
}

/// Who waits for what.
pub(super) enum Receipt {
    /// For the answer with this correlation id.
    Answer { id: i32, answered: oneshot::Sender<Bytes>, _permit: OwnedSemaphorePermit },
    /// Until the frame is written: there will be no answer.
    Written(oneshot::Sender<()>),
}

/// A request that was written and not answered.
#[derive(Debug)]
struct Waiter {
    id: i32,
    answered: oneshot::Sender<Bytes>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum State {
    /// Oldest first.
    Open(VecDeque<Waiter>),
    Closed(io::ErrorKind),
}

/// Requests written and not yet answered, for as long as the connection is open.
#[derive(Debug)]
pub(super) struct InFlight {
    state: Mutex<State>,
    /// Ends both tasks.
    closing: CancellationToken,
}

impl Default for InFlight {
    fn default() -> Self {
        Self { state: Mutex::new(State::Open(VecDeque::new())), closing: CancellationToken::new() }
    }
}

impl InFlight {
    /// False if the connection is closed.
    fn push(&self, waiter: Waiter) -> bool {
        match &mut *self.state.lock() {
            State::Open(waiters) => waiters.push_back(waiter),
            State::Closed(_) => return false,
        }
        true
    }

    /// Whether this is the answer to the oldest request.
    fn expects(&self, frame: &Bytes) -> bool {
        let id = frame.first_chunk::<4>().map(|id| i32::from_be_bytes(*id));
        match &*self.state.lock() {
            State::Open(waiters) => id.is_some() && id == waiters.front().map(|one| one.id),
            State::Closed(_) => false,
        }
    }

    /// Hands an answer to the oldest request.
    fn answer(&self, frame: Bytes) {
        let waiter = match &mut *self.state.lock() {
            State::Open(waiters) => waiters.pop_front(),
            State::Closed(_) => None,
        };
        if let Some(waiter) = waiter {
            // Whoever asked may have given up.
            let _ = waiter.answered.send(frame);
        }
    }

    /// Closes the connection. Dropping the waiters tells everyone who waits.
    pub(super) fn close(&self, reason: io::ErrorKind) {
        let mut state = self.state.lock();
        if matches!(*state, State::Open(_)) {
            *state = State::Closed(reason);
        }
        drop(state);
        self.closing.cancel();
    }

    fn is_idle(&self) -> bool {
        matches!(&*self.state.lock(), State::Open(waiters) if waiters.is_empty())
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(*self.state.lock(), State::Open(_))
    }

    /// Why the connection is closed.
    pub(super) fn reason(&self) -> io::ErrorKind {
        match *self.state.lock() {
            State::Open(_) => io::ErrorKind::BrokenPipe,
            State::Closed(reason) => reason,
        }
    }
}

/// Writes what is queued until the connection is dropped or breaks.
pub(super) async fn write(
    mut socket: OwnedWriteHalf,
    mut queue: mpsc::Receiver<Outgoing>,
    in_flight: Arc<InFlight>,
) {
    let outcome = tokio::select! {
        outcome = write_frames(&mut socket, &mut queue, &in_flight) => outcome,
        () = in_flight.closing.cancelled() => return,
    };
    match outcome {
        Err(error) => in_flight.close(error.kind()),
        // Nobody will ask any more. The reader hands out the answers that are still to come.
        Ok(()) if in_flight.is_idle() => in_flight.close(io::ErrorKind::NotConnected),
        Ok(()) => {}
    }
}

/// Writes as much as there is in one system call.
async fn write_frames(
    socket: &mut OwnedWriteHalf,
    queue: &mut mpsc::Receiver<Outgoing>,
    in_flight: &InFlight,
) -> io::Result<()> {
    let mut batch = Vec::with_capacity(WRITE_FRAMES);
    while queue.recv_many(&mut batch, WRITE_FRAMES).await > 0 {
        let mut segments = Vec::new();
        let mut written = Vec::new();
        for outgoing in batch.drain(..) {
            match outgoing.receipt {
                Receipt::Answer { id, answered, _permit } => {
                    if !in_flight.push(Waiter { id, answered, _permit }) {
                        return Err(io::ErrorKind::BrokenPipe.into());
                    }
                }
                Receipt::Written(done) => written.push(done),
            }
            segments.extend(outgoing.segments);
        }
        write_all(socket, &segments).await?;
        for done in written {
            let _ = done.send(());
        }
    }
    Ok(())
}

async fn write_all(socket: &mut OwnedWriteHalf, segments: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<_> = segments.iter().map(|segment| IoSlice::new(segment)).collect();
    let mut rest = &mut slices[..];
    while !rest.is_empty() {
        match socket.write_vectored(rest).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut rest, written),
        }
    }
    Ok(())
}

/// Hands each answer to whoever waits for it, until the connection ends.
pub(super) async fn read(mut socket: OwnedReadHalf, in_flight: Arc<InFlight>) {
    let reason = tokio::select! {
        error = read_frames(&mut socket, &in_flight) => error.kind(),
        () = in_flight.closing.cancelled() => return,
    };
    in_flight.close(reason);
}

async fn read_frames(socket: &mut OwnedReadHalf, in_flight: &InFlight) -> io::Error {
    let mut buffer = BytesMut::with_capacity(READ_BYTES);
    loop {
        loop {
            match split_frame(&mut buffer, MAX_FRAME) {
                Ok(None) => break,
                Ok(Some(frame)) if in_flight.expects(&frame) => in_flight.answer(frame),
                Ok(Some(_)) | Err(_) => return io::ErrorKind::InvalidData.into(),
            }
        }
        buffer.reserve(missing(&buffer).clamp(READ_BYTES, RESERVE_BYTES));
        match socket.read_buf(&mut buffer).await {
            Ok(0) => return io::ErrorKind::UnexpectedEof.into(),
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

/// How much of the next frame is still to come, as far as that is known: reserved in one step, a
/// large answer is not copied while it grows.
fn missing(buffer: &BytesMut) -> usize {
    let length = buffer.first_chunk::<LENGTH_BYTES>().map(|length| u32::from_be_bytes(*length));
    length.map_or(0, |length| (length as usize + LENGTH_BYTES).saturating_sub(buffer.len()))
}
