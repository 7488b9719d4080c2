//! Reads frames: a 4-byte length, then that many bytes.
//!
//! The buffer grows with what has arrived. A connection that has delivered large frames may have the next
//! one's buffer at once, up to twice its largest so far: memory is given for bytes sent, not for bytes
//! announced, and a steady producer pays no copy for growing.

use std::io;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;

use super::budget::{RequestBudget, Share};

/// First buffer of a connection, and the step in which a large one grows at least.
const FIRST_BUFFER: usize = 16 * 1024;
/// A frame of a connection that has sent nothing large yet starts with at most this.
const UNTRUSTED_BUFFER: usize = 64 * 1024;
/// Bytes read ahead while earlier requests are still being worked on.
const READ_AHEAD: usize = 64 * 1024;

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
}

impl FrameReader {
    /// An empty reader; frames above `max_frame` bytes are refused.
    #[must_use]
    pub fn new(budget: RequestBudget, max_frame: usize) -> Self {
        let (buffer, share) = (BytesMut::new(), Share::default());
        Self { buffer, budget, share, max_frame, trusted: UNTRUSTED_BUFFER }
    }

    /// Takes the next frame if it is complete and the budget covers it.
    pub fn next_frame(&mut self) -> Result<Option<(Bytes, Share)>, FrameError> {
        let Some(length) = self.announced()? else { return Ok(None) };
        if self.buffer.len() < 4 + length || !self.budget.try_cover(&mut self.share, length) {
            return Ok(None);
        }
        let frame = self.buffer.split_to(4 + length).freeze().slice(4..);
        self.trusted = self.trusted.max(2 * length);
        Ok(Some((frame, std::mem::take(&mut self.share))))
    }

    /// Waits for bytes and reads them, at least one; `false` when the client has closed. Waits for the
    /// budget first where the next frame does not fit. Cancel safe.
    pub async fn fill(&mut self, stream: &TcpStream) -> Result<bool, FrameError> {
        self.make_room().await?;
        loop {
            stream.readable().await?;
            if self.buffer.capacity() == self.buffer.len() {
                self.buffer.reserve(FIRST_BUFFER);
            }
            match stream.try_read_buf(&mut self.buffer) {
                Ok(count) => return Ok(count > 0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether to read on while requests of this connection are still worked on.
    #[must_use]
    pub fn may_read_ahead(&self) -> bool {
        self.buffer.len() < READ_AHEAD
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

    /// Makes the buffer large enough for the next read of the frame that is arriving.
    async fn make_room(&mut self) -> Result<(), FrameError> {
        let Some(length) = self.announced()? else { return Ok(()) };
        let (have, whole) = (self.buffer.len(), 4 + length);
        if have >= whole {
            // Complete, and waiting for the budget.
            self.budget.cover(&mut self.share, length).await;
            return Ok(());
        }
        let target = whole.min(self.trusted.max(2 * have));
        if target > self.buffer.capacity() {
            self.budget.cover(&mut self.share, target.min(length)).await;
            self.buffer.reserve(target - have);
        }
        Ok(())
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
        reader.make_room().await.expect("valid");
        assert!(reader.buffer.capacity() <= 2 * UNTRUSTED_BUFFER);
    }
}
