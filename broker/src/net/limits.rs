//! Limits on connections, in total and per address (`max.connections`, `max.connections.per.ip` and
//! its overrides). The limits can change while the broker runs; open connections stay open.
//!
//! In any case a quarter of the process's file descriptors is reserved for the log, which could not
//! write without them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::{BrokerConfig, IpLimits};

/// The limits for the next connection.
#[derive(Clone, Copy, Debug)]
pub struct Limits<'a> {
    /// `max.connections`
    pub max: usize,
    /// `max.connections.per.ip`
    pub max_per_ip: usize,
    /// `max.connections.per.ip.overrides`
    pub overrides: &'a IpLimits,
}

/// Counts the open connections.
#[derive(Clone, Debug, Default)]
pub struct OpenConnections {
    open: Arc<Mutex<Open>>,
    /// The most connections within the limit of open files, if that is known.
    most: Option<usize>,
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
    /// `max.connections.per.ip`, or the address's own limit, is reached.
    #[error("max.connections.per.ip = {0} is reached")]
    PerIp(usize),
    /// More would leave too few open files for the log.
    #[error("{0} connections are the most within the limit of open files (ulimit -n)")]
    Files(usize),
}

impl<'a> Limits<'a> {
    /// As the configuration says.
    #[must_use]
    pub fn new(config: &'a BrokerConfig) -> Self {
        Self {
            max: config.max_connections,
            max_per_ip: config.max_connections_per_ip,
            overrides: &config.max_connections_per_ip_overrides,
        }
    }
}

impl OpenConnections {
    /// No connections yet. The number is capped so that the process does not run out of file
    /// descriptors.
    #[must_use]
    pub fn within_open_files() -> Self {
        // If this cannot be read, only the configured limits apply.
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Self { most: max_open_files(&limits).map(|files| files / 4 * 3), ..Self::default() }
    }

    /// Counts a connection from `ip`. IPv4 addresses mapped to IPv6 count as IPv4.
    ///
    /// # Errors
    /// Where that would be more than `limits` allow.
    pub fn admit(&self, ip: IpAddr, limits: Limits<'_>) -> Result<Slot, TooMany> {
        let ip = ip.to_canonical();
        let mut open = self.open.lock();
        if open.total >= limits.max {
            return Err(TooMany::Total(limits.max));
        }
        if let Some(most) = self.most.filter(|most| open.total >= *most) {
            return Err(TooMany::Files(most));
        }
        let most = limits.overrides.of(ip).unwrap_or(limits.max_per_ip);
        let from_ip = open.by_ip.get(&ip).copied().unwrap_or(0);
        if from_ip >= most {
            return Err(TooMany::PerIp(most));
        }
        open.by_ip.insert(ip, from_ip + 1);
        open.total += 1;
        Ok(Slot { ip, open: Arc::clone(&self.open) })
    }

    /// Connections open now.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open.lock().total
    }
}

/// The soft limit of open files, from `/proc/PID/limits`; none where it is unlimited.
fn max_open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
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
    fn the_limit_of_open_files_is_found() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max processes             95000                95000                processes \n\
            Max open files            20000                1048576              files     \n";
        assert_eq!(max_open_files(limits), Some(20_000));
        assert_eq!(max_open_files(&limits.replace("20000", "unlimited")), None);
        assert_eq!(max_open_files(""), None);
    }

    #[test]
    fn limits_hold_per_address_and_in_all() {
        let overrides = IpLimits::default();
        let connections = OpenConnections::default();
        let limits = Limits { max: 3, max_per_ip: 2, overrides: &overrides };
        let one: IpAddr = "10.0.0.1".parse().expect("address");
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().expect("address");
        let two: IpAddr = "10.0.0.2".parse().expect("address");
        let first = connections.admit(one, limits).expect("room");
        let _second = connections.admit(mapped, limits).expect("room");
        assert_eq!(connections.admit(one, limits).err(), Some(TooMany::PerIp(2)));
        let _third = connections.admit(two, limits).expect("room");
        assert_eq!(connections.admit(two, limits).err(), Some(TooMany::Total(3)));
        drop(first);
        assert!(connections.admit(mapped, limits).is_ok());
    }

    #[test]
    fn an_address_may_have_a_limit_of_its_own() {
        let overrides = "10.0.0.1:2, [::1]:0".parse().expect("limits");
        let connections = OpenConnections::default();
        let limits = Limits { max: 9, max_per_ip: 1, overrides: &overrides };
        let [more, none, other] =
            ["::ffff:10.0.0.1", "::1", "10.0.0.2"].map(|ip| ip.parse().expect("address"));
        let _more = [(); 2].map(|()| connections.admit(more, limits).expect("room"));
        assert_eq!(connections.admit(more, limits).err(), Some(TooMany::PerIp(2)));
        assert_eq!(connections.admit(none, limits).err(), Some(TooMany::PerIp(0)));
        let _other = connections.admit(other, limits).expect("room");
        assert_eq!(connections.admit(other, limits).err(), Some(TooMany::PerIp(1)));
    }
}
