//! SaslHandshake: chooses a SASL mechanism.

use crate::kafka::{ErrorCode, Str};

api! {
    SaslHandshake: versions 0..=1;

    /// Chooses a SASL mechanism.
    request SaslHandshakeRequest {
        /// The SASL mechanism that the client wants.
        mechanism: Str;
    }

    /// Whether the broker offers the mechanism.
    response SaslHandshakeResponse {
        /// The error, or none.
        error_code: ErrorCode;
        /// The SASL mechanisms that the broker offers.
        mechanisms: Vec<Str>;
    }
}
