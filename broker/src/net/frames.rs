//! Reads frames: a 4-byte length, then that many bytes.
//!
//! The buffer grows with the bytes that have arrived. A connection that has sent large frames gets
//! the buffer for the next one at once, up to twice its largest frame so far. So memory is
//! allocated for bytes sent, not for bytes announced, and a steady producer never copies to grow
//! its buffer.
//!
//! A client may send half a frame and then stop, which keeps its buffer allocated. That is allowed
//! while memory is free. When the budget is short, a frame must make progress or its connection is
//! closed.

use std::io;
use std::time::Instant;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::timeout;

use super::budget::{RequestBudget, SMALL_FRAME, Share};
use super::transport::Transport;
use crate::api::context::UNPAID_BYTES;
use crate::env;

/// First buffer of a connection.
const FIRST_BUFFER: usize = UNPAID_BYTES;
/// A frame of a connection that has sent nothing large yet starts with at most this.
const UNTRUSTED_BUFFER: usize = SMALL_FRAME;
/// Bytes read ahead while earlier requests are still being worked on.
const READ_AHEAD: usize = FIRST_BUFFER;
/// While the budget is short, at least this much of a frame must arrive within
/// [`RequestBudget::patience`].
const LEAST_BYTES: usize = 64 * 1024;

/// A frame that cannot be read; the connection is closed.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The length is negative or zero.
    #[error("frame length {0} is not positive")]
    Length(i32),
    /// The length is above `socket.request.max.bytes`.
    #[error("frame length {length} is above socket.request.max.bytes = {max}{hint}")]
    TooLong {
        /// The announced length.
        length: usize,
        /// The limit.
        max: usize,
        /// What the bytes look like, if they look like another protocol.
        hint: &'static str,
    },
    /// A stalled frame that holds memory which others are waiting for.
    #[error(
        "{have} of {length} bytes of a frame came, then too little, while queued.max.request.bytes is used up"
    )]
    Stalled {
        /// Bytes received.
        have: usize,
        /// The announced length.
        length: usize,
    },
    /// The socket failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The receiving half of a connection.
#[derive(Debug)]
pub struct FrameReader {
    buffer: BytesMut,
    budget: RequestBudget,
    /// Covers the frame that is arriving.
    share: Share,
    max_frame: usize,
    /// Twice the largest frame delivered so far.
    trusted: usize,
    pace: Pace,
}

/// The progress of a charged frame: bytes received since the last time that [`LEAST_BYTES`] were
/// complete.
#[derive(Debug)]
struct Pace {
    since: Instant,
    bytes: usize,
}

impl FrameReader {
    /// An empty reader; frames above `max_frame` bytes are refused.
    #[must_use]
    pub fn new(budget: RequestBudget, max_frame: usize) -> Self {
        let (buffer, share) = (BytesMut::new(), Share::default());
        let pace = Pace { since: env::now(), bytes: 0 };
        Self { buffer, budget, share, max_frame, trusted: UNTRUSTED_BUFFER, pace }
    }

    /// Takes the next frame if it is complete and the budget covers it.
    pub fn next_frame(&mut self) -> Result<Option<(Bytes, Share)>, FrameError> {
        let Some(length) = self.complete()? else { return Ok(None) };
        if !self.budget.try_cover(&mut self.share, length, length) {
            return Ok(None);
        }
        let frame = self.buffer.split_to(4 + length).freeze().slice(4..);
        self.trusted = self.trusted.max(2 * length);
        self.budget.judge(&self.share, length, true);
        Ok(Some((frame, std::mem::take(&mut self.share))))
    }

    /// Waits for bytes and reads at least one; `false` when the client has closed. If the next
    /// frame does not fit into the budget, waits for the budget first; if that frame is complete
    /// then, reads nothing. With `ahead`, always reads. Cancel safe.
    pub async fn fill(&mut self, transport: &Transport, ahead: bool) -> Result<bool, FrameError> {
        if !ahead && let Some(length) = self.complete()? {
            self.cover(length, length).await;
            return Ok(true);
        }
        let room = self.make_room().await?;
        loop {
            self.readable(transport).await?;
            if self.buffer.capacity() == self.buffer.len() {
                self.buffer.reserve(room);
            }
            // Not more than `room`: bytes after the frame are not charged yet.
            match transport.try_read(&mut (&mut self.buffer).limit(room)) {
                Ok(count) => {
                    self.pace.count(count);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn readable(&mut self, transport: &Transport) -> Result<(), FrameError> {
        while !self.share.is_empty() {
            let patience = self.budget.patience(&self.share, self.announced()?.unwrap_or(0));
            let readable = timeout(patience, transport.readable()).await;
            self.check_pace(env::now())?;
            if let Ok(readable) = readable {
                return Ok(readable?);
            }
        }
        Ok(transport.readable().await?)
    }

    /// Fails for a frame that arrives too slowly while others wait for the memory that it holds.
    fn check_pace(&mut self, now: Instant) -> Result<(), FrameError> {
        match self.announced()? {
            Some(length)
                if self.budget.is_short(length)
                    && now.duration_since(self.pace.since)
                        >= self.budget.patience(&self.share, length) =>
            {
                self.budget.judge(&self.share, length, false);
                Err(FrameError::Stalled { have: self.buffer.len().saturating_sub(4), length })
            }
            _ => Ok(()),
        }
    }

    /// Whether to read ahead while requests of this connection are in flight.
    #[must_use]
    pub fn may_read_ahead(&self) -> bool {
        self.buffer.len() < READ_AHEAD
    }

    /// Whether the next frame is complete.
    #[must_use]
    pub fn has_frame(&self) -> bool {
        matches!(self.complete(), Ok(Some(_)))
    }

    /// True in the middle of a frame.
    #[must_use]
    pub fn mid_frame(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Frees the buffer of a connection that has nothing to read.
    pub fn release_idle_buffer(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Frees everything: nothing more will be read.
    pub fn give_up(&mut self) {
        self.buffer = BytesMut::new();
        self.share = Share::default();
    }

    /// The length of the next frame, if it is complete.
    fn complete(&self) -> Result<Option<usize>, FrameError> {
        Ok(self.announced()?.filter(|length| self.buffer.len() >= 4 + length))
    }

    fn announced(&self) -> Result<Option<usize>, FrameError> {
        let Some(&[a, b, c, d]) = self.buffer.first_chunk() else { return Ok(None) };
        let length = i32::from_be_bytes([a, b, c, d]);
        let size = usize::try_from(length).map_err(|_| FrameError::Length(length))?;
        if size == 0 {
            return Err(FrameError::Length(0));
        }
        if size > self.max_frame {
            let hint = foreign_protocol([a, b, c, d]);
            return Err(FrameError::TooLong { length: size, max: self.max_frame, hint });
        }
        Ok(Some(size))
    }

    /// Makes the buffer large enough for the next read, and says how many bytes that may take.
    async fn make_room(&mut self) -> Result<usize, FrameError> {
        let have = self.buffer.len();
        let whole = self.announced()?.map_or(0, |length| 4 + length);
        if have >= whole || whole <= FIRST_BUFFER {
            // Do not allocate before there is something to read: most connections are idle.
            return Ok(FIRST_BUFFER);
        }
        let target = whole.min(self.trusted.max(2 * have));
        self.cover(target.min(whole - 4), whole - 4).await;
        self.buffer.reserve(target - have);
        Ok(target - have)
    }

    /// Charges `bytes` of a frame of `length` bytes to the budget.
    async fn cover(&mut self, bytes: usize, length: usize) {
        if self.share.is_empty() || !self.budget.try_cover(&mut self.share, bytes, length) {
            self.budget.cover(&mut self.share, bytes, length).await;
            // The clock restarts: nothing was read from the client while this waited.
            self.pace = Pace { since: env::now(), bytes: 0 };
        }
    }
}

impl Pace {
    fn count(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes >= LEAST_BYTES {
            *self = Self { since: env::now(), bytes: 0 };
        }
    }
}

/// Names a protocol that is often sent to the wrong port, by its first bytes.
const fn foreign_protocol(start: [u8; 4]) -> &'static str {
    match start {
        [0x16, 0x03, _, _] => " (this looks like TLS: the listener speaks plain text)",
        [b'G', b'E', b'T', b' '] | [b'P', b'O', b'S', b'T'] | [b'H', b'E', b'A', b'D'] => {
            " (this looks like HTTP: the listener speaks the Kafka protocol)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::budget::PATIENCE;

    fn reader(bytes: &[u8]) -> FrameReader {
        let mut reader = FrameReader::new(RequestBudget::new(1 << 20), 1 << 16);
        reader.buffer.extend_from_slice(bytes);
        reader
    }

    #[test]
    fn frames_come_one_by_one() {
        let mut reader = reader(&[0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9, 0, 0]);
        let first = reader.next_frame().expect("valid").expect("complete").0;
        let second = reader.next_frame().expect("valid").expect("complete").0;
        assert_eq!((&*first, &*second), (&[7, 8][..], &[9][..]));
        assert!(reader.next_frame().expect("valid").is_none());
        assert!(reader.mid_frame());
    }

    #[test]
    fn impossible_lengths_are_refused_before_anything_is_allocated() {
        assert!(matches!(reader(&[0, 0, 0, 0]).next_frame(), Err(FrameError::Length(0))));
        assert!(matches!(reader(&[0xff; 4]).next_frame(), Err(FrameError::Length(-1))));
        let too_long = reader(b"GET / HTTP/1.1").next_frame().expect_err("a length of 1.2 GB");
        assert!(too_long.to_string().contains("HTTP"), "{too_long}");
        let tls = reader(&[0x16, 3, 1, 2]).next_frame().expect_err("a length of 369 MB");
        assert!(tls.to_string().contains("TLS"), "{tls}");
    }

    #[tokio::test]
    async fn an_announced_length_alone_buys_little_memory() {
        let mut reader = FrameReader::new(RequestBudget::new(1 << 20), 100 << 20);
        reader.buffer.extend_from_slice(&(90_i32 << 20).to_be_bytes());
        let room = reader.make_room().await.expect("valid");
        assert_eq!((room, reader.share.bytes()), (UNTRUSTED_BUFFER - 4, UNTRUSTED_BUFFER));
        assert!(reader.buffer.capacity() <= 2 * UNTRUSTED_BUFFER);
    }

    /// Half a frame may wait indefinitely for the rest, unless its memory is needed.
    #[tokio::test]
    async fn a_stalled_frame_goes_where_memory_is_short() {
        let budget = RequestBudget::new(8 * UNTRUSTED_BUFFER / 7 + 1024);
        let half = |budget: &RequestBudget| {
            let mut reader = FrameReader::new(budget.clone(), 100 << 20);
            reader.buffer.extend_from_slice(&(90_i32 << 20).to_be_bytes());
            reader
        };
        let (mut one, mut two) = (half(&budget), half(&budget));
        one.make_room().await.expect("room for one");
        let later = one.pace.since + PATIENCE;
        assert!(one.check_pace(later).is_ok(), "nobody waits");
        let overdraws = two.make_room().await;
        assert!(overdraws.is_ok(), "there is no room for two, but one may overdraw");
        let mut three = half(&budget);
        let mut waits = std::pin::pin!(three.make_room());
        let pending = std::future::poll_fn(|context| {
            std::task::Poll::Ready(waits.as_mut().poll(context).is_pending())
        });
        assert!(pending.await, "there is no room for three");
        one.pace.count(LEAST_BYTES - 1);
        assert_eq!((one.pace.since + PATIENCE, one.pace.bytes), (later, LEAST_BYTES - 1));
        one.pace.count(1);
        let since = one.pace.since;
        assert!(one.check_pace(since + PATIENCE / 2).is_ok(), "it gets on");
        let stalled = one.check_pace(since + PATIENCE);
        assert!(matches!(stalled, Err(FrameError::Stalled { have: 0, .. })), "{stalled:?}");
        drop(one);
        assert!(waits.await.is_ok());
    }
}
