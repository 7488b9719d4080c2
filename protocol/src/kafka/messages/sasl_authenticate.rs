//! SaslAuthenticate: carries one message of the SASL mechanism to the broker.

use bytes::Bytes;

use crate::kafka::{ErrorCode, Str};

api! {
    SaslAuthenticate: versions 0..=2, flexible 2..;

    /// Carries one message of the SASL mechanism to the broker.
    request SaslAuthenticateRequest {
        /// A message of the SASL mechanism.
        auth_bytes: Bytes;
    }

    /// Carries the mechanism's answer back.
    response SaslAuthenticateResponse {
        /// The error, or none.
        error_code: ErrorCode;
        /// The error in words.
        error_message: Option<Str> = Some(Str::default());
        /// A message of the SASL mechanism.
        auth_bytes: Bytes;
        /// After how many ms the client has to authenticate again; 0 for never.
        session_lifetime_ms: i64, versions 1.., else ignored;
    }
}
