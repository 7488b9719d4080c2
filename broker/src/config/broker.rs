//! A broker's configuration as types, checked as a whole.
//!
//! The defaults of topics are in [`super::TopicConfig`]. They and the dynamic keys change while the
//! broker runs: see [`BrokerConfig::effective`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use barnabas_protocol::state::ids::BrokerId;

use super::etcd::EtcdConfig;
use super::fields::Field;
use super::keys::registry;
use super::layers::{Layers, Overrides};
use super::listeners::{self, Listener, Listeners};
use super::sources::{ConfigErrors, Resolved, Sources, Warning, resolve};
use super::values::ip_limits::IpLimits;

/// Declares [`BrokerConfig`]: a field for each honoured key, with the key's name, but for durations
/// without the unit. Keys under `optional` may be null.
macro_rules! broker_config {
    (required: $($field:ident: $type:ty = $key:literal,)*; optional: $($option:ident: $inner:ty = $option_key:literal,)*) => {
        /// A broker's configuration. Fields are named like their keys.
        #[derive(Clone, Debug, PartialEq)]
        pub struct BrokerConfig {
            /// `node.id` or `broker.id`
            pub broker_id: BrokerId,
            /// `listeners`: where to listen.
            pub listeners: Vec<Listener>,
            /// `advertised.listeners`: where clients and brokers connect. Port 0 stands for the
            /// port of the listener of this name, an empty host for the name of this machine.
            pub advertised_listeners: Vec<Listener>,
            /// `inter.broker.listener.name`: one of the advertised listeners.
            pub inter_broker_listener_name: Arc<str>,
            /// `log.dirs`: where the records are.
            pub log_dir: PathBuf,
            /// The coordination service.
            pub etcd: EtcdConfig,
            $(#[doc = concat!("`", $key, "`")] pub $field: $type,)*
            $(#[doc = concat!("`", $option_key, "`")] pub $option: Option<$inner>,)*
            given: BTreeMap<String, String>,
        }

        impl BrokerConfig {
            fn typed(layers: &Layers<'_>, parts: Parts, given: BTreeMap<String, String>) -> Self {
                Self {
                    broker_id: parts.broker_id,
                    listeners: parts.listeners.bound,
                    advertised_listeners: parts.listeners.advertised,
                    inter_broker_listener_name: parts.listeners.inter_broker,
                    log_dir: parts.log_dir,
                    etcd: EtcdConfig::read(layers),
                    $($field: required(layers, $key),)*
                    $($option: optional(layers, $option_key),)*
                    given,
                }
            }
        }

        /// The keys with their fields, for the test that every honoured key has one.
        #[cfg_attr(not(test), allow(dead_code))]
        pub(super) const TYPED: &[(&str, &str)] = &[
            $(($key, stringify!($field)),)* $(($option_key, stringify!($option)),)*
        ];
    };
}

broker_config! {
    required:
    socket_request_max_bytes: usize = "socket.request.max.bytes",
    queued_max_request_bytes: Option<usize> = "queued.max.request.bytes",
    max_connections: usize = "max.connections",
    max_connections_per_ip: usize = "max.connections.per.ip",
    max_connections_per_ip_overrides: IpLimits = "max.connections.per.ip.overrides",
    connections_max_idle: Option<Duration> = "connections.max.idle.ms",
    socket_receive_buffer_bytes: Option<usize> = "socket.receive.buffer.bytes",
    socket_send_buffer_bytes: Option<usize> = "socket.send.buffer.bytes",
    fetch_max_bytes: usize = "fetch.max.bytes",
    max_incremental_fetch_session_cache_slots: usize = "max.incremental.fetch.session.cache.slots",
    max_request_partition_size_limit: usize = "max.request.partition.size.limit",
    auto_create_topics_enable: bool = "auto.create.topics.enable",
    delete_topic_enable: bool = "delete.topic.enable",
    num_partitions: i32 = "num.partitions",
    default_replication_factor: i16 = "default.replication.factor",
    log_retention_check_interval: Duration = "log.retention.check.interval.ms",
    log_generation_bytes: usize = "log.generation.bytes",
    log_tail_cache_bytes: usize = "log.tail.cache.bytes",
    group_initial_rebalance_delay: Duration = "group.initial.rebalance.delay.ms",
    group_max_session_timeout_ms: i32 = "group.max.session.timeout.ms",
    group_min_session_timeout_ms: i32 = "group.min.session.timeout.ms",
    group_max_size: usize = "group.max.size",
    offset_metadata_max_bytes: usize = "offset.metadata.max.bytes",
    offsets_retention: Duration = "offsets.retention.minutes",
    offsets_retention_check_interval: Duration = "offsets.retention.check.interval.ms",
    offsets_commit_timeout: Duration = "offsets.commit.timeout.ms",
    offsets_topic_num_partitions: usize = "offsets.topic.num.partitions",
    transaction_state_log_num_partitions: usize = "transaction.state.log.num.partitions",
    producer_id_expiration: Duration = "producer.id.expiration.ms",
    ;
    optional:
    broker_rack: String = "broker.rack",
}

/// What is composed of several keys.
struct Parts {
    broker_id: BrokerId,
    listeners: Listeners,
    log_dir: PathBuf,
}

impl BrokerConfig {
    /// Reads the file and applies environment and command line on top.
    ///
    /// # Errors
    /// All problems at once; also if the file cannot be read.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        overrides: &[String],
    ) -> Result<(Self, Vec<Warning>), ConfigErrors> {
        Self::from_sources(&Sources::read(file, environment, overrides)?)
    }

    /// Checks what was read. Pure.
    ///
    /// # Errors
    /// All problems at once.
    pub fn from_sources(sources: &Sources) -> Result<(Self, Vec<Warning>), ConfigErrors> {
        let mut resolved = resolve(sources);
        let parts = Parts {
            broker_id: broker_id(&mut resolved),
            listeners: listeners::read(&mut resolved),
            log_dir: log_dir(&mut resolved),
        };
        check_pairs(&mut resolved);
        super::etcd::check(&mut resolved);
        if !resolved.errors.is_empty() {
            return Err(ConfigErrors(resolved.errors));
        }
        let mut given = std::mem::take(&mut resolved.values);
        for key in ["broker.id", "node.id"] {
            given.insert(key.to_owned(), parts.broker_id.to_string());
        }
        let config = Self::typed(&Layers::new(&given.clone(), Overrides::default()), parts, given);
        Ok((config, resolved.warnings))
    }

    /// `min.insync.replicas` as the broker was started with, whatever is set in etcd.
    #[must_use]
    pub fn min_insync_replicas(&self) -> usize {
        required(&self.layers(Overrides::default()), "min.insync.replicas")
    }

    /// The layers of this configuration with dynamic overrides.
    #[must_use]
    pub const fn layers<'a>(&'a self, overrides: Overrides<'a>) -> Layers<'a> {
        Layers::new(&self.given, overrides)
    }

    /// This configuration with dynamic overrides applied. Keys that only a restart can change, and
    /// values composed of several keys, stay as they are.
    #[must_use]
    pub fn effective(&self, overrides: Overrides<'_>) -> Self {
        let parts = Parts {
            broker_id: self.broker_id,
            listeners: Listeners {
                bound: self.listeners.clone(),
                advertised: self.advertised_listeners.clone(),
                inter_broker: Arc::clone(&self.inter_broker_listener_name),
            },
            log_dir: self.log_dir.clone(),
        };
        Self::typed(&self.layers(overrides), parts, self.given.clone())
    }
}

fn required<T: Field>(layers: &Layers<'_>, key: &str) -> T {
    let value = layers.value(key).and_then(|(value, _)| T::read(key, value.trim()));
    let default = || T::read(key, registry::broker(key)?.default?);
    value.or_else(default).expect("the default has the field's type; a test reads all of them")
}

fn optional<T: FromStr>(layers: &Layers<'_>, key: &str) -> Option<T> {
    let (value, _) = layers.value(key)?;
    if value.is_empty() { None } else { value.parse().ok() }
}

fn broker_id(resolved: &mut Resolved) -> BrokerId {
    let read = |key: &str| resolved.values.get(key)?.parse::<i32>().ok();
    let (node, broker) = (read("node.id"), read("broker.id").filter(|id| *id >= 0));
    match (node, broker) {
        (Some(node), Some(broker)) if node != broker => {
            resolved.error(
                "broker.id",
                format!("broker.id is {broker} but node.id is {node}; set one"),
            );
        }
        (None, None)
            if !["node.id", "broker.id"].iter().any(|k| resolved.origins.contains_key(*k)) =>
        {
            resolved
                .error("broker.id", "set broker.id to a number that no other broker has".into());
        }
        (None, None) => resolved.error("broker.id", "broker.id must be 0 or more".into()),
        _ => {}
    }
    BrokerId(node.or(broker).unwrap_or(0))
}

fn log_dir(resolved: &mut Resolved) -> PathBuf {
    let set = |key: &str| resolved.values.get(key).filter(|dirs| !dirs.is_empty()).cloned();
    let default = registry::broker("log.dir").and_then(|def| def.default).unwrap_or_default();
    let dirs = set("log.dirs").or_else(|| set("log.dir")).unwrap_or_else(|| default.to_owned());
    if dirs.contains(',') {
        resolved.error(
            "log.dirs",
            "log.dirs: one directory only; put several disks together below the broker".into(),
        );
    }
    dirs.into()
}

fn check_pairs(resolved: &mut Resolved) {
    let (smaller, larger) = ("group.min.session.timeout.ms", "group.max.session.timeout.ms");
    let number = |key: &str| {
        let default = registry::broker(key)?.default?;
        resolved.values.get(key).map_or(default, String::as_str).parse::<i64>().ok()
    };
    if number(smaller) > number(larger) {
        resolved.error(smaller, format!("{smaller} must not be above {larger}"));
    }
}
