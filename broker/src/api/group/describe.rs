//! DescribeGroups: the state and the members of classic groups.

use std::collections::HashSet;

use barnabas_protocol::kafka::Str;
use barnabas_protocol::kafka::messages::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};

use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::group::{DEAD, DescribedMember, Description, GroupError};

/// The first version in which a group that does not exist is an error.
const FIRST_WITH_NOT_FOUND: i16 = 6;

/// READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS as bits. Without an authorizer all of
/// them are allowed.
const ALL_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

pub(crate) async fn handle(
    context: &RequestContext,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    let mut groups = Vec::new();
    // Each group once: a description can be thousands of times as large as the id that asks for it.
    let mut seen = HashSet::new();
    for group_id in request.groups.into_iter().filter(|group| seen.insert(group.clone())) {
        let result = context.broker().groups.describe(group_id.clone()).await;
        let mut group = match result {
            Ok(description) => found(group_id, description),
            Err(error) => missing(context.version, group_id, error),
        };
        if request.include_authorized_operations {
            group.authorized_operations = ALL_OPERATIONS;
        }
        groups.push(group);
    }
    DescribeGroupsResponse { groups, ..DescribeGroupsResponse::default() }
}

fn found(group_id: Str, group: Description) -> DescribedGroup {
    let member = |m: DescribedMember| DescribedGroupMember {
        member_id: m.member_id,
        group_instance_id: m.instance,
        client_id: m.client_id,
        client_host: m.client_host,
        member_metadata: m.metadata,
        member_assignment: m.assignment,
    };
    DescribedGroup {
        group_id,
        group_state: Str::from_static(group.state),
        protocol_type: group.protocol_type,
        protocol_data: group.protocol,
        members: group.members.into_iter().map(member).collect(),
        ..DescribedGroup::default()
    }
}

fn missing(version: i16, group_id: Str, error: GroupError) -> DescribedGroup {
    let not_found = error == GroupError::NotFound;
    let group = DescribedGroup {
        group_state: Str::from_static(if not_found { DEAD } else { "" }),
        group_id,
        ..DescribedGroup::default()
    };
    if not_found && version < FIRST_WITH_NOT_FOUND {
        return group;
    }
    let message = not_found.then(|| Str::from(format!("Group {} not found.", group.group_id)));
    let error_message = message.filter(|_| version >= FIRST_WITH_NOT_FOUND);
    DescribedGroup { error_code: error_map::group(error), error_message, ..group }
}
