//! LeaveGroup: removes one member before version 3, several from then on (KIP-345).

use barnabas_protocol::kafka::ErrorCode;
use barnabas_protocol::kafka::messages::leave_group::{
    LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse,
};

use super::{check_group_id, code, own_text};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::group::{GroupError, Leaver, Results};

const FIRST_WITH_MEMBERS: i16 = 3;

pub(crate) async fn handle(
    context: &RequestContext,
    mut request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    if context.version < FIRST_WITH_MEMBERS {
        let member_id = request.member_id.clone();
        request.members = vec![MemberIdentity { member_id, ..MemberIdentity::default() }];
    }
    let results = match leave(context, &request).await {
        Ok(results) => results,
        Err(error) => {
            return LeaveGroupResponse {
                error_code: error_map::group(error),
                ..LeaveGroupResponse::default()
            };
        }
    };
    if context.version < FIRST_WITH_MEMBERS {
        let error_code = results.into_iter().next().map_or(ErrorCode::None, code);
        return LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() };
    }
    let response = |(member, result): (MemberIdentity, _)| MemberResponse {
        member_id: member.member_id,
        group_instance_id: member.group_instance_id,
        error_code: code(result),
    };
    let members = request.members.into_iter().zip(results).map(response).collect();
    LeaveGroupResponse { members, ..LeaveGroupResponse::default() }
}

async fn leave(
    context: &RequestContext,
    request: &LeaveGroupRequest,
) -> Result<Results, GroupError> {
    check_group_id(&request.group_id)?;
    let leaver = |member: &MemberIdentity| Leaver {
        member_id: member.member_id.detach(),
        instance: own_text(member.group_instance_id.as_ref()),
    };
    let leavers = request.members.iter().map(leaver).collect();
    context.broker().groups.leave(request.group_id.clone(), leavers).await
}
