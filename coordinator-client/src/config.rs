//! How to reach etcd.

use crate::error::Error;
use etcd_client::{Certificate, ConnectOptions, Identity, TlsOptions};
use std::{fmt, path::Path, time::Duration};

/// A user of etcd's own authentication.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub user: String,
    /// The password, sent to etcd once per connection to obtain a token.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A client certificate with its key, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientIdentity {
    /// The certificate chain.
    pub certificate_pem: Vec<u8>,
    /// The private key.
    pub key_pem: Vec<u8>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").finish_non_exhaustive()
    }
}

/// TLS towards etcd. There is no built-in trust: the authority that signed etcd's certificates is
/// given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsConfig {
    /// The authority that signed etcd's certificates, as PEM.
    pub ca_pem: Vec<u8>,
    /// The certificate to show where etcd asks for one (`--client-cert-auth`).
    pub identity: Option<ClientIdentity>,
    /// The name to expect in etcd's certificate, where it is not the endpoint's host name.
    pub server_name: Option<String>,
}

impl TlsConfig {
    /// Reads the PEM files of `etcd.tls.ca.path`, `etcd.tls.certificate.path` and
    /// `etcd.tls.key.path`.
    ///
    /// # Errors
    /// [`Error::Config`] that names the file which cannot be read.
    pub fn from_files(ca: &Path, identity: Option<(&Path, &Path)>) -> Result<Self, Error> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|e| Error::Config(format!("cannot read {}: {e}", path.display())))
        };
        let identity = match identity {
            Some((certificate, key)) => {
                Some(ClientIdentity { certificate_pem: read(certificate)?, key_pem: read(key)? })
            }
            None => None,
        };
        Ok(Self { ca_pem: read(ca)?, identity, server_name: None })
    }
}

/// How to reach etcd, and how long to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// `http://host:port` or, with TLS, `https://host:port`; the scheme may be left out. All of one
    /// cluster.
    pub endpoints: Vec<String>,
    /// User and password, where etcd's authentication is on.
    pub user_password: Option<Credentials>,
    /// TLS, where etcd's client URLs are `https`.
    pub tls: Option<TlsConfig>,
    /// The longest that one call may take with all its attempts (`etcd.request.timeout.ms`).
    pub request_timeout: Duration,
    /// The longest that one attempt at one endpoint may take before the next is tried.
    pub attempt_timeout: Duration,
    /// The same for a transaction, which cannot simply be tried elsewhere: long enough for etcd to
    /// elect a leader and still answer.
    pub txn_timeout: Duration,
    /// The longest to wait for a connection; below `attempt_timeout`, so that a request to an
    /// endpoint that does not answer is known not to have been sent.
    pub connect_timeout: Duration,
    /// Keys in one page of a listing; fewer are asked for where a page would be larger than a
    /// message may be.
    pub page_size: usize,
    /// How often a watch is checked by reading its prefix again.
    pub reconcile_interval: Duration,
}

impl ClientConfig {
    /// The defaults, for these endpoints.
    pub fn new<S: Into<String>>(endpoints: impl IntoIterator<Item = S>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            user_password: None,
            tls: None,
            request_timeout: Duration::from_secs(10),
            attempt_timeout: Duration::from_secs(2),
            txn_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(1),
            page_size: 1000,
            reconcile_interval: Duration::from_secs(45),
        }
    }

    /// Checks what can be checked without a connection and returns the endpoints with their scheme.
    pub(crate) fn checked_endpoints(&self) -> Result<Vec<String>, Error> {
        if self.endpoints.is_empty() {
            return Err(Error::Config("no etcd endpoint is configured".into()));
        }
        let timeouts = [self.request_timeout, self.attempt_timeout, self.txn_timeout];
        if self.page_size == 0 || timeouts.iter().any(Duration::is_zero) {
            return Err(Error::Config("page size and timeouts must be above zero".into()));
        }
        self.endpoints.iter().map(|endpoint| self.with_scheme(endpoint)).collect()
    }

    fn with_scheme(&self, endpoint: &str) -> Result<String, Error> {
        match (endpoint.split_once("://"), self.tls.is_some()) {
            (Some(("https", _)), true) | (Some(("http", _)), false) => Ok(endpoint.to_owned()),
            (None, true) => Ok(format!("https://{endpoint}")),
            (None, false) => Ok(format!("http://{endpoint}")),
            (Some(("https", _)), false) => Err(Error::Config(format!(
                "{endpoint} needs TLS, and no certificate authority is configured"
            ))),
            (Some(("http", _)), true) => Err(Error::Config(format!(
                "{endpoint} is without TLS, but TLS is configured; use https"
            ))),
            (Some((scheme, _)), _) => {
                Err(Error::Config(format!("{endpoint}: scheme {scheme} is neither http nor https")))
            }
        }
    }

    /// The options of one connection; without the user where etcd said that its authentication is
    /// off.
    pub(crate) fn connect_options(&self, with_user: bool) -> ConnectOptions {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(self.connect_timeout)
            .with_tcp_keepalive(Duration::from_secs(10))
            // etcd closes connections that ping more often than every 5 s
            // (--grpc-keepalive-min-time), or at all without an open stream.
            .with_keep_alive(Duration::from_secs(7), Duration::from_secs(3))
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        if let (Some(Credentials { user, password }), true) = (&self.user_password, with_user) {
            options = options.with_user(user, password);
        }
        if let Some(tls) = &self.tls {
            options = options.with_tls(tls.options());
        }
        options
    }
}

impl TlsConfig {
    fn options(&self) -> TlsOptions {
        let mut options = TlsOptions::new().ca_certificate(Certificate::from_pem(&self.ca_pem));
        if let Some(ClientIdentity { certificate_pem, key_pem }) = &self.identity {
            options = options.identity(Identity::from_pem(certificate_pem, key_pem));
        }
        if let Some(name) = &self.server_name {
            options = options.domain_name(name);
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls() -> Option<TlsConfig> {
        Some(TlsConfig { ca_pem: Vec::new(), identity: None, server_name: None })
    }

    #[test]
    fn the_scheme_follows_from_tls() {
        let plain = ClientConfig::new(["a:1", "http://b:2"]);
        assert_eq!(plain.checked_endpoints().unwrap(), ["http://a:1", "http://b:2"]);
        let secure = ClientConfig { tls: tls(), ..ClientConfig::new(["a:1", "https://b:2"]) };
        assert_eq!(secure.checked_endpoints().unwrap(), ["https://a:1", "https://b:2"]);
    }

    #[test]
    fn a_scheme_that_contradicts_tls_is_refused() {
        assert!(ClientConfig::new(["https://a:1"]).checked_endpoints().is_err());
        let secure = ClientConfig { tls: tls(), ..ClientConfig::new(["http://a:1"]) };
        assert!(secure.checked_endpoints().is_err());
        assert!(ClientConfig::new(["ftp://a:1"]).checked_endpoints().is_err());
        assert!(ClientConfig::new(Vec::<String>::new()).checked_endpoints().is_err());
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let mut config = ClientConfig::new(["a:1"]);
        config.user_password = Some(Credentials { user: "u".into(), password: "secret".into() });
        assert!(!format!("{config:?}").contains("secret"));
    }
}
