//! Consumer groups: the classic protocol, committed offsets, and administration.
//!
//! The handlers translate between messages and [`crate::group`], which decides.

pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod heartbeat;
pub(crate) mod join;
pub(crate) mod leave;
pub(crate) mod list;
pub(crate) mod offset_commit;
pub(crate) mod offset_delete;
pub(crate) mod offset_fetch;
pub(crate) mod sync;

use barnabas_protocol::kafka::{ErrorCode, Str};
use barnabas_protocol::state::ids::PartitionIndex;

use crate::api::context::RequestContext;
use crate::api::error_map;
use crate::group::{Caller, GroupError};

/// Copies a text that outlives the request, so that it does not keep the request's frame in memory.
fn own_text(text: Option<&Str>) -> Option<Str> {
    text.map(Str::detach)
}

/// The member that sends a request.
fn caller(member_id: &Str, instance: Option<&Str>, generation: i32) -> Caller {
    Caller { member_id: member_id.detach(), instance: own_text(instance), generation }
}

/// Requests about members need a group id. Offsets may be committed under the empty id.
fn check_group_id(group: &Str) -> Result<(), GroupError> {
    if group.is_empty() { Err(GroupError::InvalidGroupId) } else { Ok(()) }
}

fn code<T>(result: Result<T, GroupError>) -> ErrorCode {
    result.map_or_else(error_map::group, |_| ErrorCode::None)
}

fn partition_exists(context: &RequestContext, topic: &str, partition: i32) -> bool {
    context.broker().image().has_partition(topic, PartitionIndex(partition))
}
