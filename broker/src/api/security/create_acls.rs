//! CreateAcls (versions 1 to 3): refused as by Kafka without an authorizer.

use barnabas_protocol::kafka::error_code::ErrorCode;
use barnabas_protocol::kafka::messages::create_acls::{
    AclCreationResult, CreateAclsRequest, CreateAclsResponse,
};

use super::NO_AUTHORIZER;
use crate::api::context::RequestContext;

pub(crate) async fn handle(_: &RequestContext, request: CreateAclsRequest) -> CreateAclsResponse {
    let refused = AclCreationResult {
        error_code: ErrorCode::SecurityDisabled,
        error_message: Some(NO_AUTHORIZER.into()),
    };
    let results = vec![refused; request.creations.len()];
    CreateAclsResponse { results, ..CreateAclsResponse::default() }
}
