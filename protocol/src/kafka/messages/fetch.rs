//! Fetch: reads records from an offset on, for a consumer or a follower.

use uuid::Uuid;

use crate::kafka::{ErrorCode, Records, Str};

api! {
    Fetch: versions 4..=17, flexible 12..;

    /// Reads records from an offset on, for a consumer or a follower.
    request FetchRequest {
        /// The cluster that the caller belongs to, if it knows.
        cluster_id: Option<Str>, versions 12.., tag 0, else ignored;
        /// The id of the follower, or -1 for a consumer; later versions have `replica_state`.
        replica_id: i32 = -1, versions ..=14;
        /// Who the follower is.
        replica_state: ReplicaState, versions 15.., tag 1;
        /// How long to wait for `min_bytes`, in ms.
        max_wait_ms: i32;
        /// The least bytes to wait for.
        min_bytes: i32;
        /// The most bytes to return; a first batch that is larger is still returned (KIP-74).
        max_bytes: i32 = i32::MAX;
        /// Which records may be seen: 0 all, 1 only those of committed transactions.
        isolation_level: i8;
        /// The id of the fetch session, or 0.
        session_id: i32, versions 7.., else ignored;
        /// The number of the request in the fetch session; 0 starts one, -1 does without (KIP-227).
        session_epoch: i32 = -1, versions 7.., else ignored;
        /// The partitions to add to the fetch session, or all to fetch.
        topics: Vec<FetchTopic>;
        /// The partitions to take out of the fetch session.
        forgotten_topics_data: Vec<ForgottenTopic>, versions 7..;
        /// The rack of the consumer.
        rack_id: Str, versions 11.., else ignored;
    }

    /// The records that were found.
    response FetchResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The error, or none.
        error_code: ErrorCode, versions 7.., else ignored;
        /// The id of the fetch session, or 0.
        session_id: i32, versions 7..;
        /// The records, one entry a topic.
        responses: Vec<FetchableTopicResponse>;
        /// The addresses of the leaders that the answer names.
        node_endpoints: Vec<NodeEndpoint>, versions 16.., tag 0;
    }

    /// The identity of a follower.
    struct ReplicaState {
        /// The id of the follower, or -1 for a consumer.
        replica_id: i32 = -1;
        /// The broker epoch of the follower, or -1.
        replica_epoch: i64 = -1;
    }

    /// The partitions of one topic to fetch.
    struct FetchTopic {
        /// The name of the topic.
        topic: Str, versions ..=12, else ignored;
        /// The id of the topic; zero if not known.
        topic_id: Uuid, versions 13.., else ignored;
        /// The partitions.
        partitions: Vec<FetchPartition>;
    }

    /// Where to fetch in one partition.
    struct FetchPartition {
        /// The partition.
        partition: i32;
        /// The leader epoch that the caller knows, or -1; the broker fences older and newer ones.
        current_leader_epoch: i32 = -1, versions 9.., else ignored;
        /// The offset of the first record to return.
        fetch_offset: i64;
        /// The epoch of the last record that the caller has, or -1.
        last_fetched_epoch: i32 = -1, versions 12..;
        /// The first offset that the follower keeps, or -1.
        log_start_offset: i64 = -1, versions 5.., else ignored;
        /// The most bytes to return for this partition.
        partition_max_bytes: i32;
        /// The directory that the follower keeps the log in.
        replica_directory_id: Uuid, versions 17.., tag 0, else ignored;
    }

    /// The partitions of one topic to take out of the fetch session.
    struct ForgottenTopic {
        /// The name of the topic.
        topic: Str, versions ..=12, else ignored;
        /// The id of the topic; zero if not known.
        topic_id: Uuid, versions 13.., else ignored;
        /// The partitions.
        partitions: Vec<i32>;
    }

    /// The records of one topic.
    struct FetchableTopicResponse {
        /// The name of the topic.
        topic: Str, versions ..=12, else ignored;
        /// The id of the topic; zero if not known.
        topic_id: Uuid, versions 13.., else ignored;
        /// The partitions.
        partitions: Vec<PartitionData>;
    }

    /// The records of one partition, and where its log stands.
    struct PartitionData {
        /// The partition.
        partition_index: i32;
        /// The error, or none.
        error_code: ErrorCode;
        /// The offset up to which all in-sync replicas have the records.
        high_watermark: i64;
        /// The offset up to which all transactions are decided, or -1.
        last_stable_offset: i64 = -1;
        /// The first offset that the log keeps, or -1.
        log_start_offset: i64 = -1, versions 5.., else ignored;
        /// Where the follower's log and the leader's part ways, if they do.
        diverging_epoch: EpochEndOffset, versions 12.., tag 0;
        /// The present leader, if the request came to the wrong broker.
        current_leader: LeaderIdAndEpoch, versions 12.., tag 1;
        /// A snapshot to fetch instead; metadata logs only.
        snapshot_id: SnapshotId, versions 12.., tag 2;
        /// The aborted transactions among the records, for a consumer that reads committed ones
        /// only.
        aborted_transactions: Option<Vec<AbortedTransaction>> = Some(Vec::new());
        /// The broker the consumer should rather read from, or -1 (KIP-392).
        preferred_read_replica: i32 = -1, versions 11..;
        /// Whole record batches.
        records: Option<Records>;
    }

    /// The end of a leader epoch.
    struct EpochEndOffset {
        /// The leader epoch, or -1.
        epoch: i32 = -1;
        /// The offset after the last record of the epoch, or -1.
        end_offset: i64 = -1;
    }

    /// Who leads a partition.
    struct LeaderIdAndEpoch {
        /// The broker that leads, or -1 if there is none.
        leader_id: i32 = -1;
        /// The leader epoch, or -1.
        leader_epoch: i32 = -1;
    }

    /// A snapshot of a metadata log.
    struct SnapshotId {
        /// The offset after the last record of the epoch, or -1.
        end_offset: i64 = -1;
        /// The leader epoch, or -1.
        epoch: i32 = -1;
    }

    /// A transaction whose records a consumer has to skip.
    struct AbortedTransaction {
        /// The producer whose transaction was aborted.
        producer_id: i64;
        /// The offset of the first record of the transaction.
        first_offset: i64;
    }

    /// Where to reach a broker.
    struct NodeEndpoint {
        /// The id of the broker.
        node_id: i32;
        /// The host name to connect to.
        host: Str;
        /// The port to connect to.
        port: i32;
        /// The rack of the broker.
        rack: Option<Str>;
    }
}
