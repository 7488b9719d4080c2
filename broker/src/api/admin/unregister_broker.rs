//! UnregisterBroker (version 0): a broker is registered here as long as it runs, so one that does
//! not run is not registered, and one that runs has to be stopped.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::{UnregisterBrokerRequest, UnregisterBrokerResponse};
use barnabas_protocol::state::ids::BrokerId;

use crate::api::context::RequestContext;

pub(crate) async fn handle(
    context: &RequestContext,
    request: UnregisterBrokerRequest,
) -> UnregisterBrokerResponse {
    let id = BrokerId(request.broker_id);
    let (error_code, message) = if context.broker().image().alive(id) {
        let message = format!("Broker {id} is running: stop it, and its registration ends.");
        (ErrorCode::InvalidRequest, message)
    } else {
        (ErrorCode::BrokerIdNotRegistered, format!("Broker ID {id} is not currently registered"))
    };
    UnregisterBrokerResponse {
        error_code,
        error_message: Some(message.into()),
        ..UnregisterBrokerResponse::default()
    }
}
