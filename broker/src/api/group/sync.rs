//! SyncGroup: hands over, or asks for, the assignment of a generation.

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use bytes::Bytes;

use super::{caller, check_group_id, own_text};
use crate::api::context::RequestContext;
use crate::group::{GroupError, Sync, Synced, check_member};

pub(crate) async fn handle(ctx: &RequestContext, request: SyncGroupRequest) -> SyncGroupResponse {
    match sync(ctx, request).await {
        Ok(synced) => SyncGroupResponse {
            protocol_type: synced.protocol_type,
            protocol_name: synced.protocol,
            assignment: synced.assignment,
            ..SyncGroupResponse::default()
        },
        Err(error) => {
            SyncGroupResponse { error_code: error.code(), ..SyncGroupResponse::default() }
        }
    }
}

async fn sync(ctx: &RequestContext, request: SyncGroupRequest) -> Result<Synced, GroupError> {
    check_group_id(&request.group_id)?;
    let instance = request.group_instance_id.as_ref();
    // From version 5 on both must be said.
    if ctx.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return Err(GroupError::InconsistentProtocol);
    }
    let keep = |assignment: &SyncGroupRequestAssignment| {
        check_member(assignment.assignment.len())?;
        let kept =
            ctx.broker.groups.memory.keep(&assignment.assignment, size_of::<(Str, Bytes)>())?;
        Ok((assignment.member_id.detach(), kept))
    };
    let assignments = request.assignments.iter().map(keep).collect::<Result<_, _>>()?;
    let sync = Sync {
        caller: caller(&request.member_id, instance, request.generation_id),
        protocol_type: own_text(request.protocol_type.as_ref()),
        protocol: own_text(request.protocol_name.as_ref()),
        assignments,
    };
    ctx.broker.groups.sync(request.group_id, sync).await
}
