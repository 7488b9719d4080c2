//! What can go wrong between a client and the cluster. The texts leave out the sources, which
//! whoever prints an error prints after it.

use std::io;

use barnabas_protocol::kafka::api_key::ApiKey;
use barnabas_protocol::kafka::codec::{DecodeError, EncodeError};
use barnabas_protocol::kafka::error_code::ErrorCode;

use crate::{Address, Notice};

/// Why a request was not answered, or was refused.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The broker cannot be reached.
    #[error("cannot connect to {address}; is a broker listening there (--bootstrap-server)?")]
    Connect {
        /// The broker.
        address: Address,
        /// What the operating system says.
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to {address} broke")]
    Broken {
        /// The broker.
        address: Address,
        /// What the operating system says.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{address} did not answer {api:?} in time")]
    TimedOut {
        /// The broker.
        address: Address,
        /// The request.
        api: ApiKey,
    },
    /// The broker does not have the API in any version known here.
    #[error("{address} does not support {api:?} in a version known here: is it a Kafka broker?")]
    Unsupported {
        /// The broker.
        address: Address,
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
    #[must_use]
    pub fn refused(code: ErrorCode, message: Option<&str>) -> Self {
        let message = message.filter(|m| !m.is_empty()).unwrap_or_else(|| code.message());
        Self::Refused { code, message: message.to_owned() }
    }

    /// Turns an error code of a response into a result.
    ///
    /// # Errors
    /// The code is not that of success.
    pub fn check(code: ErrorCode, message: Option<&str>) -> Result<(), Self> {
        match code {
            ErrorCode::None => Ok(()),
            code => Err(Self::refused(code, message)),
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Broken { .. } | Self::TimedOut { .. } => true,
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Unsupported { .. } | Self::Decode { .. } | Self::Encode { .. } => false,
        }
    }

    /// The broker's code, if it refused.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// What to say while the operation is tried again.
    pub(crate) fn notice(&self) -> Notice {
        match self {
            Self::Connect { address, source } | Self::Broken { address, source } => {
                Notice::Unreachable { address: address.clone(), reason: reason(source) }
            }
            Self::TimedOut { address, .. } => {
                Notice::Unreachable { address: address.clone(), reason: "no answer".to_owned() }
            }
            other => Notice::Refusing { reason: other.to_string() },
        }
    }
}

/// The operating system's words, without its number for them.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
