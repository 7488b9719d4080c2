//! The `etcd.*` keys.

use std::path::PathBuf;
use std::time::Duration;

use super::layers::Layers;
use super::sources::Resolved;
use super::values::list::items;

/// How to reach etcd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdConfig {
    /// `etcd.endpoints`; empty for an embedded coordinator in this process.
    pub endpoints: Vec<String>,
    /// `etcd.prefix`: starts with a slash, does not end with one.
    pub prefix: String,
    /// `etcd.lease.ttl.ms`
    pub lease_ttl: Duration,
    /// `etcd.connect.timeout.ms`
    pub connect_timeout: Duration,
    /// `etcd.request.timeout.ms`
    pub request_timeout: Duration,
    /// `etcd.username` and `etcd.password.file`
    pub credentials: Option<(String, PathBuf)>,
    /// `etcd.tls.ca.file`
    pub tls_ca_file: Option<PathBuf>,
    /// `etcd.tls.cert.file` and `etcd.tls.key.file`
    pub tls_identity: Option<(PathBuf, PathBuf)>,
}

impl EtcdConfig {
    pub(super) fn read(layers: &Layers<'_>) -> Self {
        let text = |key: &str| layers.value(key).map_or("", |(value, _)| value).to_owned();
        let millis = |key: &str| Duration::from_millis(text(key).parse().unwrap_or_default());
        let set = |key: &str| Some(text(key)).filter(|value| !value.is_empty());
        Self {
            endpoints: items(&text("etcd.endpoints")).map(str::to_owned).collect(),
            prefix: text("etcd.prefix"),
            lease_ttl: millis("etcd.lease.ttl.ms"),
            connect_timeout: millis("etcd.connect.timeout.ms"),
            request_timeout: millis("etcd.request.timeout.ms"),
            credentials: set("etcd.username").zip(set("etcd.password.file").map(PathBuf::from)),
            tls_ca_file: set("etcd.tls.ca.file").map(PathBuf::from),
            tls_identity: set("etcd.tls.cert.file")
                .map(PathBuf::from)
                .zip(set("etcd.tls.key.file").map(PathBuf::from)),
        }
    }
}

/// Keys that need an etcd outside this process.
const OUTSIDE_ONLY: &[&str] = &[
    "etcd.username",
    "etcd.password.file",
    "etcd.tls.ca.file",
    "etcd.tls.cert.file",
    "etcd.tls.key.file",
];

/// Adds an error for keys that do not fit together.
pub(super) fn check(resolved: &mut Resolved) {
    let set = |key: &str| resolved.values.get(key).is_some_and(|value| !value.is_empty());
    if let Some(key) = OUTSIDE_ONLY.iter().find(|key| set(key) && !set("etcd.endpoints")) {
        let message = format!(
            "{key} is set, but etcd.endpoints is not, and the embedded coordinator has neither users nor TLS"
        );
        resolved.error(key, message);
    }
    for (one, other) in
        [("etcd.username", "etcd.password.file"), ("etcd.tls.cert.file", "etcd.tls.key.file")]
    {
        let set = |key: &str| resolved.values.get(key).is_some_and(|value| !value.is_empty());
        match (set(one), set(other)) {
            (true, false) => resolved.error(one, format!("{one} is set, but {other} is not")),
            (false, true) => resolved.error(other, format!("{other} is set, but {one} is not")),
            _ => {}
        }
    }
    let set = |key: &str| resolved.values.get(key).is_some_and(|value| !value.is_empty());
    if set("etcd.tls.cert.file") && !set("etcd.tls.ca.file") {
        let message = "etcd.tls.cert.file is set, but etcd.tls.ca.file is not";
        resolved.error("etcd.tls.cert.file", message.into());
    }
    let prefix = resolved.values.get("etcd.prefix").cloned().unwrap_or_default();
    if !prefix.is_empty() && (!prefix.starts_with('/') || prefix.ends_with('/')) {
        let message = "etcd.prefix must start with a slash and not end with one, like /barnabas";
        resolved.error("etcd.prefix", message.into());
    }
    let endpoints = resolved.values.get("etcd.endpoints").cloned().unwrap_or_default();
    for endpoint in items(&endpoints) {
        let rest = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"));
        let port = rest.unwrap_or(endpoint).trim_end_matches('/').rsplit_once(':');
        if !port.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            let message = format!("etcd.endpoints: {endpoint} is not like http://host:2379");
            resolved.error("etcd.endpoints", message);
        }
    }
}
