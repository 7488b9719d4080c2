//! Heartbeat: keeps a member in its group, and tells it of rebalances.

use barnabas_protocol::kafka::messages::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use super::{caller, check_group_id, code};
use crate::api::context::RequestContext;
use crate::group::GroupError;

pub(crate) async fn handle(
    context: &RequestContext,
    request: HeartbeatRequest,
) -> HeartbeatResponse {
    HeartbeatResponse {
        error_code: code(heartbeat(context, request).await),
        ..HeartbeatResponse::default()
    }
}

async fn heartbeat(context: &RequestContext, request: HeartbeatRequest) -> Result<(), GroupError> {
    check_group_id(&request.group_id)?;
    let instance = request.group_instance_id.as_ref();
    let caller = caller(&request.member_id, instance, request.generation_id);
    context.broker().groups.heartbeat(request.group_id, caller).await
}
