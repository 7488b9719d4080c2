//! How many connections there may be, in all and from one address (`max.connections`,
//! `max.connections.per.ip`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts the open connections.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    max: usize,
    max_per_ip: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// A counted connection; dropping it makes room for another.
#[derive(Debug)]
pub struct Slot {
    ip: IpAddr,
    open: Arc<Mutex<Open>>,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// `max.connections` is reached.
    #[error("max.connections = {0} is reached")]
    Total(usize),
    /// `max.connections.per.ip` is reached.
    #[error("max.connections.per.ip = {0} is reached")]
    PerIp(usize),
}

impl ConnectionLimits {
    /// Limits of `max` connections in all and `max_per_ip` from one address.
    #[must_use]
    pub fn new(max: usize, max_per_ip: usize) -> Self {
        Self { max, max_per_ip, open: Arc::default() }
    }

    /// Counts a connection from `ip`. IPv4 addresses mapped to IPv6 count as IPv4.
    pub fn admit(&self, ip: IpAddr) -> Result<Slot, TooMany> {
        let ip = ip.to_canonical();
        let mut open = self.open.lock();
        if open.total >= self.max {
            return Err(TooMany::Total(self.max));
        }
        let from_ip = open.by_ip.entry(ip).or_default();
        if *from_ip >= self.max_per_ip {
            return Err(TooMany::PerIp(self.max_per_ip));
        }
        *from_ip += 1;
        open.total += 1;
        Ok(Slot { ip, open: Arc::clone(&self.open) })
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.lock().total
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.open.lock();
        open.total -= 1;
        if let Some(count) = open.by_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                open.by_ip.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold_per_address_and_in_all() {
        let limits = ConnectionLimits::new(3, 2);
        let one: IpAddr = "10.0.0.1".parse().expect("address");
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().expect("address");
        let two: IpAddr = "10.0.0.2".parse().expect("address");
        let first = limits.admit(one).expect("room");
        let _second = limits.admit(mapped).expect("room");
        assert_eq!(limits.admit(one).err(), Some(TooMany::PerIp(2)));
        let _third = limits.admit(two).expect("room");
        assert_eq!(limits.admit(two).err(), Some(TooMany::Total(3)));
        drop(first);
        assert!(limits.admit(mapped).is_ok());
    }
}
