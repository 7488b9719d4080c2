//! Identifiers, epochs and offsets as types, so that one cannot be passed for another.
//!
//! They are shared by the wire protocol, the state kept in etcd and the log on disk. A type that
//! counts something (an epoch, an offset) is ordered; a type that only names something is not more
//! than that.

use std::fmt;

/// Declares a newtype over an integer: ordered, hashable, printable as the bare number.
macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }
    };
}

number! {
    /// A broker's configured `broker.id` (also `node.id`); never negative for a real broker.
    BrokerId(i32)
}
number! {
    /// The `create_revision` of a broker's registration key: a new one for each life of the broker.
    BrokerEpoch(i64)
}
number! {
    /// Counts the controllers of the cluster (`/controller_epoch`).
    ControllerEpoch(i32)
}
number! {
    /// Counts the leaders of one partition (KIP-101, KIP-320).
    LeaderEpoch(i32)
}
number! {
    /// The `mod_revision` of a partition's state key.
    PartitionEpoch(i64)
}
number! {
    /// A partition's number within its topic, from 0.
    PartitionIndex(i32)
}
number! {
    /// Position of a record in a partition, from 0. A log end offset is one past the last record.
    Offset(i64)
}
number! {
    /// Names a producer for idempotence and transactions (KIP-98).
    ProducerId(i64)
}

impl Offset {
    /// The offset `count` records further on.
    #[must_use]
    pub const fn plus(self, count: i64) -> Self {
        Self(self.0 + count)
    }
}

impl LeaderEpoch {
    /// What messages carry where no epoch is known.
    pub const UNKNOWN: Self = Self(-1);
}

/// A topic's identity for life: a topic deleted and created again under the same name has another
/// one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub uuid::Uuid);

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_kafka_string())
    }
}

/// The cluster's identity, made once by the first broker that ever starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterUuid(pub uuid::Uuid);

impl fmt::Display for ClusterUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_kafka_string())
    }
}
