//! Free TCP ports for servers that the tests start.
//!
//! They are taken below the kernel's ephemeral range, so that no outgoing connection of another
//! test grabs one between the look and the server's bind, and from a place that depends on the
//! process, so that test programs that run at once rarely meet.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A port on 127.0.0.1 that nothing listens on. Never the same twice within a process.
///
/// # Panics
/// When no port of the range is free.
#[must_use]
pub fn free() -> u16 {
    static STEP: AtomicU16 = AtomicU16::new(0);
    let own = std::process::id().wrapping_mul(97) % u32::from(COUNT);
    for _ in 0..COUNT {
        let step = u32::from(STEP.fetch_add(1, Ordering::Relaxed));
        let offset = u16::try_from((own + step) % u32::from(COUNT)).unwrap_or(0);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, FIRST + offset)).is_ok() {
            return FIRST + offset;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}
