//! JoinGroup: enters a group, or starts a rebalance.

use std::sync::Arc;

use barnabas_protocol::kafka::messages::join_group::{
    JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse, JoinGroupResponseMember,
};
use barnabas_protocol::kafka::{ErrorCode, Str};
use bytes::Bytes;

use super::{check_group_id, own_text};
use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::env;
use crate::group::{GroupError, Join, Joined, Protocol, Refused, check_member};

/// Longest prefix of the client's name that is copied into a member id. Ids are kept before the
/// member's memory is accounted for.
const MEMBER_NAME_CHARS: usize = 255;

/// Copies what is needed out of the request. The returned future waits for the other members and
/// does not hold on to the request's memory.
pub(crate) fn begin(
    context: &RequestContext,
    request: JoinGroupRequest,
) -> impl Future<Output = JoinGroupResponse> + Send + use<> {
    let (broker, version) = (Arc::clone(context.broker()), context.version);
    let (group, member_id) = (request.group_id.detach(), request.member_id.detach());
    let join = check(context, &request).and_then(|()| join(context, &request));
    async move {
        let result = match join {
            Ok(join) => broker.groups.join(group, join).await,
            Err(error) => Err(Refused { error, member_id }),
        };
        match result {
            Ok(joined) => response(joined),
            Err(Refused { error, member_id }) => refusal(version, error, member_id),
        }
    }
}

fn check(context: &RequestContext, request: &JoinGroupRequest) -> Result<(), GroupError> {
    check_group_id(&request.group_id)?;
    let config = context.broker().config();
    let limits = config.group_min_session_timeout_ms..=config.group_max_session_timeout_ms;
    if limits.contains(&request.session_timeout_ms) {
        Ok(())
    } else {
        Err(GroupError::InvalidSessionTimeout)
    }
}

fn join(context: &RequestContext, request: &JoinGroupRequest) -> Result<Join, GroupError> {
    let instance = own_text(request.group_instance_id.as_ref());
    let client_id = own_text(context.client_id.as_ref()).unwrap_or_default();
    // Version 0 has one timeout for both purposes.
    let has_rebalance_timeout = context.version >= 1 && request.rebalance_timeout_ms >= 0;
    let rebalance_timeout_ms = if has_rebalance_timeout {
        request.rebalance_timeout_ms
    } else {
        request.session_timeout_ms
    };
    let name = instance.as_ref().unwrap_or(&client_id).chars().take(MEMBER_NAME_CHARS);
    let name: String = name.collect();
    Ok(Join {
        member_id: request.member_id.detach(),
        new_member_id: Str::from(format!("{name}-{}", env::random_uuid())),
        instance,
        client_id,
        // As Java prints an address without a host name.
        client_host: Str::from(format!("/{}", context.client_host())),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms,
        protocol_type: request.protocol_type.detach(),
        protocols: protocols(context, &request.protocols)?,
        needs_member_id: context.version >= 4,
        can_skip_assignment: context.version >= 9,
    })
}

/// The protocols, copied. The bytes of the first one account for all of them.
fn protocols(
    context: &RequestContext,
    asked: &[JoinGroupRequestProtocol],
) -> Result<Vec<Protocol>, GroupError> {
    let said: usize = asked.iter().map(|p| p.name.len() + p.metadata.len()).sum();
    check_member(said)?;
    let protocol = |p: &JoinGroupRequestProtocol| Protocol {
        name: p.name.detach(),
        metadata: Bytes::copy_from_slice(&p.metadata),
    };
    let mut protocols: Vec<_> = asked.iter().map(protocol).collect();
    if let Some(first) = protocols.first_mut() {
        let beside = said - first.metadata.len() + asked.len() * size_of::<Protocol>();
        first.metadata = context.broker().groups.memory.keep(&first.metadata, beside)?;
    }
    Ok(protocols)
}

fn response(joined: Joined) -> JoinGroupResponse {
    let member = |m: crate::group::JoinedMember| JoinGroupResponseMember {
        member_id: m.member_id,
        group_instance_id: m.instance,
        metadata: m.metadata,
    };
    JoinGroupResponse {
        error_code: ErrorCode::None,
        generation_id: joined.generation,
        protocol_type: joined.protocol_type,
        protocol_name: Some(joined.protocol.unwrap_or_default()),
        leader: joined.leader,
        skip_assignment: joined.skip_assignment,
        member_id: joined.member_id,
        members: joined.members.into_iter().map(member).collect(),
        ..JoinGroupResponse::default()
    }
}

fn refusal(version: i16, error: GroupError, member_id: Str) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: error_map::group(error),
        member_id,
        // Before version 7 the name is not nullable.
        protocol_name: (version < 7).then(Str::default),
        ..JoinGroupResponse::default()
    }
}
