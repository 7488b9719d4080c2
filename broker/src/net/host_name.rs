//! The name of this machine for clients, where `advertised.listeners` names no host.

use std::net::IpAddr;
use std::time::Duration;

use dns_lookup::{lookup_addr, lookup_host};

/// How long name servers may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The canonical name, found as Kafka finds it: the host name is looked up, and its address is
/// looked up in turn. So a pod of Kubernetes gets the full name by which the other pods reach it.
/// If the address has no name, or that of another machine, the result is the address itself.
pub async fn canonical() -> String {
    let short = short();
    let lookup = short.clone();
    let looking = tokio::task::spawn_blocking(move || canonical_of(&lookup));
    match tokio::time::timeout(LIMIT, looking).await {
        Ok(Ok(Some(name))) => name,
        _ => short,
    }
}

fn short() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}

/// None if the host name has no address.
fn canonical_of(short: &str) -> Option<String> {
    let mut addresses: Vec<IpAddr> = lookup_host(short).ok()?.collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    let address = addresses.first()?;
    let has_address = |name: &String| {
        lookup_host(name).is_ok_and(|mut addresses| addresses.any(|other| other == *address))
    };
    let name = lookup_addr(address).ok().filter(has_address);
    Some(name.unwrap_or_else(|| address.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn this_machine_has_a_name() {
        let name = canonical().await;
        assert!(!name.is_empty() && !name.contains(char::is_whitespace), "{name:?}");
        assert_eq!(canonical_of("no-such-host.invalid"), None);
    }

    #[test]
    fn an_address_is_looked_up_in_turn() {
        let name = canonical_of("127.0.0.1").expect("an address");
        assert!(lookup_host(&name).expect("a host").any(|address| address.is_loopback()), "{name}");
    }
}
