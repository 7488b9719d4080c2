//! InitProducerId: an id for an idempotent producer (KIP-98).
//!
//! Transactional producers are refused: this broker has no transactions yet.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::init_producer_id::{
    InitProducerIdRequest, InitProducerIdResponse,
};

use crate::api::context::RequestContext;

pub(crate) async fn handle(
    context: &RequestContext,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    match request.transactional_id.as_deref() {
        None => {}
        Some("") => return refused(ErrorCode::InvalidRequest),
        Some(_) => return refused(ErrorCode::TransactionalIdAuthorizationFailed),
    }
    match context.broker().producer_ids.next().await {
        Ok(producer_id) => InitProducerIdResponse {
            producer_id: producer_id.0,
            producer_epoch: 0,
            ..InitProducerIdResponse::default()
        },
        Err(error) => {
            tracing::warn!(%error, "cannot reserve producer ids");
            // The producer tries again, as it does while Kafka waits for a block of ids.
            refused(ErrorCode::CoordinatorLoadInProgress)
        }
    }
}

fn refused(error_code: ErrorCode) -> InitProducerIdResponse {
    InitProducerIdResponse { error_code, producer_epoch: -1, ..InitProducerIdResponse::default() }
}
