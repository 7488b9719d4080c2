//! SaslHandshake and SaslAuthenticate where no listener authenticates: a client that expects it is
//! told so, as by Kafka, instead of being left with a closed connection.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};

use crate::api::context::RequestContext;

/// Offers no mechanism.
pub(crate) async fn handshake(
    _: &RequestContext,
    _: SaslHandshakeRequest,
) -> SaslHandshakeResponse {
    let error_code = ErrorCode::IllegalSaslState;
    SaslHandshakeResponse { error_code, ..SaslHandshakeResponse::default() }
}

/// Refuses whatever the mechanism says.
pub(crate) async fn authenticate(
    _: &RequestContext,
    _: SaslAuthenticateRequest,
) -> SaslAuthenticateResponse {
    let message = "SaslAuthenticate request received after successful authentication";
    SaslAuthenticateResponse {
        error_code: ErrorCode::IllegalSaslState,
        error_message: Some(message.into()),
        ..SaslAuthenticateResponse::default()
    }
}
