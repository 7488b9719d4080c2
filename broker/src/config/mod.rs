//! Configuration under Kafka's key names.
//!
//! One registry describes every key: type, default, range, documentation, whether it can change at
//! run time, and whether it is honoured, has no effect, or has values that are refused. Loading,
//! the checks of CreateTopics and AlterConfigs, DescribeConfigs and the reference in `docs/` use
//! it. No key is accepted and then ignored in silence.
//!
//! ```text
//! file < KAFKA_* environment < --override      (sources) --> BrokerConfig, what the broker starts with
//! BrokerConfig < all brokers < this broker     (layers)               --> BrokerConfig::effective
//! layers, by synonym < topic's overrides       (topic) --> TopicConfig::effective
//! ```

mod alter;
mod broker;
mod describe;
mod etcd;
mod fields;
mod keys;
mod layers;
mod listeners;
mod reference;
mod sources;
mod topic;
mod values;

pub use alter::{
    AlterError, AlterOperation, AlterTarget, Alteration, CheckedAlteration, check_alterations,
};
pub use broker::BrokerConfig;
pub use describe::{
    Description, Synonym, describe_broker, describe_broker_defaults, describe_group,
    describe_topic, is_group_key,
};
pub use etcd::EtcdConfig;
pub use keys::def::{Check, ConfigDef, Importance, Kind, Scope, Support, Update};
pub use keys::registry;
pub use layers::{ConfigSource, Layers, Overrides};
pub use listeners::{Listener, SecurityProtocol};
pub use reference::reference;
pub use sources::properties::parse_properties;
pub use sources::{ConfigError, ConfigErrors, ConfigFile, Origin, Preset, Sources, Warning};
pub use topic::{CleanupPolicy, TopicConfig, validate_topic_configs};
pub use values::invalid::{InvalidConfig, InvalidValue};
pub use values::ip_limits::IpLimits;
pub use values::list::items;
pub use values::size::check_size;

#[cfg(test)]
mod tests;
