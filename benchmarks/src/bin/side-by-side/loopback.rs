//! What sending costs by itself: the least that a broker can spend on a gigabyte that clients on
//! this machine read.
//!
//! The kernel copies into socket buffers, and on one machine it also takes in what it sends, and
//! wakes the reader, all on the sender's account. A broker cannot be below that, whatever it does.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, sleep};
use std::time::Duration;

use crate::proc::Usage;

const BYTES: usize = 1 << 30;

/// A way of sending.
struct Sending {
    readers: usize,
    /// Bytes of each write.
    piece: usize,
    /// After each reader got a piece: long enough that readers sleep in between.
    pause: Duration,
}

/// As a read of old records.
const LARGE: Sending = Sending { readers: 1, piece: 1 << 20, pause: Duration::ZERO };
/// As the workload `tail`: ten readers, a batch at a time.
const SMALL: Sending = Sending { readers: 10, piece: 25 << 10, pause: Duration::from_micros(500) };

/// CPU seconds of the sender for a gigabyte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loopback {
    /// In writes of 1 MiB to one reader.
    pub(crate) large: f64,
    /// In writes of 25 KiB to each of ten readers that wait for them.
    pub(crate) small: f64,
}

impl Loopback {
    pub(crate) fn measure() -> anyhow::Result<Self> {
        // The first run makes the kernel's buffers.
        LARGE.cpu_s_per_gb(BYTES / 4)?;
        Ok(Self { large: LARGE.cpu_s_per_gb(BYTES)?, small: SMALL.cpu_s_per_gb(BYTES)? })
    }
}

impl Sending {
    fn cpu_s_per_gb(&self, bytes: usize) -> anyhow::Result<f64> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let readers: Vec<_> =
            (0..self.readers).map(|_| thread::spawn(move || drain(address))).collect();
        let accepted: Result<Vec<TcpStream>, _> =
            readers.iter().map(|_| Ok::<_, std::io::Error>(listener.accept()?.0)).collect();
        let mut streams = accepted?;
        let piece = vec![1_u8; self.piece];
        let before = Usage::of_this_thread()?;
        let mut sent = 0;
        while sent < bytes {
            for stream in &mut streams {
                stream.write_all(&piece)?;
                sent += piece.len();
            }
            sleep(self.pause);
        }
        let used = Usage::of_this_thread()? - before;
        drop(streams);
        for reader in readers {
            reader.join().map_err(|_| anyhow::anyhow!("a reader panicked"))??;
        }
        Ok(used.cpu_s() / (sent as f64 / 1e9))
    }
}

fn drain(address: std::net::SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut buffer = vec![0; 1 << 20];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}
