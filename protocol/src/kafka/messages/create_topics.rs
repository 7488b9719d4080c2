//! CreateTopics: creates topics.

use uuid::Uuid;

use crate::kafka::{ErrorCode, Str};

api! {
    CreateTopics: versions 2..=7, flexible 5..;

    /// Creates topics.
    request CreateTopicsRequest {
        /// The topics to create.
        topics: Vec<CreatableTopic>;
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32 = 60_000;
        /// Whether to check only and change nothing.
        validate_only: bool;
    }

    /// Which topics were created.
    response CreateTopicsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The topics.
        topics: Vec<CreatableTopicResult>;
    }

    /// A topic to create.
    struct CreatableTopic {
        /// The name of the topic.
        name: Str;
        /// The number of partitions, or -1 for the default of the broker.
        num_partitions: i32;
        /// The number of replicas of each partition, or -1 for the default of the broker.
        replication_factor: i16;
        /// The replicas that the caller chose, one entry a partition.
        assignments: Vec<CreatableReplicaAssignment>;
        /// The configuration that differs from the defaults.
        configs: Vec<CreatableTopicConfig>;
    }

    /// The replicas of one partition.
    struct CreatableReplicaAssignment {
        /// The partition.
        partition_index: i32;
        /// The brokers that hold the replicas; the first one is the preferred leader.
        broker_ids: Vec<i32>;
    }

    /// A configuration entry.
    struct CreatableTopicConfig {
        /// The key.
        name: Str;
        /// The value.
        value: Option<Str> = Some(Str::default());
    }

    /// The result of one topic.
    struct CreatableTopicResult {
        /// The name of the topic.
        name: Str;
        /// The id of the topic; zero if not known.
        topic_id: Uuid, versions 7.., else ignored;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// Why the configuration is not returned, if it is not.
        topic_config_error_code: ErrorCode, versions 5.., tag 0, else ignored;
        /// The number of partitions, or -1 if the caller may not see it.
        num_partitions: i32 = -1, versions 5.., else ignored;
        /// The number of replicas, or -1 if the caller may not see it.
        replication_factor: i16 = -1, versions 5.., else ignored;
        /// The configuration in force, or null if the caller may not see it.
        configs: Option<Vec<CreatableTopicConfigs>> = Some(Vec::new()), versions 5.., else ignored;
    }

    /// A configuration entry of the new topic.
    struct CreatableTopicConfigs {
        /// The key.
        name: Str;
        /// The value.
        value: Option<Str> = Some(Str::default());
        /// Whether the value cannot be changed at run time.
        read_only: bool;
        /// Where the value comes from: 1 topic, 2 broker, 3 default for brokers, 4 static file, 5
        /// built-in default.
        config_source: i8 = -1;
        /// Whether the value is secret, and therefore null.
        is_sensitive: bool;
    }
}
