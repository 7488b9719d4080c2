//! The byte stream under a connection: readiness, then reads and writes that never wait.
//!
//! Frames and replies are written against this interface, not against a socket. Waiting for
//! readiness first means that an idle connection holds no buffer.

use std::io::{self, IoSlice};

use bytes::BufMut;
use tokio::net::TcpStream;

/// A connection's byte stream.
#[derive(Debug)]
pub struct Transport(TcpStream);

impl Transport {
    /// Bytes as they are, over TCP.
    #[must_use]
    pub const fn plain(stream: TcpStream) -> Self {
        Self(stream)
    }

    /// Waits until [`Self::try_read`] may have something. Cancel safe.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Reads available bytes into the free room of `buffer`; 0 at the end of the stream.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing yet.
    pub(super) fn try_read(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        self.0.try_read_buf(buffer)
    }

    /// Waits until [`Self::try_write`] may take something. Cancel safe.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.0.writable().await
    }

    /// Writes as much of `slices` as possible without waiting.
    ///
    /// # Errors
    /// `WouldBlock` when nothing can be written now.
    pub(super) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }
}
