//! DescribeCluster: the brokers and the controller (KIP-700).

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::describe_cluster::{
    DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse,
};

use crate::api::context::RequestContext;

/// Ask for brokers, not for the controllers of a KRaft quorum (KIP-919).
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            let message = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER";
            return refused(ErrorCode::MismatchedEndpointType, request.endpoint_type, message);
        }
        other => {
            let message = format!("Unsupported endpoint type {other}");
            return refused(ErrorCode::UnsupportedEndpointType, other, &message);
        }
    }
    let image = context.broker.image();
    let brokers = image.brokers.values().filter_map(|broker| {
        let endpoint = broker.endpoint(&context.listener)?;
        Some(DescribeClusterBroker {
            broker_id: broker.id.0,
            host: Str::from(&*endpoint.host),
            port: i32::from(endpoint.port),
            rack: broker.rack.as_deref().map(Str::from),
            is_fenced: false,
        })
    });
    DescribeClusterResponse {
        endpoint_type: BROKERS,
        cluster_id: context.broker.cluster_id.clone(),
        controller_id: image.controller.map_or(-1, |controller| controller.0),
        brokers: brokers.collect(),
        ..DescribeClusterResponse::default()
    }
}

fn refused(error_code: ErrorCode, endpoint_type: i8, message: &str) -> DescribeClusterResponse {
    DescribeClusterResponse {
        error_code,
        error_message: Some(Str::from(message)),
        endpoint_type,
        ..DescribeClusterResponse::default()
    }
}
