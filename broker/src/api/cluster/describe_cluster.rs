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
/// Everything is allowed where there are no ACLs: one bit for each of Kafka's operations on a
/// cluster.
pub(super) const ALL_CLUSTER_OPERATIONS: i32 = 8096;

pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    match request.endpoint_type {
        BROKERS => {}
        CONTROLLERS => {
            let message = "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER";
            return refused(ErrorCode::MismatchedEndpointType, message);
        }
        other => {
            let message = format!("Unsupported endpoint type {other}");
            return refused(ErrorCode::UnsupportedEndpointType, &message);
        }
    }
    let image = context.broker().image();
    let brokers = image.brokers.values().filter_map(|broker| {
        let endpoint = broker.endpoint(context.listener())?;
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
        cluster_id: context.broker().cluster_id.clone(),
        controller_id: image.controller.map_or(-1, |controller| controller.0),
        brokers: brokers.collect(),
        cluster_authorized_operations: match request.include_cluster_authorized_operations {
            true => ALL_CLUSTER_OPERATIONS,
            false => i32::MIN,
        },
        ..DescribeClusterResponse::default()
    }
}

fn refused(error_code: ErrorCode, message: &str) -> DescribeClusterResponse {
    DescribeClusterResponse {
        error_code,
        error_message: Some(Str::from(message)),
        ..DescribeClusterResponse::default()
    }
}
