//! ListGroups: the groups that this broker coordinates, by state (KIP-518) and type (KIP-848).

use barnabas_protocol::kafka::messages::list_groups::{
    ListGroupsRequest, ListGroupsResponse, ListedGroup,
};
use barnabas_protocol::kafka::{ErrorCode, Str};

use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::group::Listed;

/// All groups are of this type.
const CLASSIC: &str = "classic";

pub(crate) async fn handle(
    context: &RequestContext,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    let groups = match context.broker().groups.list().await {
        Ok(groups) => groups,
        Err(error) => {
            return ListGroupsResponse {
                error_code: error_map::group(error),
                ..ListGroupsResponse::default()
            };
        }
    };
    let matches = |filter: &[Str], value: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let listed = |group: Listed| ListedGroup {
        group_id: group.group,
        protocol_type: group.protocol_type,
        group_state: Str::from_static(group.state),
        group_type: Str::from_static(CLASSIC),
    };
    let wanted = |group: &Listed| {
        matches(&request.states_filter, group.state) && matches(&request.types_filter, CLASSIC)
    };
    ListGroupsResponse {
        error_code: ErrorCode::None,
        groups: groups.into_iter().filter(wanted).map(listed).collect(),
        ..ListGroupsResponse::default()
    }
}
