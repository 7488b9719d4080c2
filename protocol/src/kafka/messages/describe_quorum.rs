//! DescribeQuorum: describes the nodes that keep the metadata of the cluster (KIP-642, KIP-836,
//! KIP-853).

use uuid::Uuid;

use crate::kafka::{ErrorCode, Str};

api! {
    DescribeQuorum: versions 0..=2, flexible 0..;

    /// The partitions that the client asks about; in Kafka there is one, of `__cluster_metadata`.
    request DescribeQuorumRequest {
        /// The topics.
        topics: Vec<TopicRequest>;
    }

    /// The state of the quorum.
    response DescribeQuorumResponse {
        /// The error of the whole request, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default()), versions 2.., else ignored;
        /// The topics.
        topics: Vec<TopicData>;
        /// Where the nodes are reached.
        nodes: Vec<Node>, versions 2..;
    }

    /// The partitions of one topic.
    struct TopicRequest {
        /// The name of the topic.
        topic_name: Str;
        /// The partitions.
        partitions: Vec<PartitionRequest>;
    }

    /// A partition to describe.
    struct PartitionRequest {
        /// The partition.
        partition_index: i32;
    }

    /// The quorums of one topic.
    struct TopicData {
        /// The name of the topic.
        topic_name: Str;
        /// The partitions.
        partitions: Vec<PartitionData>;
    }

    /// The quorum of one partition.
    struct PartitionData {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default()), versions 2.., else ignored;
        /// The node that leads, or -1.
        leader_id: i32;
        /// The epoch of the leader.
        leader_epoch: i32;
        /// The offset below which everything is committed.
        high_watermark: i64;
        /// The nodes that vote.
        current_voters: Vec<ReplicaState>;
        /// The nodes that only follow.
        observers: Vec<ReplicaState>;
    }

    /// How far one node is.
    struct ReplicaState {
        /// The node.
        replica_id: i32;
        /// The directory that the node keeps its copy in.
        replica_directory_id: Uuid, versions 2..;
        /// The offset behind the last record that the node has, or -1.
        log_end_offset: i64;
        /// When the node fetched last, in ms since 1970, or -1.
        last_fetch_timestamp: i64 = -1, versions 1.., else ignored;
        /// When the node was last known to have everything, in ms since 1970, or -1.
        last_caught_up_timestamp: i64 = -1, versions 1.., else ignored;
    }

    /// A node of the quorum.
    struct Node {
        /// The node.
        node_id: i32;
        /// Where it is reached.
        listeners: Vec<Listener>;
    }

    /// An address of a node.
    struct Listener {
        /// The name of the listener.
        name: Str;
        /// The host.
        host: Str;
        /// The port.
        port: u16;
    }
}
