//! FindCoordinator: which broker keeps a group.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::find_coordinator::{
    Coordinator, FindCoordinatorRequest, FindCoordinatorResponse,
};

use crate::api::context::RequestContext;

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

pub(crate) async fn handle(
    context: &RequestContext,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    if context.version >= 4 {
        let keys = request.coordinator_keys.into_iter();
        let coordinators = keys.map(|key| find(context, request.key_type, key)).collect();
        return FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() };
    }
    let found = find(context, request.key_type, request.key);
    FindCoordinatorResponse {
        error_code: found.error_code,
        // Kafka names the code here even where there is no error.
        error_message: found
            .error_message
            .filter(|message| !message.is_empty())
            .or(Some(Str::from_static("NONE"))),
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..FindCoordinatorResponse::default()
    }
}

fn find(context: &RequestContext, key_type: i8, key: Str) -> Coordinator {
    match key_type {
        GROUP => {}
        // Of all errors this one ends the producers of Java and of librdkafka at once and lets both
        // print the text: librdkafka tries others again until it gives up, and Java has a text of
        // its own for the few others.
        TRANSACTION => {
            let text = Str::from_static(
                "This broker has no transactions yet: produce without transactional.id, \
                 and without exactly-once processing.",
            );
            return refused(key, ErrorCode::ClusterAuthorizationFailed, text);
        }
        _ => return missing(key, ErrorCode::InvalidRequest),
    }
    let image = context.broker().image();
    let coordinator = context.broker().groups.coordinator_of(&key);
    let broker = coordinator.and_then(|id| image.brokers.get(&id).cloned());
    let endpoint = broker.as_ref().and_then(|b| Some((b.id, b.endpoint(context.listener())?)));
    match endpoint {
        Some((id, endpoint)) => Coordinator {
            key,
            node_id: id.0,
            host: Str::from(&*endpoint.host),
            port: i32::from(endpoint.port),
            error_message: Some(Str::default()),
            ..Coordinator::default()
        },
        None => missing(key, ErrorCode::CoordinatorNotAvailable),
    }
}

fn missing(key: Str, error_code: ErrorCode) -> Coordinator {
    refused(key, error_code, Str::from(error_code.message()))
}

fn refused(key: Str, error_code: ErrorCode, text: Str) -> Coordinator {
    Coordinator {
        key,
        node_id: -1,
        port: -1,
        error_code,
        error_message: Some(text),
        ..Coordinator::default()
    }
}
