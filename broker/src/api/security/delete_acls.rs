//! DeleteAcls (versions 1 to 3): refused as by Kafka without an authorizer.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::delete_acls::{
    DeleteAclsFilterResult, DeleteAclsRequest, DeleteAclsResponse,
};

use super::NO_AUTHORIZER;
use crate::api::context::RequestContext;

pub(crate) async fn handle(_: &RequestContext, request: DeleteAclsRequest) -> DeleteAclsResponse {
    let refused = DeleteAclsFilterResult {
        error_code: ErrorCode::SecurityDisabled,
        error_message: Some(NO_AUTHORIZER.into()),
        ..DeleteAclsFilterResult::default()
    };
    let filter_results = vec![refused; request.filters.len()];
    DeleteAclsResponse { filter_results, ..DeleteAclsResponse::default() }
}
