//! Writes lists of segments without joining them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};

use super::transport::Transport;

/// Segments handed to the kernel in one call; Linux takes at most 1024.
const SLICES: usize = 128;

/// Segments waiting to be sent, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox(VecDeque<Bytes>);

impl Outbox {
    pub(super) fn push(&mut self, segments: Vec<Bytes>) {
        self.0.extend(segments.into_iter().filter(|segment| !segment.is_empty()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits until the transport is writable, then sends as much as it takes at once.
    pub(super) async fn write_some(&mut self, transport: &Transport) -> io::Result<()> {
        loop {
            let written = {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let mut used = 0;
                for (slice, segment) in slices.iter_mut().zip(&self.0) {
                    *slice = IoSlice::new(segment);
                    used += 1;
                }
                transport.try_write(&slices[..used])
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.advance(count);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    transport.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(front) = self.0.front_mut() {
            if written < front.len() {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_write_resumes_where_it_stopped() {
        let mut outbox = Outbox::default();
        outbox.push(vec![Bytes::from_static(b"abc"), Bytes::new(), Bytes::from_static(b"defg")]);
        outbox.advance(5);
        assert_eq!(outbox.0, [Bytes::from_static(b"fg")]);
        outbox.advance(2);
        assert!(outbox.is_empty());
    }
}
