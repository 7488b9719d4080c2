//! Addresses of brokers, as users type them and as brokers advertise them.

use std::fmt;

/// Kafka's port, where an address has none.
const DEFAULT_PORT: u16 = 9092;

/// A host, by name or IP address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Without brackets, if it is an IPv6 address.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Address {
    /// An address that a broker advertises.
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }

    /// Parses `host`, `host:port`, `[::1]:port` or, as Kafka's tools do, `LISTENER://host:port`.
    fn parse(text: &str) -> Result<Self, AddressError> {
        let bare = text.split_once("://").map_or(text, |(_, address)| address);
        let wrong = || AddressError { text: text.to_owned() };
        let (host, port) = match bare.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or_else(wrong)?;
                let port = after.strip_prefix(':');
                if port.is_none() && !after.is_empty() {
                    return Err(wrong());
                }
                (host, port)
            }
            // More than one colon, and no brackets: an IPv6 address without a port.
            None if bare.matches(':').count() > 1 => (bare, None),
            None => match bare.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (bare, None),
            },
        };
        let port = port.map_or(Ok(DEFAULT_PORT), |port| port.parse().map_err(|_| wrong()))?;
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(wrong());
        }
        Ok(Self::new(host, port))
    }

    /// Parses addresses that are separated by commas.
    ///
    /// # Errors
    /// One of them is none, or there is none at all.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, AddressError> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let addresses: Vec<Self> = parts.map(Self::parse).collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(AddressError { text: text.to_owned() });
        }
        Ok(addresses)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an address of a broker: give host:port, or several separated by commas")]
pub struct AddressError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_type_them() {
        for (text, host, port) in [
            ("a", "a", 9092),
            ("a:1", "a", 1),
            ("PLAINTEXT://a:1", "a", 1),
            ("127.0.0.1:9093", "127.0.0.1", 9093),
            ("[::1]:1", "::1", 1),
            ("[fe80::1%eth0]", "fe80::1%eth0", 9092),
            ("::1", "::1", 9092),
        ] {
            assert_eq!(Address::parse_list(text), Ok(vec![Address::new(host, port)]), "{text}");
        }
        let two = vec![Address::new("a", 1), Address::new("b", 9092)];
        assert_eq!(Address::parse_list(" a:1, b,"), Ok(two));
        for wrong in ["", ",", ":1", "a:", "a:x", "a:70000", "[::1", "[::1]x", "a b:1"] {
            assert!(Address::parse_list(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_shown_can_be_parsed_again() {
        for address in [Address::new("a", 1), Address::new("::1", 2)] {
            assert_eq!(Address::parse_list(&address.to_string()), Ok(vec![address]));
        }
    }
}
