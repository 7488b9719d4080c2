//! The value of `max.connections.per.ip.overrides`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::str::FromStr;

use super::list::items;

/// Limits for single addresses. Kafka also takes host names, which it looks up once; here an
/// address has to be said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpLimits(BTreeMap<IpAddr, usize>);

impl IpLimits {
    /// The limit of this address, if it has one.
    #[must_use]
    pub fn of(&self, ip: IpAddr) -> Option<usize> {
        self.0.get(&ip).copied()
    }
}

impl FromStr for IpLimits {
    /// What is wrong, for the message of the key.
    type Err = String;

    /// Reads `address:count, ...`; IPv6 addresses may stand in brackets.
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
