//! The Kafka APIs, one a file: from a decoded request to a response.
//!
//! | folder | APIs |
//! |---|---|
//! | `produce` | Produce |
//! | `fetch` | Fetch |
//! | `offsets` | ListOffsets, OffsetForLeaderEpoch, DeleteRecords |
//! | `cluster` | ApiVersions, Metadata, DescribeCluster, DescribeTopicPartitions, DescribeLogDirs, DescribeQuorum, FindCoordinator |
//! | `admin` | topics, configurations, reassignments, elections, features |
//! | `group` | consumer groups and their offsets |
//! | `txn` | producer ids and producers; there are no transactions yet |
//! | `security` | SASL, ACLs, SCRAM credentials and quotas, which there are none of yet |
//!
//! A handler never fails: errors are part of its response. [`dispatch`] holds the table of
//! handlers, which is also what ApiVersions answers.

pub mod admin;
pub mod cluster;
pub mod context;
pub mod dispatch;
pub mod error_map;
mod features;
pub mod fetch;
pub mod fetch_sessions;
pub mod group;
mod leaders;
pub mod offsets;
pub mod produce;
pub mod reply;
pub(crate) mod reply_memory;
pub mod security;
pub mod txn;
