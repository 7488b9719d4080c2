//! Why bytes are not a message, or why a message cannot become bytes.

/// The bytes are not the message that was expected. The connection they came from cannot be used
/// any further.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The frame ends before the message does, or a count claims more elements than could follow.
    #[error("truncated: {needed} bytes needed, {remaining} left")]
    Truncated {
        /// The least number of bytes that had to follow.
        needed: usize,
        /// The number of bytes that did follow.
        remaining: usize,
    },
    /// This codec does not know the message in this version.
    #[error("version {version} of {message} is not supported")]
    UnsupportedVersion {
        /// The name of the message.
        message: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// A variable-length integer does not fit its type.
    #[error("variable-length integer too long")]
    VarintOverflow,
    /// A length is negative, but not the -1 that stands for null.
    #[error("negative length {0}")]
    NegativeLength(i32),
    /// Null where the version does not allow it.
    #[error("null is not allowed for {0}")]
    UnexpectedNull(&'static str),
    /// A string is longer than the 32767 bytes that Kafka allows.
    #[error("string of {0} bytes is too long")]
    StringTooLong(usize),
    /// A tagged field holds more bytes than its value.
    #[error("tagged field {tag} has {unread} bytes behind its value")]
    TagSizeMismatch {
        /// The number of the tagged field.
        tag: u32,
        /// The bytes of the field that do not belong to its value.
        unread: usize,
    },
    /// The marker in front of a nullable structure is neither null (-1) nor present (1).
    #[error("invalid marker {0} in front of a nullable structure")]
    InvalidPresence(i8),
    /// Bytes are left behind the message.
    #[error("{0} bytes behind the message")]
    TrailingBytes(usize),
    /// The message would take far more memory than its frame has bytes.
    #[error(
        "message too large in memory: {needed} bytes needed, {budget} left in the budget of its frame"
    )]
    BudgetExceeded {
        /// The bytes that the next array needs.
        needed: usize,
        /// The bytes that this frame may still take.
        budget: usize,
    },
}

/// The three ways a frame can be unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecodeErrorKind {
    /// Bytes are missing.
    Truncated,
    /// The version is outside the range of this codec.
    UnsupportedVersion,
    /// The bytes contradict the protocol or its limits.
    Invalid,
}

impl DecodeError {
    /// Tells truncated from unsupported from invalid.
    pub fn kind(&self) -> DecodeErrorKind {
        match self {
            Self::Truncated { .. } => DecodeErrorKind::Truncated,
            Self::UnsupportedVersion { .. } => DecodeErrorKind::UnsupportedVersion,
            Self::VarintOverflow
            | Self::NegativeLength(_)
            | Self::UnexpectedNull(_)
            | Self::StringTooLong(_)
            | Self::TagSizeMismatch { .. }
            | Self::InvalidPresence(_)
            | Self::TrailingBytes(_)
            | Self::BudgetExceeded { .. } => DecodeErrorKind::Invalid,
        }
    }
}

/// The message cannot be said in this version. This is a mistake of the caller, never of the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// This codec does not know the message in this version.
    #[error("version {version} of {message} is not supported")]
    UnsupportedVersion {
        /// The name of the message.
        message: &'static str,
        /// The version that was asked for.
        version: i16,
    },
    /// A field that the version lacks, and that may not be dropped silently, has a value of its
    /// own.
    #[error("{field} has a value, but version {version} has no such field")]
    FieldNotInVersion {
        /// The field, as `Structure::field`.
        field: &'static str,
        /// The version that lacks it.
        version: i16,
    },
    /// A field is null in a version that does not allow it.
    #[error("{field} is null, which version {version} does not allow")]
    UnexpectedNull {
        /// The field, as `Structure::field`.
        field: &'static str,
        /// The version that does not allow it.
        version: i16,
    },
    /// A string, byte sequence, array or frame is longer than its length field can say.
    #[error("length {0} is too long for its length field")]
    TooLong(usize),
}
