//! What can go wrong between a command and the cluster, in words that say what to do. The texts leave out the
//! sources, which `main` prints after them.

use std::io;

use barnabas_protocol::kafka::api_key::ApiKey;
use barnabas_protocol::kafka::codec::{DecodeError, EncodeError};
use barnabas_protocol::kafka::error_code::ErrorCode;

/// Why a request was not answered, or not as wished.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No broker can be reached.
    #[error("cannot connect to {address}; is a broker listening there (--bootstrap-server)?")]
    Connect {
        /// Where.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to {address} broke")]
    Broken {
        /// The peer.
        address: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{address} did not answer {api:?} in time")]
    TimedOut {
        /// The peer.
        address: String,
        /// The request.
        api: ApiKey,
    },
    /// The broker does not have the API in any version known here.
    #[error(
        "{address} does not support {api:?} in a version that this tool knows: is it a Kafka broker?"
    )]
    Unsupported {
        /// The peer.
        address: String,
        /// The request.
        api: ApiKey,
    },
    /// The answer cannot be read.
    #[error("the answer to {api:?} cannot be read")]
    Decode {
        /// The request.
        api: ApiKey,
        /// What is wrong.
        source: DecodeError,
    },
    /// The request cannot be written in the version that the broker has.
    #[error("{api:?} cannot be sent")]
    Encode {
        /// The request.
        api: ApiKey,
        /// What is wrong.
        source: EncodeError,
    },
    /// The broker refuses.
    #[error("{message}")]
    Refused {
        /// Kafka's code.
        code: ErrorCode,
        /// The broker's words, or ours for the code.
        message: String,
    },
}

impl ClientError {
    /// A broker's refusal; without words of its own, those for the code.
    pub fn refused(code: ErrorCode, message: Option<&str>) -> Self {
        let message = message.filter(|m| !m.is_empty()).unwrap_or_else(|| code.message());
        Self::Refused { code, message: message.to_owned() }
    }

    /// Turns an error code of a response into a result.
    pub fn check(code: ErrorCode, message: Option<&str>) -> Result<(), Self> {
        match code {
            ErrorCode::None => Ok(()),
            code => Err(Self::refused(code, message)),
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Broken { .. } | Self::TimedOut { .. } => true,
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Unsupported { .. } | Self::Decode { .. } | Self::Encode { .. } => false,
        }
    }
}
