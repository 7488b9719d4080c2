//! `listeners`, `advertised.listeners` and `listener.security.protocol.map`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use super::sources::Resolved;
use super::values::list::items;

/// How a listener encrypts and authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecurityProtocol {
    /// Neither. The only one available so far.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without TLS.
    SaslPlaintext,
    /// SASL within TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

/// A named address to listen on, or to advertise to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The listener's name, in upper case.
    pub name: Arc<str>,
    /// The protocol of this name in `listener.security.protocol.map`.
    pub security_protocol: SecurityProtocol,
    /// Host name or address without brackets. If empty, a listener is bound to all interfaces, and
    /// an advertised one has this machine's name.
    pub host: String,
    /// The port. 0 means any free port, and for an advertised listener the port that was bound.
    pub port: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listeners {
    pub(super) bound: Vec<Listener>,
    pub(super) advertised: Vec<Listener>,
    pub(super) inter_broker: Arc<str>,
}

/// One `NAME://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    name: String,
    host: String,
    port: u16,
}

/// Reads the listeners from the values; adds what is wrong to the errors.
pub(super) fn read(resolved: &mut Resolved) -> Listeners {
    let text = |key: &str| {
        let default = crate::config::keys::registry::broker(key).and_then(|def| def.default);
        resolved.values.get(key).map(String::as_str).or(default).unwrap_or_default().to_owned()
    };
    let controllers = text("controller.listener.names").to_uppercase();
    let bound_text = text("listeners");
    let advertised_text = text("advertised.listeners");
    let protocols = protocol_map(resolved, &text("listener.security.protocol.map"));
    let for_brokers =
        |address: &Address| !items(&controllers).any(|controller| controller == address.name);
    let mut bound = addresses(resolved, "listeners", &bound_text);
    bound.retain(for_brokers);
    let mut advertised = addresses(resolved, "advertised.listeners", &advertised_text);
    advertised.retain(for_brokers);
    if bound.is_empty() && resolved.errors.is_empty() {
        resolved.error("listeners", "listeners: no listener for clients is left".into());
    }
    let advertised = if advertised_text.is_empty() {
        check_default_advertised(resolved, &bound);
        bound.clone()
    } else {
        check_advertised(resolved, &bound, &advertised);
        advertised
    };
    let bound = with_protocols(resolved, bound, &protocols, true);
    let advertised = with_protocols(resolved, advertised, &protocols, false);
    let inter_broker = inter_broker(resolved, &advertised);
    Listeners { bound, advertised, inter_broker }
}

fn protocol_map(resolved: &mut Resolved, text: &str) -> BTreeMap<String, SecurityProtocol> {
    let key = "listener.security.protocol.map";
    let mut map = BTreeMap::new();
    for item in items(text) {
        let parsed = item.split_once(':').and_then(|(name, protocol)| {
            Some((name.trim().to_uppercase(), SecurityProtocol::parse(protocol.trim())?))
        });
        match parsed {
            Some((name, protocol)) => {
                map.insert(name, protocol);
            }
            None => resolved.error(
                key,
                format!("{key}: {item} is not NAME:PROTOCOL with one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
            ),
        }
    }
    map
}

fn addresses(resolved: &mut Resolved, key: &str, text: &str) -> Vec<Address> {
    let mut addresses: Vec<Address> = Vec::new();
    for item in items(text) {
        let address = match address(item) {
            Ok(address) => address,
            Err(problem) => {
                resolved.error(key, format!("{key}: {item}: {problem}"));
                continue;
            }
        };
        if addresses.iter().any(|other| other.name == address.name) {
            resolved.error(key, format!("{key}: the name {} is there twice", address.name));
            continue;
        }
        let same = |other: &Address| other.port == address.port && other.host == address.host;
        if key == "listeners" && address.port != 0 && addresses.iter().any(same) {
            resolved.error(key, format!("{key}: port {} is there twice", address.port));
            continue;
        }
        addresses.push(address);
    }
    addresses
}

fn address(item: &str) -> Result<Address, String> {
    let form = || "write it as NAME://host:port".to_owned();
    let (name, rest) = item.split_once("://").ok_or_else(form)?;
    let (host, port) = rest.rsplit_once(':').ok_or_else(form)?;
    if name.is_empty() || !name.chars().all(in_host) {
        return Err(form());
    }
    let port = port.parse().map_err(|_| format!("{port} is not a port from 0 to 65535"))?;
    Ok(Address { name: name.to_uppercase(), host: parse_host(host)?.to_owned(), port })
}

/// A host name or address without brackets; empty for all interfaces.
fn parse_host(host: &str) -> Result<&str, String> {
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    let is_address = |text: &str| {
        // The zone says which interface a link-local address belongs to: fe80::1%eth0.
        let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
        address.parse::<Ipv6Addr>().is_ok() && !zone.is_empty() && zone.chars().all(in_host)
    };
    if bare.len() < host.len() || bare.contains(':') {
        let problem = || format!("{bare} is not an IPv6 address");
        return if is_address(bare) { Ok(bare) } else { Err(problem()) };
    }
    match bare.chars().find(|c| !in_host(*c)) {
        None => Ok(bare),
        Some('$' | '{' | '}') => {
            Err(format!("the host is {bare}, a variable that was not replaced by its value"))
        }
        Some(wrong) => Err(format!("the host is {bare}, and no host has {wrong:?} in its name")),
    }
}

/// Whether names of hosts and listeners may have this character.
fn in_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Whether the host is an address that stands for all interfaces, which clients cannot connect to.
fn unroutable(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified())
}

/// Without `advertised.listeners`, clients are told the addresses in `listeners`.
fn check_default_advertised(resolved: &mut Resolved, bound: &[Address]) {
    if let Some(address) = bound.iter().find(|address| unroutable(&address.host)) {
        let Address { name, host, port } = address;
        resolved.error(
            "listeners",
            format!(
                "listeners: clients cannot connect to {host}; set advertised.listeners to an address at which \
                 they reach this broker, or to {name}://:{port} for the name of this machine"
            ),
        );
    }
}

fn check_advertised(resolved: &mut Resolved, bound: &[Address], advertised: &[Address]) {
    let key = "advertised.listeners";
    if advertised.is_empty() {
        resolved.error(key, format!("{key}: no listener for clients is left"));
    }
    for address in advertised {
        if !bound.iter().any(|other| other.name == address.name) {
            resolved.error(key, format!("{key}: {} is not among the listeners", address.name));
        }
        if unroutable(&address.host) {
            resolved.error(
                key,
                format!("{key}: {} needs a host that clients can connect to", address.name),
            );
        }
    }
}

fn with_protocols(
    resolved: &mut Resolved,
    addresses: Vec<Address>,
    protocols: &BTreeMap<String, SecurityProtocol>,
    complain: bool,
) -> Vec<Listener> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for Address { name, host, port } in addresses {
        let security_protocol = protocols.get(&name).copied();
        let problem = match security_protocol {
            Some(SecurityProtocol::Plaintext) => None,
            Some(other) => {
                Some(format!("{} is not available yet, only PLAINTEXT is", other.name()))
            }
            None => Some(format!("set listener.security.protocol.map=...,{name}:PLAINTEXT")),
        };
        if let Some(problem) = problem.filter(|_| complain) {
            resolved.error("listeners", format!("listeners: {name}: {problem}"));
        }
        let security_protocol = security_protocol.unwrap_or(SecurityProtocol::Plaintext);
        listeners.push(Listener { name: name.into(), security_protocol, host, port });
    }
    listeners
}

fn inter_broker(resolved: &mut Resolved, advertised: &[Listener]) -> Arc<str> {
    let key = "inter.broker.listener.name";
    let set = resolved.values.get(key).map(|name| name.to_uppercase());
    let wanted = set.as_deref().unwrap_or("PLAINTEXT");
    let found = advertised.iter().find(|listener| &*listener.name == wanted);
    if let Some(listener) = found {
        return Arc::clone(&listener.name);
    }
    match advertised {
        [only] if set.is_none() => Arc::clone(&only.name),
        [] => Arc::default(),
        [first, ..] => {
            let names: Vec<_> = advertised.iter().map(|listener| &*listener.name).collect();
            let names = names.join(", ");
            resolved
                .error(key, format!("{key}: set it to one of the advertised listeners ({names})"));
            Arc::clone(&first.name)
        }
    }
}
