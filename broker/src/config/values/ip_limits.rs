//! The value of `max.connections.per.ip.overrides`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use super::list::items;

/// Limits for single addresses. Kafka also accepts host names, which it looks up once; this broker
/// accepts only addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpLimits(BTreeMap<IpAddr, usize>);

impl IpLimits {
    /// The limit of an address, if any.
    #[must_use]
    pub fn of(&self, ip: IpAddr) -> Option<usize> {
        self.0.get(&ip).copied()
    }
}

impl FromStr for IpLimits {
    /// The problem, for the key's error message.
    type Err = String;

    /// Parses `address:count, ...`. IPv6 addresses may have brackets.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let limits = items(text).map(|item| {
            let (ip, count) = item.rsplit_once(':')?;
            let ip = ip.trim().trim_start_matches('[').trim_end_matches(']');
            let ip: IpAddr = ip.parse().ok()?;
            let count = count.trim().parse::<i32>().ok()?;
            Some((ip.to_canonical(), usize::try_from(count).ok()?))
        });
        let limits: Option<_> = limits.collect();
        limits.map(Self).ok_or_else(|| "Expected address:count, ... with IP addresses".to_owned())
    }
}
