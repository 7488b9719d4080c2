//! SyncGroup: sends or asks for the assignment of a generation.

use std::sync::Arc;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::sync_group::{
    SyncGroupRequest, SyncGroupRequestAssignment, SyncGroupResponse,
};
use bytes::Bytes;

use super::{caller, check_group_id, own_text};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::group::{GroupError, SyncGroup, check_member};

/// Copies what is needed out of the request. The returned future waits for the leader and does not
/// hold on to the request's memory.
pub(crate) fn begin(
    context: &RequestContext,
    request: SyncGroupRequest,
) -> impl Future<Output = SyncGroupResponse> + Send + use<> {
    let (broker, group) = (Arc::clone(context.broker()), request.group_id.detach());
    let sync = sync(context, &request);
    async move {
        let synced = match sync {
            Ok(sync) => broker.groups.sync(group, sync).await,
            Err(error) => Err(error),
        };
        match synced {
            Ok(synced) => SyncGroupResponse {
                protocol_type: synced.protocol_type,
                protocol_name: synced.protocol,
                assignment: synced.assignment,
                ..SyncGroupResponse::default()
            },
            Err(error) => SyncGroupResponse {
                error_code: error_map::group(error),
                ..SyncGroupResponse::default()
            },
        }
    }
}

fn sync(context: &RequestContext, request: &SyncGroupRequest) -> Result<SyncGroup, GroupError> {
    check_group_id(&request.group_id)?;
    let instance = request.group_instance_id.as_ref();
    // From version 5 on both are required.
    if context.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none())
    {
        return Err(GroupError::InconsistentProtocol);
    }
    let keep = |assignment: &SyncGroupRequestAssignment| {
        check_member(assignment.assignment.len())?;
        let kept = context
            .broker()
            .groups
            .memory
            .keep(&assignment.assignment, size_of::<(Str, Bytes)>())?;
        Ok::<_, GroupError>((assignment.member_id.detach(), kept))
    };
    let assignments = request.assignments.iter().map(keep).collect::<Result<_, _>>()?;
    Ok(SyncGroup {
        caller: caller(&request.member_id, instance, request.generation_id),
        protocol_type: own_text(request.protocol_type.as_ref()),
        protocol: own_text(request.protocol_name.as_ref()),
        assignments,
    })
}
