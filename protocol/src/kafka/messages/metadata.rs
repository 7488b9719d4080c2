//! Metadata: asks for brokers, topics and the leaders of their partitions.

use uuid::Uuid;

use crate::kafka::{ErrorCode, Str};

api! {
    Metadata: versions 0..=13, flexible 9..;

    /// Asks for brokers, topics and the leaders of their partitions.
    request MetadataRequest {
        /// The topics to describe, or null for all.
        topics: Option<Vec<MetadataRequestTopic>> = Some(Vec::new()), nullable 1..;
        /// Whether a topic that does not exist may be created.
        allow_auto_topic_creation: bool = true, versions 4..;
        /// Whether to return the operations on the cluster that the caller may do.
        include_cluster_authorized_operations: bool, versions 8..=10;
        /// Whether to return the operations on each topic that the caller may do.
        include_topic_authorized_operations: bool, versions 8..;
    }

    /// The brokers and topics of the cluster.
    response MetadataResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32, versions 3.., else ignored;
        /// The brokers that are alive.
        brokers: Vec<MetadataResponseBroker>;
        /// The id of the cluster.
        cluster_id: Option<Str>, versions 2.., else ignored;
        /// The id of the broker that is the controller, or -1.
        controller_id: i32 = -1, versions 1.., else ignored;
        /// The topics.
        topics: Vec<MetadataResponseTopic>;
        /// The operations on the cluster that the caller may do, as bits; `i32::MIN` if not asked
        /// for.
        cluster_authorized_operations: i32 = i32::MIN, versions 8..=10;
        /// The error, or none.
        error_code: ErrorCode, versions 13.., else ignored;
    }

    /// A topic, by name or by id.
    struct MetadataRequestTopic {
        /// The id of the topic; zero if not known.
        topic_id: Uuid, versions 10.., else ignored;
        /// The name of the topic; null to ask by id.
        name: Option<Str> = Some(Str::default()), nullable 10..;
    }

    /// A broker.
    struct MetadataResponseBroker {
        /// The id of the broker.
        node_id: i32;
        /// The host name to connect to.
        host: Str;
        /// The port to connect to.
        port: i32;
        /// The rack of the broker.
        rack: Option<Str>, versions 1.., else ignored;
    }

    /// A topic.
    struct MetadataResponseTopic {
        /// The error, or none.
        error_code: ErrorCode;
        /// The name of the topic; null if an unknown id was asked for.
        name: Option<Str> = Some(Str::default()), nullable 12..;
        /// The id of the topic; zero if not known.
        topic_id: Uuid, versions 10.., else ignored;
        /// Whether the topic is one of the cluster's own.
        is_internal: bool, versions 1.., else ignored;
        /// The partitions.
        partitions: Vec<MetadataResponsePartition>;
        /// The operations on the topic that the caller may do, as bits; `i32::MIN` if not asked
        /// for.
        topic_authorized_operations: i32 = i32::MIN, versions 8..;
    }

    /// A partition and its replicas.
    struct MetadataResponsePartition {
        /// The error, or none.
        error_code: ErrorCode;
        /// The partition.
        partition_index: i32;
        /// The broker that leads, or -1.
        leader_id: i32;
        /// The leader epoch, or -1.
        leader_epoch: i32 = -1, versions 7.., else ignored;
        /// The brokers that hold the replicas.
        replica_nodes: Vec<i32>;
        /// The brokers whose replicas are in sync.
        isr_nodes: Vec<i32>;
        /// The brokers whose replicas are not alive.
        offline_replicas: Vec<i32>, versions 5.., else ignored;
    }
}
