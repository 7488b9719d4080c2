//! The outcome of a request: a reply, one that is still to come, or the reason to close the
//! connection.

use std::pin::Pin;

use barnabas_protocol::kafka::api_key::ApiKey;
use barnabas_protocol::kafka::codec::{DecodeError, EncodeError, Response};
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::frame::response_segments;
use bytes::Bytes;

/// Replies with a whole frame, or with the reason to close the connection.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Result<Vec<Bytes>, Malformed>> + Send>>;

/// What dispatching a request gives.
pub enum Dispatched {
    /// It is answered.
    Reply(Vec<Bytes>),
    /// The reply comes later; the next requests of the connection may be dispatched meanwhile.
    Pipelined(ReplyFuture),
    /// The reply comes later; the next requests of the connection must wait for it.
    Alone(ReplyFuture),
    /// Like `Alone`, but the reply depends on other clients, which may take long, and the request
    /// no longer holds its frame.
    Parked(ReplyFuture),
}

/// A request that cannot be answered; its connection is closed, as Kafka does.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// The frame is too short for a header.
    #[error("the request header cannot be read: {0}")]
    Header(DecodeError),
    /// No such API here.
    #[error("API key {0} is not served")]
    UnknownApi(i16),
    /// The API is served, but not in this version.
    #[error("{api:?} version {version} is not served")]
    UnsupportedVersion {
        /// The API.
        api: ApiKey,
        /// The version asked for.
        version: i16,
    },
    /// The body does not follow the schema.
    #[error("{api:?} version {version} cannot be read: {error}")]
    Body {
        /// The API.
        api: ApiKey,
        /// Its version.
        version: i16,
        /// What is wrong.
        error: DecodeError,
    },
    /// A request with acks=0 failed; closing the connection is the only way to tell the client.
    #[error("a produce request with acks=0 failed with {0:?}")]
    SilentFailure(ErrorCode),
    /// The response does not fit its version: a defect of this broker.
    #[error("{api:?}: the response cannot be written: {error}")]
    Response {
        /// The API.
        api: ApiKey,
        /// What is wrong.
        error: EncodeError,
    },
}

/// What a response must match: the request's correlation id and version. Every response passes
/// here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplyTo {
    pub(crate) correlation_id: i32,
    pub(crate) version: i16,
}

impl ReplyTo {
    /// Encodes a response as a whole frame.
    pub(crate) fn encode<R: Response>(self, response: &R) -> Result<Vec<Bytes>, Malformed> {
        response_segments(self.correlation_id, response, self.version)
            .map_err(|error| Malformed::Response { api: R::API_KEY, error })
    }
}
