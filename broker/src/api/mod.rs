//! The Kafka APIs, one a file: from a decoded request to a response.
//!
//! | folder | APIs |
//! |---|---|
//! | `data` | Produce, Fetch, ListOffsets, DeleteRecords, OffsetForLeaderEpoch |
//! | `cluster` | ApiVersions, Metadata, DescribeCluster, DescribeTopicPartitions, DescribeLogDirs, FindCoordinator, and the refusals of SASL |
//! | `admin` | topics and configurations |
//! | `group` | consumer groups and their offsets |
//! | `txn` | producer ids |
//!
//! A handler never fails: errors are part of its response. [`dispatch`] holds the table of handlers, which
//! is also what ApiVersions answers.

pub mod admin;
pub mod cluster;
pub mod context;
pub mod data;
pub mod dispatch;
pub mod error_map;
pub mod group;
pub mod txn;
