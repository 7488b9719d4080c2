//! DeleteTopics: deletes topics.

use uuid::Uuid;

use crate::kafka::{ErrorCode, Str};

api! {
    DeleteTopics: versions 1..=6, flexible 4..;

    /// Deletes topics.
    request DeleteTopicsRequest {
        /// The topics, by name or by id.
        topics: Vec<DeleteTopicState>, versions 6..;
        /// The names of the topics.
        topic_names: Vec<Str>, versions ..=5, else ignored;
        /// How long the broker may take before it answers, in ms.
        timeout_ms: i32;
    }

    /// Which topics were deleted.
    response DeleteTopicsResponse {
        /// For how many ms the client was, or shall be, held back because of a quota.
        throttle_time_ms: i32;
        /// The results.
        responses: Vec<DeletableTopicResult>;
    }

    /// A topic to delete.
    struct DeleteTopicState {
        /// The name of the topic; null to delete by id.
        name: Option<Str>;
        /// The id of the topic; zero if not known.
        topic_id: Uuid;
    }

    /// The result of one topic.
    struct DeletableTopicResult {
        /// The name of the topic; null if an unknown id was given.
        name: Option<Str> = Some(Str::default()), nullable 6..;
        /// The id of the topic; zero if not known.
        topic_id: Uuid, versions 6.., else ignored;
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str>, versions 5.., else ignored;
    }
}
